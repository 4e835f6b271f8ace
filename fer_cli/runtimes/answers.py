"""What the files of other runtimes have in common: what they say of themselves, and batches of answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError

#: Images float32 (n, H, W, C) in 0..255 to probabilities float32 (n, K).
Run = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class RuntimeModel:
    """A scorer (`fer_cli.models.Scorer`) that some runtime computes; see `fer export`.

    class_names: in the order of the outputs. input_shape: (H, W, C). metadata: its `fer.json`, {} without one.
    """

    path: Path
    class_names: tuple[str, ...]
    input_shape: tuple[int, int, int]
    metadata: dict[str, Any]
    run: Run

    @property
    def parameters(self) -> None:
        """None: these files do not say it."""
        return

    def probabilities(self, images: npt.NDArray[np.generic], batch_size: int = 256) -> npt.NDArray[np.float32]:
        """Class probabilities float32 (N, K) of images (N, H, W, C) in 0..255 that have the input shape already."""
        starts = range(0, len(images), batch_size)
        parts = [self.run(np.asarray(images[start : start + batch_size], np.float32)) for start in starts]
        return np.concatenate(parts) if parts else np.empty((0, len(self.class_names)), np.float32)


def describe(
    path: Path,
    metadata: dict[str, Any],
    classes: Sequence[str] | None,
    shapes: tuple[Sequence[Any], Sequence[Any]],
    run: Run,
) -> RuntimeModel:
    """The model of a file, checked.

    classes: names of the outputs of a file without our metadata. shapes: of its input and its output, the first
    dimension being the batch's. Raises `InputError` for what is no classifier of images, or does not say its classes.
    """
    taken, given = list(shapes[0]), list(shapes[1])
    if len(taken) != 4 or len(given) != 2 or not all(isinstance(side, int) and side > 0 for side in taken[1:]):
        raise InputError(
            f"{path}: expected an input (N, H, W, C) of images and an output (N, K). Received: {taken} and {given}"
        )
    names = tuple(classes or metadata.get("class_names", ()))
    if not names:
        raise InputError(f"{path}: the file does not say what its outputs mean; name them with --classes")
    if given[1] != len(names):
        raise InputError(f"{path}: expected {given[1]} class names, one an output. Received: {', '.join(names)}")
    return RuntimeModel(path, names, (taken[1], taken[2], taken[3]), metadata, run)
