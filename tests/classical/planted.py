"""Rows whose classes only some classifiers can tell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_cli.classical.folds import Folds, make_folds

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]


def rings(count: int, seed: int = 0) -> tuple[Floats, Labels]:
    """Three rings about one another, in the plane: nothing linear tells them apart."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % 3).astype(np.uint8)
    radius, angle = 1.0 + labels + 0.1 * rng.standard_normal(count), rng.uniform(0, 2 * np.pi, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32), labels


def blobs(count: int, classes: int = 3, distance: float = 2.0, seed: int = 0) -> tuple[Floats, Labels]:
    """Round clouds, one a class, that overlap more the smaller the distance is, in as many dimensions as classes."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % classes).astype(np.uint8)
    return (distance * np.eye(classes)[labels] + rng.standard_normal((count, classes))).astype(np.float32), labels


def folds_of(labels: Labels, count: int = 3, subsample: int | None = None) -> Folds:
    """Folds of rows that have nothing to do with each other."""
    return make_folds(labels, np.arange(len(labels)), "row", count, subsample, 0)
