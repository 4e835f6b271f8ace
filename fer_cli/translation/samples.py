"""A few faces that are translated to every emotion while a run goes on, so that a person sees what it learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.store.reader import Dataset

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Samples:
    """Faces and what became of them.

    faces: uint8 (N, H, W, C); labels: (N,); translated: uint8 (N, K, H, W, C), to each of the K `class_names`.
    """

    class_names: Sequence[str]
    faces: Pixels
    labels: npt.NDArray[np.uint8]
    translated: Pixels


def held_out(dataset: Dataset) -> str:
    """The split that is looked at meanwhile: val, or train where val has no rows."""
    return "val" if dataset.count("val") else "train"


def choose(dataset: Dataset, split: str, seed: int) -> npt.NDArray[np.intp]:
    """A row of each class that the split has, drawn by the seed, as indices within the split."""
    rng, labels = np.random.default_rng(seed), dataset.labels(split)
    return np.array([rng.choice(np.flatnonzero(labels == label)) for label in np.unique(labels)], np.intp)
