"""Faces as points: the features of a split, their embedding, and what both say of the classes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.analysis import scores
from fer_cli.analysis.embed import quality
from fer_cli.analysis.embed.features import Extractor, Features, Rows
from fer_cli.analysis.embed.methods import Projection
from fer_cli.datasets.audit import digests
from fer_cli.datasets.select import limit_rows
from fer_cli.labels import SPLITS
from fer_cli.store.reader import Dataset


@dataclass(frozen=True)
class Faces:
    """N faces of a split with their features. index: (N,) within the split. labels: uint8 (N,).

    repeated: how many have the pixels of another one of them.
    """

    class_names: tuple[str, ...]
    index: Rows
    labels: npt.NDArray[np.uint8]
    sources: list[str]
    repeated: int
    features: Features

    @property
    def predictions(self) -> npt.NDArray[np.intp]:
        """(N,): the most probable class."""
        return np.asarray(self.features.probabilities.argmax(1))


@dataclass(frozen=True)
class Embedded:
    """Faces, their points, and how the two spaces keep classes apart.

    trustworthiness: of the points. by_features, by_points: the separation of the classes in each space. neighbours: how
    many were asked.
    """

    faces: Faces
    projection: Projection
    neighbours: int
    trustworthiness: float
    by_features: quality.Separation
    by_points: quality.Separation
    seed: int

    @property
    def centroids(self) -> npt.NDArray[np.float64]:
        """The mean point (K, dims) of each class, NaN where it has no face."""
        points, classes = self.projection.points, len(self.faces.class_names)
        found = np.full((classes, points.shape[1]), np.nan)
        for label in np.unique(self.faces.labels):
            found[label] = points[self.faces.labels == label].mean(0, dtype=np.float64)
        return found

    def results(self) -> dict[str, Any]:
        """Everything but the rows, JSON-able; figures that do not exist are None."""
        faces, spaces = self.faces, {"features": self.by_features, "points": self.by_points}
        model = scores.confusion_matrix(faces.labels, faces.predictions, len(faces.class_names))
        return {
            "n": len(faces.labels),
            "layer": faces.features.layer,
            "features": faces.features.values.shape[1],
            "averaged_over_places": faces.features.averaged,
            "dims": self.projection.points.shape[1],
            "implementation": self.projection.implementation,
            **self.projection.facts,
            "trustworthiness": self.trustworthiness,
            "neighbours": self.neighbours,
            "silhouette": {name: _mean(space.silhouette) for name, space in spaces.items()},
            "neighbour_accuracy": {name: _accuracy(space.counts, self.seed) for name, space in spaces.items()},
            "model_accuracy": _accuracy(model, self.seed),
            "class_names": list(faces.class_names),
            "per_class": self._per_class(),
            "pairs": self._pairs(model),
        }

    def notes(self) -> list[str]:
        """What a reader should know."""
        counts = np.bincount(self.faces.labels, minlength=len(self.faces.class_names))
        few = [
            f"{name} ({n})" for name, n in zip(self.faces.class_names, counts, strict=True) if 0 < n <= self.neighbours
        ]
        found = []
        if few:
            found.append(f"not {self.neighbours} neighbours of their own class to find: {', '.join(few)}")
        if self.faces.repeated:
            found.append(
                f"{self.faces.repeated:,} faces have the pixels of another one here, which is their nearest neighbour"
            )
        return found

    def _per_class(self) -> list[dict[str, Any]]:
        recalls = [scores.per_class(space.counts).recall for space in (self.by_features, self.by_points)]
        rows = []
        for label, name in enumerate(self.faces.class_names):
            own = self.faces.labels == label
            silhouettes = [_mean(space.silhouette[own]) for space in (self.by_features, self.by_points)]
            rows.append(
                {
                    "class": name,
                    "n": int(own.sum()),
                    "silhouette_features": silhouettes[0],
                    "silhouette_points": silhouettes[1],
                    "neighbour_recall_features": _defined(recalls[0][label]),
                    "neighbour_recall_points": _defined(recalls[1][label]),
                }
            )
        return rows

    def _pairs(self, model: scores.Counts) -> list[dict[str, Any]]:
        """Each pair of classes that have faces, the most mixed by features first."""
        names, counts = self.faces.class_names, np.bincount(self.faces.labels, minlength=len(self.faces.class_names))
        present = np.flatnonzero(counts).tolist()
        pairs = [
            {
                "first": names[a],
                "second": names[b],
                "mixing_features": _both(self.by_features.mixing, a, b),
                "mixing_points": _both(self.by_points.mixing, a, b),
                "by_chance": float(counts[a] + counts[b]) / (2 * (len(self.faces.labels) - 1)),
                "confused_by_model": float(model[a, b] + model[b, a]) / float(counts[a] + counts[b]),
            }
            for a, b in itertools.combinations(present, 2)
        ]
        return sorted(pairs, key=lambda pair: -pair["mixing_features"])


def read_faces(
    dataset: Dataset,
    extractor: Extractor,
    split: str,
    index: Rows,
    batch_size: int = 128,
    advance: Callable[[int], None] = lambda _: None,
) -> Faces:
    """The features of these rows of a split in one streamed pass. advance: is called with the number just done."""
    images = dataset.images(split)
    features = extractor.stream(images, index, dataset.class_names, dataset.transforms, batch_size, advance)
    sources = dataset.sources(split)
    pixels = np.concatenate([digests(images.take(index[i : i + 4096])) for i in range(0, len(index), 4096)])
    _, counts = np.unique(pixels, return_counts=True)
    return Faces(
        dataset.class_names,
        index,
        dataset.labels(split)[index],
        [sources[row] for row in index],
        int(counts[counts > 1].sum()),
        features,
    )


def choose_rows(dataset: Dataset, split: str, limit: int | None, seed: int) -> Rows:
    """Rows of a split, at most `limit` of each class. Raises `InputError` where the split is empty."""
    dataset.require(split)
    labels = dataset.labels(split)
    if limit is None:
        return np.arange(len(labels))
    return np.flatnonzero(limit_rows(labels, np.full(len(labels), SPLITS.index(split), np.uint8), limit, seed))


def measure(faces: Faces, projection: Projection, seed: int) -> Embedded:
    """What the features and the points say of the classes. seed: of the bootstrap."""
    values, points, classes = faces.features.values, projection.points, len(faces.class_names)
    neighbours = quality.neighbours_of(len(points))
    near = quality.nearest(points, neighbours)
    return Embedded(
        faces,
        projection,
        neighbours,
        quality.trustworthiness(values, near),
        quality.separation(values, quality.nearest(values, neighbours), faces.labels, classes),
        quality.separation(points, near, faces.labels, classes),
        seed,
    )


def _accuracy(counts: scores.Counts, seed: int) -> dict[str, Any]:
    """With its 95 % bootstrap interval over the rows."""
    return {
        "accuracy": float(scores.accuracy(counts)),
        "accuracy_interval": scores.interval(scores.accuracy(scores.resample(counts, seed))),
    }


def _both(mixing: npt.NDArray[np.float64], a: int, b: int) -> float:
    """The mean of both directions, so that a large class does not hide what a small one does."""
    return float(mixing[a, b] + mixing[b, a]) / 2


def _mean(values: npt.NDArray[np.float64]) -> float | None:
    return _defined(values.mean()) if len(values) else None


def _defined(value: np.floating[Any]) -> float | None:
    return None if np.isnan(value) else float(value)
