"""Filled polygons in the frame of the head, for N faces at once, and the few ways of making them.

The head's frame: origin in the middle of the head, x to the image's right, y down, z towards the viewer; the unit is
half the head's height, so the crown is at y = -1 and the chin at y = 1.

A curve is its x and its y at 13 places, (13,) or (N, 13); an outline of M corners is (M, 2) or (N, M, 2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fer_cli.datasets.facs.colors import RGB
from fer_cli.datasets.facs.columns import Mask, Points

#: Parameter along every curve, from one end to the other; features of the right half run from the inner end outwards.
T: Points = np.linspace(-1.0, 1.0, 13)
#: Profiles of a curve: a bow that is 0 at the ends and 1 in the middle, and the share of the inner and outer end.
BOW: Points = 1.0 - T**2
INNER: Points = (1.0 - T) / 2.0
OUTER: Points = (1.0 + T) / 2.0

_ANGLES = np.linspace(0.0, 2.0 * np.pi, 20, endpoint=False)
COS: Points = np.cos(_ANGLES)
SIN: Points = np.sin(_ANGLES)
#: Half width along a tapered stroke of width 1.
_TAPER = 0.5 * np.sqrt(np.maximum(1.0 - T**4, 0.06))
_SIDES: Points = np.array([[-1.0, 1.0], [1.0, 1.0]])[:, None, :]


class Shape(NamedTuple):
    """Polygons of one colour that are filled together; where two overlap, a hole is left.

    polygons: float64 (N or 1, K, M, 2); a pair of mirrored ones has the image's left first. color: (N, 3) or (3,).
    relief: how far they stand out of the head's surface. part: the feature they belong to, "" where none.
    drawn: which faces have it, (N,); None where all do.
    """

    polygons: Points
    color: Points | RGB
    relief: float = 0.0
    part: str = ""
    drawn: Mask | None = None


def single(*outlines: Points) -> Points:
    """Outlines of as many corners as the K polygons of a shape."""
    return np.stack(np.broadcast_arrays(*outlines), axis=-3).reshape(-1, len(outlines), *outlines[0].shape[-2:])


def pair(outline: Points) -> Points:
    """An outline in the image's right half and its mirror image as the two polygons of a shape, the left one first."""
    return outline.reshape(-1, 1, *outline.shape[-2:]) * _SIDES


def curve(x: Points, y: Points) -> Points:
    """The corners of a curve, (…, M, 2)."""
    return np.stack(np.broadcast_arrays(x, y), axis=-1)


def between(x: Points, y: Points, other_x: Points, other_y: Points) -> Points:
    """The outline between two curves that run the same way."""
    return curve(_there_and_back(x, other_x), _there_and_back(y, other_y))


def area(x: Points, above: Points, below: Points) -> Points:
    """The outline between two curves over the same x."""
    return between(x, above, x, below)


def stroke(x: Points, y: Points, width: Points | float) -> Points:
    """A line with tapered ends, its width measured along y."""
    half = width * _TAPER
    return area(x, y - half, y + half)


def upright_stroke(x: Points, y: Points, width: Points | float) -> Points:
    """A line with tapered ends, its width measured along x."""
    return stroke(y, x, width)[..., ::-1]


def ellipse(x: Points | float, y: Points | float, half_width: Points | float, half_height: Points | float) -> Points:
    """An outline of 20 corners around (x, y)."""
    return curve(x + half_width * COS, y + half_height * SIN)


def _there_and_back(first: Points, second: Points) -> Points:
    rows = np.broadcast_shapes(first.shape[:-1], second.shape[:-1])
    back = second[..., ::-1]
    return np.concatenate([np.broadcast_to(way, (*rows, way.shape[-1])) for way in (first, back)], axis=-1)
