"""Translating the faces of a split and asking judges, which the translator never saw, what became of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.embedding import LAYER, Embedding
from fer_cli.analysis.noise.images import chosen_rows
from fer_cli.analysis.predict import Probabilities, Transforms, checked, fit_to_model
from fer_cli.analysis.translation.base import Embedder, Floats, Indices, Pixels, Target, Translator
from fer_cli.analysis.translation.identity import Gallery
from fer_cli.analysis.translation.similarity import ssim, ssim_outside
from fer_cli.labels import class_order
from fer_cli.models import LoadedModel, Scorer
from fer_cli.store.reader import Dataset
from fer_cli.transform.adapt import adapt


@dataclass(frozen=True)
class Faces:
    """N faces of a split.

    rows: (N,) places within the split. labels: (N,) in the order of `class_names`. persons: (N,) codes from 0 among
    those of the whole split, None where nobody knows them.
    """

    dataset: Dataset
    split: str
    rows: Indices
    labels: npt.NDArray[np.uint8]
    persons: Indices | None

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of the dataset."""
        return self.dataset.class_names

    @property
    def groups(self) -> Indices:
        """(N,) codes of what a bootstrap draws as a whole: persons, or single faces."""
        return np.arange(len(self.rows)) if self.persons is None else self.persons

    def __len__(self) -> int:
        return len(self.rows)

    def everybody(self) -> Indices | None:
        """Codes of the persons in all rows of the split, not only in these faces."""
        return _person_codes(self.dataset, self.split)

    def blocks(self, size: int) -> Iterator[tuple[Indices, Pixels]]:
        """Places among the N, and their images uint8 (n, H, W, C), `size` at a time."""
        images = self.dataset.images(self.split)
        for start in range(0, len(self), size):
            places = np.arange(start, min(start + size, len(self)))
            yield places, images.take(self.rows[places])


def choose_faces(dataset: Dataset, split: str, limit: int | None = None, seed: int = 0) -> Faces:
    """All faces of a split, or at most `limit` of each class, drawn by the seed; `InputError` where there is none."""
    dataset.require(split)
    labels = dataset.labels(split)
    rows = np.arange(len(labels)) if limit is None else chosen_rows(labels, limit, seed)
    persons = _person_codes(dataset, split)
    return Faces(dataset, split, rows, labels[rows], None if persons is None else persons[rows])


def _person_codes(dataset: Dataset, split: str) -> Indices | None:
    names = dataset.subjects(split)
    return None if names is None else np.unique(names, return_inverse=True)[1]


@dataclass(frozen=True)
class Block:
    """Some faces and their translations to one target.

    places: (n,) which of the N faces. target: which of the targets. before, after: uint8 (n, H, W, C). masks: float32
    (n, H, W, 1).
    """

    places: Indices
    target: int
    before: Pixels
    after: Pixels
    masks: Floats


#: Is shown every block.
Observer = Callable[[Block], None]


def translations(
    translator: Translator, faces: Faces, targets: Sequence[Target], strength: float = 1.0, batch_size: int = 128
) -> Iterator[Block]:
    """All translations, `batch_size` faces at a time, first to the first target and so on.

    targets: in the order of classes of the dataset. Raises `InputError` where the translator has other classes.
    """
    order = class_order(translator.class_names, faces.class_names, str(faces.dataset.path))
    conditions = [target.condition if order is None else target.condition[order] for target in targets]
    for places, images in faces.blocks(batch_size):
        before = adapt(images, translator.input_shape)
        for number, condition in enumerate(conditions):
            after, masks = translator.translate(before, np.tile(condition, (len(before), 1)), strength)
            yield Block(places, number, before, after, masks)


@dataclass(frozen=True)
class Trial:
    """What was measured of N faces and their translations to T targets.

    answers_real, answers: the judge's probabilities (N, K) of the faces as the translator got them, and (N, T, K) of
    the translations, columns in the dataset's order of classes. changed: (N, T) mean of the mask. ssim, ssim_outside:
    (N, T). features_real, features: the judge's features (N, D) and (N, T, D), None for a judge without the layer
    `embedding`. identity_real, identity: of what tells persons apart, or None. gallery: what that makes of all real
    pictures of the split, None where persons are not known.
    """

    faces: Faces
    targets: Sequence[Target]
    answers_real: Probabilities
    answers: Probabilities
    changed: Floats
    ssim: Floats
    ssim_outside: Floats
    features_real: Floats | None = None
    features: Floats | None = None
    identity_real: Floats | None = None
    identity: Floats | None = None
    gallery: Gallery | None = None


def measure(
    translator: Translator,
    judge: Scorer,
    faces: Faces,
    targets: Sequence[Target],
    strength: float = 1.0,
    identity: Embedder | None = None,
    batch_size: int = 128,
    observers: Sequence[Observer] = (),
    advance: Callable[[int], None] = lambda _: None,
) -> Trial:
    """Translate every face to every target and keep what the judges say.

    targets: in the order of classes of the dataset. identity: tells persons apart; None leaves that out. advance: is
    called with the number of translations just made and judged. Raises `InputError` where the judge or the translator
    does not have the classes of the dataset.
    """
    ask = _judges(judge, faces, identity, batch_size)
    columns: dict[str, list[Floats]] = defaultdict(list)
    made: dict[str, list[Floats]] = defaultdict(list)
    for block in translations(translator, faces, targets, strength, batch_size):
        if block.target == 0:
            for name, values in ask(block.before).items():
                columns[f"{name}_real"].append(values)
        for name, values in {**ask(block.after), **_likeness(block)}.items():
            made[name].append(values)
        for observe in observers:
            observe(block)
        advance(len(block.places))
        if block.target == len(targets) - 1:
            for name, parts in made.items():
                columns[name].append(np.stack(parts, axis=1))
            made.clear()
    gallery = known_persons(faces, identity, translator.input_shape, batch_size) if identity else None
    return Trial(faces, targets, **{name: np.concatenate(parts) for name, parts in columns.items()}, gallery=gallery)


def known_persons(
    faces: Faces, embedder: Embedder, shape: tuple[int, int, int], batch_size: int = 128
) -> Gallery | None:
    """All real pictures of the split that faces are of, brought to `shape` (H, W, C); None where nobody is known."""
    persons = faces.everybody()
    if persons is None:
        return None
    images = faces.dataset.images(faces.split)
    parts = np.array_split(np.arange(len(persons)), max(1, round(len(persons) / batch_size)))
    return Gallery.of((embedder.compute(adapt(images.take(rows), shape)), persons[rows]) for rows in parts)


def _likeness(block: Block) -> dict[str, Floats]:
    return {
        "changed": block.masks.mean((1, 2, 3)),
        "ssim": ssim(block.before, block.after),
        "ssim_outside": ssim_outside(block.before, block.after, block.masks),
    }


def _judges(
    judge: Scorer, faces: Faces, identity: Embedder | None, batch_size: int
) -> Callable[[Pixels], dict[str, Floats]]:
    """What all judges say of images: `answers`, and where there is such a judge `features` and `identity`."""
    transforms = faces.dataset.transforms
    order = class_order(faces.class_names, judge.class_names, str(judge.path))
    embedders = {"features": judge_features(judge, transforms), "identity": identity}

    def ask(images: Pixels) -> dict[str, Floats]:
        outputs = checked(judge.probabilities(fit_to_model(images, judge, transforms), batch_size), judge)
        said = {"answers": outputs if order is None else outputs[:, order]}
        return {**said, **{name: embedder.compute(images) for name, embedder in embedders.items() if embedder}}

    return ask


def judge_features(judge: Scorer, transforms: Transforms = ()) -> Embedder | None:
    """The features of a judge that is a network with a layer `embedding`, None for another."""
    if not isinstance(judge, LoadedModel) or LAYER not in [layer.name for layer in judge.network.layers]:
        return None
    return Embedding(judge.path, LAYER, transforms)
