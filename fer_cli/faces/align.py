"""Where to cut a face out: the square around it, turned and scaled so that the eyes come to standard places."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.faces.detect import Face, Points

#: Distance of the eyes, and height of the line through them, as fractions of the side of a square without margin.
#: These are the medians of FER2013's pictures, and of MTCNN's and Haar's boxes within a tenth.
EYE_DISTANCE, EYE_HEIGHT = 0.36, 0.39
#: Eyes nearer than this fraction of the box's longer side belong to a profile, or to no face: no hold for alignment.
_MIN_DISTANCE = 0.15
#: Eyes on a steeper line than this, in degrees, were misread: neither detector finds faces that lie on their side.
_MAX_TILT = 50.0
#: Of a turned head the eyes move together; the square is still so large at least, and at most, measured by the box.
_SIDES = (0.85, 1.25)


@dataclass(frozen=True)
class Square:
    """What a crop shows of a picture.

    x, y: the middle, in pixels. side: in pixels. angle: degrees by which the square is turned, clockwise as seen.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0

    def matrix(self, size: int) -> npt.NDArray[np.float64]:
        """The similarity (2, 3) that takes a point of the picture (x, y, 1) to its place in a crop of `size` pixels."""
        scale, turn = size / self.side, math.radians(self.angle)
        cos, sin = scale * math.cos(turn), scale * math.sin(turn)
        middle = (size - 1) / 2
        return np.array(
            [
                [cos, sin, middle - cos * self.x - sin * self.y],
                [-sin, cos, middle + sin * self.x - cos * self.y],
            ]
        )


def square_of(face: Face, margin: float, align: bool) -> Square:
    """The square to cut out for a face.

    margin: added on each side, as a fraction of the square's side. align: go by the eyes where they are given and make
    sense, so that they come to lie level, in the middle, at `EYE_HEIGHT`; else the square is upright around the box.
    """
    if align and face.eyes is not None:
        square = _around_eyes(face.eyes, max(face.box[2:]))
        if square is not None:
            return _grown(square, margin)
    x, y, width, height = face.box
    return _grown(Square(x + (width - 1) / 2, y + (height - 1) / 2, max(width, height)), margin)


def _grown(square: Square, margin: float) -> Square:
    return Square(square.x, square.y, square.side * (1 + 2 * margin), square.angle)


def _around_eyes(eyes: Points, box_side: float) -> Square | None:
    """The square that the eyes ask for, None where they cannot be the eyes of an upright face seen from the front."""
    across, down = (eyes[1] - eyes[0]).tolist()
    distance, angle = math.hypot(across, down), math.degrees(math.atan2(down, across))
    if distance < _MIN_DISTANCE * box_side or abs(angle) > _MAX_TILT:
        return None
    low, high = _SIDES
    side = min(max(distance / EYE_DISTANCE, low * box_side), high * box_side)
    x, y = eyes.mean(axis=0).tolist()
    below, turn = (0.5 - EYE_HEIGHT) * side, math.radians(angle)
    return Square(x - below * math.sin(turn), y + below * math.cos(turn), side, angle)
