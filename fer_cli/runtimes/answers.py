"""What the files of other runtimes have in common: what they say of themselves, and batches of answers."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError, MissingError
from fer_cli.labels import known_classes

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
        found = np.concatenate(parts) if parts else np.empty((0, len(self.class_names)), np.float32)
        # 8 bits round a probability by up to 1/512, so that of several the sum is off.
        eight_bits = self.metadata.get("precision") == "int8"
        return found / found.sum(axis=1, keepdims=True) if eight_bits else found


@dataclass(frozen=True)
class Opened:
    """A model file that a runtime has open. inputs, outputs: the shape of each, the first dimension being the batch's.

    metadata: its `fer.json`, {} without one.
    """

    inputs: Sequence[Sequence[Any]]
    outputs: Sequence[Sequence[Any]]
    metadata: dict[str, Any]
    run: Run


def load(path: Path, classes: Sequence[str] | None, opened: Callable[[Path], Opened]) -> RuntimeModel:
    """The model of a file, checked.

    classes: names of the outputs of a file without our metadata. opened: what a runtime makes of the file. Raises
    `InputError` for what is no classifier of images, or does not say its classes, and whatever `opened` raises.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such model file")
    file = opened(path)
    if len(file.inputs) != 1 or len(file.outputs) != 1:
        raise InputError(
            f"{path}: expected one input and one output. Received: {len(file.inputs)} and {len(file.outputs)}"
        )
    taken, given = list(file.inputs[0]), list(file.outputs[0])
    if len(taken) != 4 or len(given) != 2 or not all(isinstance(side, int) and side > 0 for side in taken[1:]):
        raise InputError(
            f"{path}: expected an input (N, H, W, C) of images and an output (N, K). Received: {taken} and {given}"
        )
    names = tuple(classes or known_classes(file.metadata, path))
    if not names:
        raise InputError(f"{path}: the file does not say what its outputs mean; name them with --classes")
    if given[1] != len(names):
        raise InputError(f"{path}: expected {given[1]} class names, one an output. Received: {', '.join(names)}")
    model = RuntimeModel(path, names, (taken[1], taken[2], taken[3]), file.metadata, file.run)
    try:
        found = model.probabilities(np.zeros((1, *model.input_shape), np.uint8))  # one black image is the proof
    except Exception as error:  # whatever a runtime raises where it comes to a damaged part
        raise InputError(f"{path}: it cannot be computed ({str(error).splitlines()[0]})") from error
    if found.shape != (1, len(names)):
        raise InputError(f"{path}: expected {len(names)} outputs for an image. Received: {found.shape}")
    return model


def runtime(package: str, path: Path) -> Any:
    """The package that computes a file; `MissingError` where it is not installed."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingError(f"{path} needs the extra export: pip install 'fer-cli[export]'") from error
