"""Filled polygons in the frame of the head, and the few ways of making them.

The head's frame: origin in the middle of the head, x to the image's right, y down, z towards the viewer; the unit is
half the head's height, so the crown is at y = -1 and the chin at y = 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fer_cli.datasets.facs.colors import RGB

Points = npt.NDArray[np.float64]

#: Parameter along every curve, from one end to the other; features of the right half run from the inner end outwards.
T: Points = np.linspace(-1.0, 1.0, 13)
#: Profiles of a curve: a bow that is 0 at the ends and 1 in the middle, and the share of the inner and outer end.
BOW: Points = 1.0 - T**2
INNER: Points = (1.0 - T) / 2.0
OUTER: Points = (1.0 + T) / 2.0

_ANGLES = np.linspace(0.0, 2.0 * np.pi, 20, endpoint=False)
CIRCLE: Points = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
#: Half width along a tapered stroke of width 1.
_TAPER = 0.5 * np.sqrt(np.maximum(1.0 - T**4, 0.06))
_SIDES: Points = np.array([[-1.0, 1.0], [1.0, 1.0]])[:, None, :]


class Shape(NamedTuple):
    """Polygons of one colour that are filled together; where two overlap, a hole is left.

    polygons: float64 (K, N, 2); a pair of mirrored ones has the image's left first. relief: how far they stand out
    of the head's surface. part: the feature they belong to, "" where none.
    """

    polygons: Points
    color: RGB
    relief: float = 0.0
    part: str = ""


def curve(x: Points | float, y: Points | float) -> Points:
    """(13, 2) from two columns, one of which may be constant."""
    points = np.empty((len(T), 2))
    points[:, 0], points[:, 1] = x, y
    return points


def mirrored(polygon: Points) -> Points:
    """A polygon (N, 2) of the image's right half and its mirror image: (2, N, 2), the left one first."""
    return polygon * _SIDES


def between(first: Points, second: Points) -> Points:
    """The area between two curves (N, 2) and (M, 2) that run the same way: (N + M, 2)."""
    return np.concatenate((first, second[::-1]))


def area(x: Points, above: Points, below: Points) -> Points:
    """The area between two curves over the same x, all (13,): (26, 2)."""
    points = np.empty((2 * len(T), 2))
    points[: len(T), 0], points[len(T) :, 0] = x, x[::-1]
    points[: len(T), 1], points[len(T) :, 1] = above, below[::-1]
    return points


def stroke(x: Points, y: Points | float, width: Points | float) -> Points:
    """A line with tapered ends, (26, 2), its width measured along y."""
    half = width * _TAPER
    return area(x, y - half, y + half)


def upright_stroke(x: Points | float, y: Points, width: Points | float) -> Points:
    """A line with tapered ends, (26, 2), its width measured along x."""
    return stroke(y, x, width)[:, ::-1]


def ellipse(x: float, y: float, half_width: float, half_height: float) -> Points:
    """(20, 2) around (x, y)."""
    return CIRCLE * (half_width, half_height) + (x, y)
