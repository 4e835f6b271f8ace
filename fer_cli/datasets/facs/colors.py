"""RGB colours, 0..255."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fer_cli.datasets.facs.columns import Points

RGB = tuple[float, float, float]

#: Shares of the colours in a grey level (ITU-R BT.601, as OpenCV converts).
LUMA: Points = np.array([0.299, 0.587, 0.114])


def mix(first: Points | RGB, second: Points | RGB, share: Points | float) -> Points:
    """`share` (0..1) of the second colour and the rest of the first: (3,), or (N, 3) where any argument has N rows."""
    return np.asarray(first) * (1.0 - share) + np.asarray(second) * share


def along(palette: Sequence[RGB], position: float) -> RGB:
    """The colour at `position` (0..1) of a palette whose neighbours blend into each other."""
    place = position * (len(palette) - 1)
    below = min(int(place), len(palette) - 2)
    red, green, blue = mix(palette[below], palette[below + 1], place - below).tolist()
    return red, green, blue
