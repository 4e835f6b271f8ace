"""Which of the faces just found are faces that were seen before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from fer_cli.faces.appearance import Appearance
from fer_cli.faces.detect import Box

#: How far from where it is expected a face may turn up, in sides of its box: at once, more for each second out of
#: sight, and at most.
_REACH, _REACH_A_SECOND, _FARTHEST = 0.6, 1.5, 4.0
#: Its side may have changed by this factor.
_GROWTH = 2.0
#: Likeness that is needed at once, and after a second or more out of sight.
_ALIKE, _ALIKE_LATER = 0.4, 0.55
#: More than any cost that is allowed, so that as many faces as possible are known again.
_FORBIDDEN = 1e3


@dataclass(frozen=True, eq=False)
class Place:
    """Where a face is or is expected, and what it looks like; gap: seconds since it was last seen, 0 for one found."""

    box: Box
    look: Appearance | None
    gap: float = 0.0


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    shared = _shared(first, second)
    return shared / (first[2] * first[3] + second[2] * second[3] - shared) if shared else 0.0


def covered(first: Box, second: Box) -> float:
    """The part of the smaller box that the larger one covers, 0..1."""
    shared = _shared(first, second)
    return shared / min(first[2] * first[3], second[2] * second[3]) if shared else 0.0


def _shared(first: Box, second: Box) -> float:
    (x1, y1, w1, h1), (x2, y2, w2, h2) = first, second
    width, height = min(x1 + w1, x2 + w2) - max(x1, x2), min(y1 + h1, y2 + h2) - max(y1, y2)
    return max(width, 0.0) * max(height, 0.0)


def assign(expected: Sequence[Place], found: Sequence[Place]) -> list[tuple[int, int]]:
    """Pairs (position in `expected`, position in `found`) of one person each, of the least total cost.

    The cost of a pair grows with their distance, with what their boxes do not share, and with their unlikeness (Kuhn,
    "The Hungarian method for the assignment problem", 1955; in tracking: Bewley et al., "Simple online and realtime
    tracking", 2016). Pairs too far apart, too different in size, or too unlike are not made.
    """
    if not expected or not found:
        return []
    costs = np.array([[_cost(before, now) for now in found] for before in expected])
    rows, columns = linear_sum_assignment(costs)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if costs[i, j] < _FORBIDDEN]


def _cost(before: Place, now: Place) -> float:
    side, side_now = (math.sqrt(max(place.box[2] * place.box[3], 1e-9)) for place in (before, now))
    reach = min(_REACH + _REACH_A_SECOND * before.gap, _FARTHEST)
    distance = math.dist(_centre(before.box), _centre(now.box)) / max(side, side_now) / reach
    alike = 0.0 if before.look is None or now.look is None else before.look.likeness(now.look)
    needed = _ALIKE + (_ALIKE_LATER - _ALIKE) * min(before.gap, 1.0)
    if distance > 1 or alike < needed or not 1 / _GROWTH < side / side_now < _GROWTH:
        return _FORBIDDEN
    return 0.5 * distance + 0.5 * (1 - overlap(before.box, now.box)) + (1 - alike)


def _centre(box: Box) -> tuple[float, float]:
    return box[0] + box[2] / 2, box[1] + box[3] / 2
