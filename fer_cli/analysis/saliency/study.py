"""From a network and a source of faces to maps, their means and the evidence on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.predict import correction_warning, predict
from fer_cli.analysis.saliency import evidence, means, rows, subjects
from fer_cli.analysis.saliency.evidence import Evidence, Progress
from fer_cli.analysis.saliency.explain import Methods
from fer_cli.analysis.saliency.means import ClassMeans
from fer_cli.analysis.saliency.rows import Choice
from fer_cli.analysis.saliency.subjects import PREDICTED, Advance, Indices, Subjects
from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.redraw import redraw
from fer_cli.datasets.select import limit_rows
from fer_cli.errors import InputError
from fer_cli.models import LoadedModel
from fer_cli.saliency.base import Maps
from fer_cli.store.reader import Dataset
from fer_cli.transform.crops import single


@dataclass(frozen=True)
class Explained:
    """Faces with their maps.

    classes: (N,) the class that each map is about, as the network numbers them. maps: method -> float32 (N, H, W) in
    the method's units. strengths: the same as how much each pixel speaks for the class.
    """

    subjects: Subjects
    classes: Indices
    maps: dict[str, Maps]
    strengths: dict[str, Maps]

    def faces(self) -> list[dict[str, Any]]:
        """What is known of each face, JSON-able; `given` and `row` are None for pictures."""
        s, names = self.subjects, self.subjects.class_names
        return [
            {
                "source": s.sources[i],
                "row": None if s.rows is None else int(s.rows[i]),
                "given": None if s.labels is None else names[s.labels[i]],
                "predicted": names[s.predictions[i]],
                "probability": float(s.probabilities[i].max()),
                "explained": names[self.classes[i]],
                "probability_explained": float(s.probabilities[i, self.classes[i]]),
            }
            for i in range(len(s))
        ]


@dataclass(frozen=True)
class Study:
    """A network, a split of a dataset, and the seed of all chance."""

    model: LoadedModel
    dataset: Dataset
    split: str
    seed: int = 0

    def warnings(self) -> list[str]:
        """What makes the network's answers for these rows doubtful."""
        found = correction_warning(self.model, self.dataset.transforms, str(self.dataset.path))
        return [found] if found else []

    def chosen(self, choice: Choice, advance: Advance = lambda _: None) -> Subjects:
        """The rows that are asked for. advance: called with the images just done where the network must say more.

        Raises `InputError` for an empty split, classes that do not match, and where no row is left.
        """
        self.dataset.require(self.split)
        labels, right = subjects.model_labels(self.model, self.dataset, self.split), None
        if choice.asks_the_network:
            images, names = self.dataset.images(self.split), self.model.class_names
            answers = predict(self.model, images, self.dataset.transforms, names, single, 256, advance)
            right = answers.argmax(1) == labels
        where = f"{self.dataset.path}, {self.split}"
        return self._subjects(rows.choose(choice, labels, right, self.seed, where))

    def class_means(self, methods: Methods, limit: int | None, advance: Advance) -> ClassMeans:
        """The mean maps over the split. limit: rows of each given class at most."""
        return means.class_means(self.model, methods, self.dataset, self.split, self.mean_rows(limit), advance)

    def mean_rows(self, limit: int | None) -> Indices:
        """The rows of `class_means`."""
        labels = self.dataset.labels(self.split)
        if limit is None:
            return np.arange(len(labels))
        return np.flatnonzero(limit_rows(labels, np.zeros_like(labels), limit, self.seed))

    def evidence(self, methods: Methods, count: int, layer: str | None, progress: Progress) -> Evidence:
        """The tests of the methods on `count` rows of the split, drawn evenly over the classes."""
        labels = subjects.model_labels(self.model, self.dataset, self.split)
        drawn = rows.draw(labels, count, self.seed)
        known = self._faces(drawn)
        return evidence.gather(self.model, methods, self._subjects(drawn), known, self.seed, layer, progress)

    def _subjects(self, chosen: npt.NDArray[np.intp]) -> Subjects:
        return subjects.of_rows(self.model, self.dataset, self.split, chosen)

    def _faces(self, chosen: npt.NDArray[np.intp]) -> Sequence[Face] | str:
        try:
            return redraw(self.dataset, self.split, chosen.tolist())
        except InputError as reason:
            return str(reason)


def explain(
    methods: Methods, found: Subjects, explained: str = PREDICTED, advance: Advance = lambda _: None
) -> Explained:
    """The maps of every face. explained: see `Subjects.classes`, which raises. advance: called with the maps made."""
    classes = found.classes(explained)
    maps = methods.maps(found.images, classes, advance)
    return Explained(found, classes, maps, methods.strengths(maps))
