"""The generator's file (.keras), and what it does to faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fer_cli import models
from fer_cli.errors import InputError
from fer_cli.labels import known_classes

#: `kind` in the metadata of a generator's file.
KIND = "generator"
#: Faces a call of the network: all of a video's frame, and not too much memory.
_BATCH = 128

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Generator:
    """A trained network of `translation.generator`, with what is known about it."""

    path: Path
    network: keras.Model
    class_names: tuple[str, ...]
    input_shape: tuple[int, int, int]
    metadata: dict[str, Any]

    def translate(self, images: Pixels, conditions: Floats, strength: float = 1.0) -> tuple[Pixels, Floats]:
        """To x + strength × (G(x) - x), rounded and cut to 0..255, and the masks, which strength does not change.

        Raises `ValueError` for arrays of another shape.
        """
        wanted, classes = (len(images), *self.input_shape), (len(images), len(self.class_names))
        if images.shape != wanted or conditions.shape != classes:
            raise ValueError(f"expected {wanted} and {classes}. Received: {images.shape} and {conditions.shape}")
        out, masks = np.empty_like(images), np.empty((*images.shape[:3], 1), np.float32)
        for first in range(0, len(images), _BATCH):
            part = slice(first, first + _BATCH)
            faces = images[part].astype(np.float32)
            found = self.network.predict_on_batch({"image": faces, "condition": conditions[part]})
            moved = faces + strength * (np.asarray(found["image"], np.float32) - faces)
            out[part], masks[part] = np.rint(np.clip(moved, 0, 255)), found["mask"]
        return out, masks


def load_generator(path: Path) -> Generator:
    """Load what `fer transfer fit` wrote; nothing in it is run as code. Raises `InputError` for another file."""
    metadata = models.read_metadata(path)
    if metadata.get("kind") != KIND:
        what = "a model that names expressions" if metadata else "a file without fer's metadata"
        raise InputError(f"{path}: expected a generator of fer transfer fit. Received: {what}")
    network, names = models.load_network(path), known_classes(metadata, path)
    # `input_shape` and `output_shape` are lists even of a network that is built with names.
    taken, given = (_shapes(getattr(network, name, None)) for name in ("input", "output"))
    shape = taken.get("image", ())[1:]
    if not (len(shape) == 3 and taken.get("condition") == (None, len(names)) and given.keys() == {"image", "mask"}):
        raise InputError(
            f"{path}: expected a network that takes images and {len(names)} wishes, and gives images and masks. "
            f"Received: one that takes {taken or network.input_shape} and gives {given or network.output_shape}"
        )
    return Generator(path, network, names, (shape[0], shape[1], shape[2]), metadata)


def _shapes(tensors: Any) -> dict[str, tuple[Any, ...]]:
    """By name; none where a network's inputs or outputs have no names."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()} if isinstance(tensors, dict) else {}
