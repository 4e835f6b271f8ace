"""Augmentation of faces, the same for `fer train --augment` and `fer augment`.

Time goes into OpenCV calls that release the interpreter's lock, so batches may be made on background threads.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_cli.transform.parameters import Integers, Parameters, draw
from fer_cli.transform.photometric import add_noise, blur, erase, sharpen, tone
from fer_cli.transform.policy import Policy
from fer_cli.transform.warp import warp

Pixels = npt.NDArray[np.uint8]

_STEPS = (warp, blur, sharpen, tone)
#: What draws for one face after the other, and so must know of all of them.
_FILLINGS = (add_noise, erase)


def augment(images: Pixels, policy: Policy, rng: np.random.Generator) -> Pixels:
    """Augmented copies of uint8 (N, H, W, C) faces, C 1 or 3; all chance comes from `rng`."""
    return apply(images, draw(policy, len(images), images.shape[1:], rng))


def apply(images: Pixels, parameters: Parameters, rows: Integers | None = None) -> Pixels:
    """Do to each of N faces uint8 (N, H, W, C) what its row of `parameters` says; always a new array.

    rows: (N,) which rows of `parameters` the faces are, None for all in their order; what happens to a face does not
    depend on which others are there. The order is that of `policy.OPERATIONS`. Raises `ValueError` for images of
    another kind.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise ValueError(f"images: expected uint8 (N, H, W, 1 or 3). Received: {images.dtype} {images.shape}")
    out, own = images, parameters if rows is None else parameters.take(rows)
    for step in _STEPS:
        out = step(out, own)
    for fill in _FILLINGS:
        out = fill(out, parameters, rows)
    return out.copy() if out is images else out
