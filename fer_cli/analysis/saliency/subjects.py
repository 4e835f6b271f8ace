"""The faces whose explanation is asked for, as the network sees them, and what it says of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli import catalog
from fer_cli.analysis.predict import Transforms, fit_to_model
from fer_cli.errors import UsageError
from fer_cli.labels import canonical, class_order
from fer_cli.models import LoadedModel
from fer_cli.store.reader import Dataset

Pixels = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.intp]
Probabilities = npt.NDArray[np.float32]
#: Called with the number of steps just done.
Advance = Callable[[int], None]
#: What the predicted and the given class are called where a class could be named.
PREDICTED, GIVEN = "predicted", "given"


@dataclass(frozen=True)
class Subjects:
    """N faces. Classes are numbered as the network's outputs.

    images: uint8 (N, H, W, C) of the network's input. labels: (N,) the given classes, None for pictures. sources: N
    names. rows: (N,) places in the split, None for pictures. probabilities: float32 (N, K).
    """

    class_names: tuple[str, ...]
    images: Pixels
    labels: Indices | None
    sources: list[str]
    rows: Indices | None
    probabilities: Probabilities

    def __len__(self) -> int:
        return len(self.images)

    @property
    def predictions(self) -> Indices:
        """(N,) the most probable class."""
        return np.asarray(self.probabilities.argmax(1))

    def classes(self, explained: str) -> Indices:
        """(N,) the class to explain of each face: the `PREDICTED` one, the `GIVEN` one, or the one of that name.

        Raises `UsageError` for a class that the network does not know, and for the given one of pictures.
        """
        if explained == PREDICTED:
            return self.predictions
        if explained == GIVEN:
            if self.labels is None:
                raise UsageError("--label: pictures have no given class; name one with --class")
            return self.labels
        return np.full(len(self), class_number(explained, self.class_names), np.intp)


def class_number(name: str, class_names: Sequence[str], option: str = "--class") -> int:
    """The place of a class, by any of its spellings; `UsageError` for one that is unknown."""
    known = canonical(name)
    if known not in class_names:
        raise UsageError(f"{option}: {catalog.unknown('class', known, class_names)}")
    return list(class_names).index(known)


def of_rows(model: LoadedModel, dataset: Dataset, split: str, rows: Indices, batch_size: int = 128) -> Subjects:
    """Rows (from 0 within the split) of a dataset. Raises `InputError` where its classes are not the model's."""
    images = fit_to_model(dataset.images(split).take(rows), model, dataset.transforms)
    sources = dataset.sources(split)
    labels = model_labels(model, dataset, split)[rows]
    answers = model.probabilities(images, batch_size)
    return Subjects(model.class_names, images, labels, [sources[row] for row in rows], rows, answers)


def of_pictures(
    model: LoadedModel, faces: Sequence[Pixels], sources: Sequence[str], transforms: Transforms = ()
) -> Subjects:
    """Faces uint8 (h, w, C) of any size, and where each is from."""
    images = np.concatenate([fit_to_model(face[None], model, transforms) for face in faces])
    return Subjects(model.class_names, images, None, list(sources), None, model.probabilities(images))


def model_labels(model: LoadedModel, dataset: Dataset, split: str) -> Indices:
    """(N,) the given classes of a split, as the network numbers them."""
    order = class_order(model.class_names, dataset.class_names, str(dataset.path))
    labels = dataset.labels(split).astype(np.intp)
    if order is None:
        return labels
    places = np.empty(len(order), np.intp)
    places[order] = np.arange(len(order))
    return places[labels]
