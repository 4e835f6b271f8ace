"""The time of a session: that of the video, or of the wall without the pauses; and how fast frames were done."""

from __future__ import annotations

import time
from collections import deque

import numpy as np

#: Frames of which the rate on the screen is the mean, and of which the latency's percentile is told at the end.
_RECENT, _REMEMBERED = 30, 20_000


class Clock:
    """Seconds since it was made, pauses left out."""

    def __init__(self) -> None:
        self._start, self._paused = time.monotonic(), None  # type: float, float | None

    @property
    def paused(self) -> bool:
        """Whether it stands."""
        return self._paused is not None

    def toggle(self) -> None:
        """Stop, or go on."""
        now = time.monotonic()
        if self._paused is None:
            self._paused = now
        else:
            self._start, self._paused = self._start + now - self._paused, None

    def seconds(self) -> float:
        """The time now."""
        return (self._paused or time.monotonic()) - self._start

    def wait_until(self, seconds: float) -> None:
        """Sleep until that time, if it is still to come."""
        if (early := seconds - self.seconds()) > 0:
            time.sleep(early)


class Pace:
    """Counts frames and the seconds that the work on each took."""

    def __init__(self) -> None:
        self.frames = 0
        self._start = time.perf_counter()
        self._ends: deque[float] = deque(maxlen=_RECENT)
        self._work: deque[float] = deque(maxlen=_REMEMBERED)

    def frame(self, work: float) -> None:
        """Take in a frame that took `work` seconds."""
        self.frames += 1
        self._work.append(work)
        self._ends.append(time.perf_counter())

    @property
    def rate(self) -> float:
        """Frames a second of late; 0 until there are two."""
        span = self._ends[-1] - self._ends[0] if len(self._ends) > 1 else 0.0
        return (len(self._ends) - 1) / span if span else 0.0

    def results(self) -> dict[str, float | int]:
        """Frames, frames a second of the whole session, and the work on a frame in milliseconds."""
        work = np.array(self._work or [0.0]) * 1e3
        return {
            "frames": self.frames,
            "frames_a_second": self.frames / max(time.perf_counter() - self._start, 1e-9),
            "milliseconds_median": float(np.median(work)),
            "milliseconds_95th_percentile": float(np.percentile(work, 95)),
        }
