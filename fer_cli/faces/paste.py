"""Putting a changed face back into the picture that it was cut out of."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.faces.align import Square
from fer_cli.faces.detect import Pixels

#: The outer part of the face's side over which a change fades out.
FEATHER = 0.12

Change = npt.NDArray[np.float32]


def paste(picture: Pixels, square: Square, change: Change) -> Pixels:
    """A copy of a picture uint8 (H, W, C) with a change float32 (h, w, 1 or C) of the levels in a square of it.

    It is the change that is laid over the picture, enlarged and turned as the square is, and not the small face: so the
    picture keeps its detail, and a grey change its colours. Towards the edge of the square the change fades out.
    """
    side = max(change.shape[:2])
    small = cv2.resize(change, (side, side), interpolation=cv2.INTER_LINEAR)
    enlarged = _laid_over(small, square, picture, cv2.INTER_CUBIC)
    # Enlarged by itself, since a cubic rings where it falls to 0: beyond the square nothing may change.
    faded = enlarged * _laid_over(_window(side), square, picture, cv2.INTER_LINEAR)
    return np.asarray(np.rint(np.clip(picture + faded, 0, 255)), np.uint8)


def _laid_over(layer: Change, square: Square, picture: Pixels, interpolation: int) -> Change:
    """A layer (side, side) or (side, side, C) of the square in the place and size that it has in the picture."""
    height, width = picture.shape[:2]
    matrix, flags = square.matrix(len(layer)), interpolation | cv2.WARP_INVERSE_MAP
    laid: Change = cv2.warpAffine(layer, matrix, (width, height), flags=flags)
    return laid.reshape(height, width, -1)


@functools.lru_cache(maxsize=8)
def _window(side: int) -> Change:
    """(side, side): 1 in the middle, falling to 0 at the edges as a cosine does."""
    from_edge = np.minimum(np.arange(side), np.arange(side)[::-1]) / (FEATHER * side)
    ramp = (0.5 - 0.5 * np.cos(np.pi * np.minimum(1, from_edge))).astype(np.float32)
    return np.outer(ramp, ramp)
