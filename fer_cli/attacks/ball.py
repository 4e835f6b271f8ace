"""The set of allowed perturbations: images within epsilon of the clean ones, in the L-infinity or L2 norm.

Everything takes images (N, H, W, C) in levels 0..255 and works row by row, in keras.ops, so that it may be compiled.
epsilon is in levels, too, one number for all rows: 255 times what the command line says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

Tensor = Any

#: The brightest level; the darkest is 0.
WHITE = 255.0
INF, TWO = "inf", "2"
_AXES = (1, 2, 3)
#: Where a gradient is 0 everywhere, its direction is 0 and not NaN.
_SMALLEST = 1e-12


def project(images: Tensor, clean: Tensor, epsilon: Tensor, norm: str) -> Tensor:
    """The nearest images that are within `epsilon` of `clean` and within 0..255.

    For L2 the ball comes first and then the range, which can only bring an image nearer to its clean one.
    """
    return ops.clip(clean + shorten(images - clean, epsilon, norm), 0.0, WHITE)


def shorten(change: Tensor, epsilon: Tensor, norm: str) -> Tensor:
    """The nearest changes (N, H, W, C) of length `epsilon` at most."""
    if norm == INF:
        return ops.clip(change, -epsilon, epsilon)
    return change * ops.minimum(1.0, epsilon / ops.maximum(l2(change), _SMALLEST))


def steepest(gradient: Tensor, norm: str) -> Tensor:
    """The direction of length 1 in which a linear function with this gradient rises most: its sign, or itself."""
    return ops.sign(gradient) if norm == INF else gradient / ops.maximum(l2(gradient), _SMALLEST)


def random_start(clean: np.ndarray, epsilon: float, norm: str, rng: np.random.Generator) -> np.ndarray:
    """float32 images, uniform in the ball about each clean one, brought into 0..255."""
    if norm == INF:
        change = rng.uniform(-epsilon, epsilon, clean.shape)
    else:
        change = rng.standard_normal(clean.shape)
        radius = epsilon * rng.uniform(size=(len(clean), 1, 1, 1)) ** (1 / np.prod(clean.shape[1:]))
        change *= radius / np.sqrt((change**2).sum(_AXES, keepdims=True))
    return np.clip(clean + change, 0, WHITE).astype(np.float32)


def l2(change: Tensor) -> Tensor:
    """Euclidean length (N, 1, 1, 1) of each image-shaped row."""
    return ops.sqrt(ops.sum(ops.square(change), axis=_AXES, keepdims=True))


def sizes(changes: np.ndarray, norm: str) -> np.ndarray:
    """Length (N,) of each perturbation in its norm, in levels; for norm "0" the number of pixels that differ."""
    if norm == INF:
        return np.asarray(np.abs(changes).max(_AXES))
    if norm == TWO:
        return np.asarray(np.sqrt(np.square(changes, dtype=np.float64).sum(_AXES)))
    return np.asarray((changes != 0).any(-1).sum((1, 2)))
