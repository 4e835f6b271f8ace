"""What is judged: whatever gives a face another expression, and the expressions that it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fer_cli import catalog
from fer_cli.errors import UsageError
from fer_cli.labels import canonical

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]

#: A change of this many levels, a tenth of the range, counts as wholly changed.
_CHANGED = 25.5


class Translator(Protocol):
    """A trained generator, an optimisation that needs no training, or a drawing."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the columns of a condition stand for."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the faces that it takes."""

    def translate(self, images: Pixels, conditions: Floats, strength: float = 1.0) -> tuple[Pixels, Floats]:
        """Faces uint8 (N, H, W, C) with another expression, and masks float32 (N, H, W, 1), 0..1, 1 where they changed.

        Conditions: float32 (N, K), a distribution over the classes for each row. strength: 0 changes nothing, more than
        1 exaggerates.
        """


class Embedder(Protocol):
    """Numbers that tell faces apart (`analysis.embedding.Embedding`, or features of `catalog.FEATURES`)."""

    def compute(self, images: Pixels) -> Floats:
        """float32 (N, D) of images uint8 (N, H, W, C)."""


@dataclass(frozen=True, eq=False)
class Target:
    """An expression to give to faces.

    name: of the class, or of the picture that it is taken from. label: index of the class that the face is then to be
    taken for. condition: float32 (K,), a distribution over the classes.
    """

    name: str
    label: int
    condition: Floats


def mask_of(change: Floats) -> Floats:
    """The mask float32 (N, H, W, 1) of a change of levels (N, H, W, C), for a translator that has none of its own."""
    return np.asarray(np.minimum(1, np.abs(change).max(3, keepdims=True) / _CHANGED), np.float32)


def class_targets(class_names: Sequence[str], wanted: Sequence[str] = ()) -> list[Target]:
    """One target a class of `wanted`, by default all; `UsageError` for a name that is not among `class_names`."""
    names, found = list(class_names), []
    for name in dict.fromkeys(map(canonical, wanted or class_names)):
        if name not in names:
            raise UsageError(f"--to: {catalog.unknown('class', name, names)}")
        label = names.index(name)
        found.append(Target(name, label, np.eye(len(names), dtype=np.float32)[label]))
    return found


def like(name: str, probabilities: Floats) -> Target:
    """The expression of a face that a classifier gives these probabilities (K,), in the translator's order."""
    return Target(name, int(probabilities.argmax()), np.asarray(probabilities, np.float32))
