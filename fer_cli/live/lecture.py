"""A recorded lecture that plays in step with the session's time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fer_cli.faces.detect import Pixels
from fer_cli.faces.media import Frame, frames


class Lecture:
    """A video file; raises `InputError` at once for one that cannot be read."""

    def __init__(self, path: Path) -> None:
        self._frames: Iterator[Frame] = frames(path)
        self._shown: Frame = next(self._frames)
        self._next: Frame | None = self._shown
        self.over = False

    def at(self, seconds: float) -> Pixels:
        """The frame that is on at a time, which must not fall; the last one when the lecture is over."""
        while self._next is not None and (self._next.seconds or 0.0) <= seconds:
            self._shown = self._next
            self._next = next(self._frames, None)
        self.over = self._next is None
        return self._shown.image
