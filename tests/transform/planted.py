"""Small images and parameters with known effect, for the tests of augmentation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.transform.parameters import Parameters, draw
from fer_cli.transform.policy import parse_policy


def still(n: int, shape: tuple[int, ...], **changes: Any) -> Parameters:
    """Parameters that leave `n` faces as they are, but for `changes`: one value, or row, for all faces."""
    neutral = draw(parse_policy("none"), n, shape, np.random.default_rng(0))
    columns = {
        name: value if name.endswith("seed") else np.tile(np.asarray(value), (n,) + (1,) * np.ndim(value))
        for name, value in changes.items()
    }
    return replace(neutral, **columns)


def noise_faces(n: int, height: int = 24, width: int = 24, channels: int = 1) -> npt.NDArray[np.uint8]:
    """Faces in which every pixel tells its place."""
    return np.random.default_rng(n).integers(0, 256, (n, height, width, channels), np.uint8)


def dot(height: int, width: int, x: int, y: int) -> npt.NDArray[np.uint8]:
    """One black face (1, height, width, 1) with one white pixel at column x, row y."""
    image = np.zeros((1, height, width, 1), np.uint8)
    image[0, y, x] = 255
    return image


def place_of(image: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """The centre of mass (x, y) of one face (1, H, W, 1)."""
    weights = image[0, :, :, 0].astype(float)
    rows, columns = np.indices(weights.shape)
    return float((columns * weights).sum() / weights.sum()), float((rows * weights).sum() / weights.sum())


def blobs(side: int = 49) -> npt.NDArray[np.uint8]:
    """A smooth face (1, side, side, 1): three bright blobs well inside a dark frame."""
    rows, columns = np.indices((side, side))
    total = np.zeros((side, side))
    for x, y, size in ((0.4, 0.4, 0.08), (0.62, 0.45, 0.06), (0.5, 0.62, 0.1)):
        total += np.exp(-((columns - x * side) ** 2 + (rows - y * side) ** 2) / (2 * (size * side) ** 2))
    return (230 * total / total.max()).astype(np.uint8)[None, :, :, None]
