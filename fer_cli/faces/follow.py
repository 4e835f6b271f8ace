"""Following boxes from one frame to the next by the motion of the pixels in them.

Kalal, Mikolajczyk and Matas, "Forward-backward error: automatic detection of tracking failures", ICPR 2010 (the median
flow): points on a grid are tracked forth and back by pyramidal Lucas and Kanade; those that come back best say how the
box moved and grew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.faces.detect import Box, Pixels

Floats = npt.NDArray[np.float64]

#: Longer side in pixels of the grey pictures that motion is measured in.
_SIDE = 640
#: Motion is sought this far around the boxes, in sides of the largest.
_MARGIN = 0.5
#: Points a side of the grid, over so much of the box: its rim is background.
_POINTS, _INNER = 6, 0.7
#: The same (P, 2) in a box of side 1.
_STEPS = 0.5 + _INNER * (np.arange(_POINTS) / (_POINTS - 1) - 0.5)
_PLACES = np.stack(np.meshgrid(_STEPS, _STEPS), axis=-1).reshape(-1, 2)
#: Points that do not come back to within this part of the box's side were lost on the way; so many must be left.
_RETURN, _FEWEST = 0.06, 9
#: A face does not grow or shrink by more than this from one frame to the next.
_GROWTH = 1.25
#: Each level of a pyramid doubles the reach of a window; here 88 pixels in all.
_WINDOW, _LEVELS = (11, 11), 3
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 12, 0.03)


@dataclass(frozen=True)
class Motion:
    """A point p of the picture before is at `scale * (p - centre) + centre + shift`; centre: that of the box before."""

    shift: npt.NDArray[np.float64]
    scale: float

    def box(self, box: Box) -> Box:
        """Where a box (left, top, width, height) went."""
        x, y, width, height = box
        centre = np.array([x + width / 2, y + height / 2]) + self.shift
        width, height = width * self.scale, height * self.scale
        return float(centre[0] - width / 2), float(centre[1] - height / 2), width, height

    def points(self, points: npt.NDArray[np.float32], box: Box) -> npt.NDArray[np.float32]:
        """Where points (P, 2) in a box went."""
        x, y, width, height = box
        centre = np.array([x + (width - 1) / 2, y + (height - 1) / 2])
        moved: npt.NDArray[np.float32] = (self.scale * (points - centre) + centre + self.shift).astype(np.float32)
        return moved


class Follower:
    """Keeps the frame before, reduced and grey."""

    def __init__(self) -> None:
        self._before: Pixels | None = None

    def step(self, image: Pixels, boxes: Sequence[Box]) -> list[Motion | None]:
        """How each box of the frame before moved on the way to this one, uint8 (H, W, 3); None where that is not seen.

        Frames of another size than the one before, and the first, tell of no motion.
        """
        scale = min(1.0, _SIDE / max(image.shape[:2]))
        gray, before = _reduced(image, scale), self._before
        self._before = gray
        if before is None or before.shape != gray.shape or not boxes:
            return [None] * len(boxes)
        start = np.concatenate([_grid(box) for box in boxes]) * scale
        corner, window = _around(boxes, scale, gray.shape)
        end, back, seen = _there_and_back(before[window], gray[window], (start - corner).astype(np.float32))
        # From the window to the picture.
        start, end, back = start / scale, (end + corner) / scale, (back + corner) / scale
        parts = [slice(i * _POINTS**2, (i + 1) * _POINTS**2) for i in range(len(boxes))]
        return [
            _median_motion(start[part], end[part], back[part], seen[part], min(box[2:]))
            for part, box in zip(parts, boxes, strict=True)
        ]


def _reduced(image: Pixels, scale: float) -> Pixels:
    if scale < 1.0:
        size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    gray: Pixels = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return gray


def _around(boxes: Sequence[Box], scale: float, shape: tuple[int, ...]) -> tuple[Floats, tuple[slice, slice]]:
    """The corner (x, y) and the window of the reduced picture that the boxes may move in; the rest costs time."""
    edges = np.array([(x, y, x + width, y + height) for x, y, width, height in boxes]) * scale
    margin = _MARGIN * float(np.max(edges[:, 2:] - edges[:, :2]))
    limits = np.array(shape[1::-1])
    left, top = np.clip(edges[:, :2].min(0) - margin, 0, limits - 1).astype(int).tolist()
    right, bottom = np.clip(edges[:, 2:].max(0) + margin, (left + 1, top + 1), limits).astype(int).tolist()
    return np.array([left, top], np.float64), (slice(top, bottom), slice(left, right))


def _grid(box: Box) -> Floats:
    """Points (P, 2) on a regular grid in the inner part of a box."""
    x, y, width, height = box
    return _PLACES * (width, height) + (x, y)


def _there_and_back(
    before: Pixels, after: Pixels, points: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Where points (P, 2) went, where they came back to, and whether both ways were found."""
    settings: dict[str, Any] = {"winSize": _WINDOW, "maxLevel": _LEVELS, "criteria": _STOP}
    end, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points, None, **settings)
    back, returned, _ = cv2.calcOpticalFlowPyrLK(after, before, end, None, **settings)
    return end, back, (found & returned).ravel().astype(bool)


def _median_motion(start: Floats, end: Floats, back: Floats, seen: npt.NDArray[np.bool_], side: float) -> Motion | None:
    """The motion of points (P, 2) that went from `start` to `end` and came back to `back`."""
    error = np.where(seen, np.linalg.norm(back - start, axis=1), np.inf)
    good = error <= min(float(np.median(error)), _RETURN * side)
    if np.count_nonzero(good) < _FEWEST:
        return None
    start, end = start[good], end[good]
    scale = float(np.median(_distances(end) / _distances(start)))
    if not 1 / _GROWTH < scale < _GROWTH:
        return None
    return Motion(np.median(end - start, axis=0), scale)


def _distances(points: Floats) -> Floats:
    """Those (P * (P - 1) / 2,) between all points (P, 2); scipy's pdist takes longer than that to begin."""
    one, other = _pairs(len(points))
    between = points[one] - points[other]
    return np.hypot(between[:, 0], between[:, 1])


@cache
def _pairs(count: int) -> tuple[npt.NDArray[np.intp], ...]:
    return np.triu_indices(count, 1)
