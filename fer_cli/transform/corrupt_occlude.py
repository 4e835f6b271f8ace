"""Things before the face: a patch anywhere, sunglasses, a mask.

Glasses and masks lie where FER2013's framing has eyes and mouth: the medians of MTCNN's landmarks on 205 of 250
Training faces drawn at random (those that it finds with a confidence over 0.9, enlarged four times), as parts of the
sides. Half of all faces are within 3 % of them in height at the eyes, within 5 % at the mouth.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from fer_cli.transform.corrupt import Pixels, alike, corruption, to_levels
from fer_cli.transform.photometric import erase

#: Measured, (x, y): the eyes' centres. The tip of the nose is at (0.50, 0.60), the mouth's corners at (0.35, 0.79) and
#: (0.67, 0.79).
EYES = ((0.31, 0.38), (0.70, 0.38))
#: Ours: half axes of a lens, half the height of the frame between and beside the lenses.
_LENS, _FRAME = (0.165, 0.115), 0.02
#: Ours: left and right edge of a mask, and its grey level.
_MASK, _CLOTH = (0.1, 0.9), 205
#: Bits of OpenCV's fixed-point places, for edges within pixels.
_SHIFT = 4


@corruption(levels=(0.2, 0.3, 0.4, 0.5, 0.6))
def patch(images: Pixels, part: float, rng: np.random.Generator) -> Pixels:
    """Hide a rectangle, `part` of each side, anywhere behind noise; severities are ours, 4 to 36 % of the face."""
    n, height, width, _ = images.shape
    sides = np.maximum(1, np.rint([height * part, width * part])).astype(np.int64)
    start = rng.integers(0, np.array([height, width]) - sides + 1, (n, 2))
    return erase(images, replace(alike(images, rng), box=np.concatenate([start, start + sides], 1)))


@corruption(levels=(0.6, 0.45, 0.3, 0.15, 0.0), chance=False)
def sunglasses(images: Pixels, light: float, _rng: np.random.Generator) -> Pixels:
    """Lenses that let a part of the light through, in an opaque black frame; severities are ours."""
    height, width = images.shape[1:3]
    lenses, frame = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    for x, y in EYES:
        centre, axes = _fixed(x * width, y * height), _fixed(_LENS[0] * width, _LENS[1] * height)
        cv2.ellipse(lenses, centre, axes, 0, 0, 360, 255, cv2.FILLED, cv2.LINE_AA, _SHIFT)
    y = EYES[0][1] - _LENS[1] / 2
    top, bottom = (_fixed(0, (y + side * _FRAME) * height)[1] for side in (-1, 1))
    cv2.rectangle(frame, (0, top), (_fixed(width, 0)[0], bottom), 255, cv2.FILLED, cv2.LINE_AA, _SHIFT)
    passed = (1 - (1 - light) * lenses / np.float32(255)) * (1 - (frame * (lenses == 0)) / np.float32(255))
    return to_levels(images * passed[..., None])


@corruption(levels=(0.84, 0.77, 0.7, 0.63, 0.56), chance=False)
def mask(images: Pixels, top: float, _rng: np.random.Generator) -> Pixels:
    """A light cloth from the lower edge up to `top`, a part of the height; severities are ours, chin to nose."""
    height, width = images.shape[1:3]
    out = images.copy()
    left, right = (round(side * width) for side in _MASK)
    out[:, round(top * height) :, left:right] = _CLOTH
    return out


def _fixed(x: float, y: float) -> tuple[int, int]:
    """A place in pixels as OpenCV's fixed-point numbers, whose whole numbers are middles of pixels."""
    return round((x - 0.5) * (1 << _SHIFT)), round((y - 0.5) * (1 << _SHIFT))
