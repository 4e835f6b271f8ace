"""Smoothing over time of what is measured from frame to frame."""

from __future__ import annotations

import math
from collections import Counter, deque

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


class Average:
    """An exponential moving average of arrays that come at irregular times.

    A value counts 1/e as much after `span` seconds as when it was new; with a span of 0 the newest stands alone.
    """

    def __init__(self, span: float) -> None:
        self._span = span
        self._value: Floats | None = None
        self._seconds = 0.0

    def update(self, value: Floats, seconds: float) -> Floats:
        """The average with `value`, measured at the time `seconds`, taken in; of the shape of the value."""
        if self._value is None or self._span <= 0:
            self._value = value
        else:
            weight = -math.expm1(-max(0.0, seconds - self._seconds) / self._span)
            self._value = self._value + weight * (value - self._value)
        self._seconds = seconds
        return self._value


class Majority:
    """The label named most often in the last `span` seconds; of several the one that was named last."""

    def __init__(self, span: float) -> None:
        self._span = span
        self._named: deque[tuple[float, int]] = deque()

    def update(self, label: int, seconds: float) -> int:
        """The majority with `label`, named at the time `seconds`, taken in."""
        self._named.append((seconds, label))
        while self._named[0][0] < seconds - self._span:
            self._named.popleft()
        counts = Counter(named for _, named in self._named)
        most = max(counts.values())
        return next(named for _, named in reversed(self._named) if counts[named] == most)
