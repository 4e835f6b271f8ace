"""Where live frames come from: a camera, a stream, or a video file, each with a time of its own."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import cv2

from fer_cli.errors import MissingError
from fer_cli.faces.detect import Pixels
from fer_cli.faces.media import Frame, frames, quiet_opencv

#: Seconds to the first try to reach a stream again, and the most between two tries; each wait is twice the last.
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 8.0
#: Milliseconds after which FFmpeg gives a silent stream up.
_TIMEOUT = 5000
_ADDRESS = re.compile(r"[a-z]+://", re.IGNORECASE)


class Source(Protocol):
    """live: whether frames come at their own pace, and are lost when nobody takes them."""

    live: bool

    def frames(self) -> Iterator[Frame]:
        """The frames in order. Raises `InputError` for a file that breaks off, `MissingError` for a lost camera."""

    def close(self) -> None:
        """Let the camera go."""


def open_source(text: str, limit: float | None, patience: float, notice: Callable[[str], None]) -> Source:
    """The source of a name: a number is a camera, an address a stream, all else a file.

    limit: frames a second at most, None for all. patience: seconds for which a lost stream is tried again. notice: told
    when it is lost and found. Raises `MissingError` for a camera or stream that cannot be opened.
    """
    if text.isdecimal():
        return LiveSource(f"camera {text}", int(text), 0.0, limit, notice)
    if _ADDRESS.match(text):
        return LiveSource(text, text, patience, limit, notice)
    return FileSource(Path(text), limit)


class FileSource:
    """A video file; times are those of the video."""

    live = False

    def __init__(self, path: Path, limit: float | None) -> None:
        self.path, self._every = path, None if limit is None else 1 / limit

    def frames(self) -> Iterator[Frame]:
        """See `faces.media.frames`."""
        return frames(self.path, self._every)

    def close(self) -> None:
        """Nothing is open between frames."""


class LiveSource:
    """A camera or a stream. A thread takes every frame, and only the newest is handed on: what is shown is now.

    Times are seconds since the source was opened.
    """

    live = True

    def __init__(
        self, name: str, target: int | str, patience: float, limit: float | None, notice: Callable[[str], None]
    ) -> None:
        self.name, self._target, self._patience, self._notice = name, target, patience, notice
        self._pause = 0.0 if limit is None else 1 / limit
        self._capture = _open(target)
        if self._capture is None:
            what = "no such camera, or another program has it" if isinstance(target, int) else "no answer"
            raise MissingError(f"{name} cannot be opened: {what}")
        self._start = time.monotonic()
        self._change, self._stop = threading.Condition(), threading.Event()
        self._newest: tuple[Pixels, float] | None = None
        self._taken, self._lost = 0, False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def frames(self) -> Iterator[Frame]:
        """The newest frame whenever one is asked for. Raises `MissingError` when no more come."""
        number, due = 0, 0.0
        while True:
            if (early := due - time.monotonic()) > 0:
                time.sleep(early)
            due = time.monotonic() + self._pause
            with self._change:
                self._change.wait_for(lambda: self._newest is not None or self._lost)
                if self._newest is None:
                    raise MissingError(f"{self.name} gives no more frames (lost after {self._taken} of them)")
                (image, seconds), self._newest = self._newest, None
            yield Frame(Path(self.name), number, seconds, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            number += 1

    def close(self) -> None:
        """End the thread, and let the camera go."""
        self._stop.set()
        self._thread.join(timeout=_TIMEOUT / 1000)

    def _watch(self) -> None:
        while not self._stop.is_set():
            good, image = self._capture.read() if self._capture is not None else (False, None)
            if good and image is not None:
                with self._change:
                    self._newest, self._taken = (image, time.monotonic() - self._start), self._taken + 1
                    self._change.notify()
            elif not self._reconnect():
                break
        if self._capture is not None:
            self._capture.release()
        with self._change:
            self._lost = True
            self._change.notify()

    def _reconnect(self) -> bool:
        """Try again with growing pauses until patience ends; whether it is back."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None
        end, wait = time.monotonic() + self._patience, _FIRST_WAIT
        if self._patience:
            self._notice(f"{self.name} is lost; trying again for {self._patience:g} s")
        while time.monotonic() < end and not self._stop.wait(min(wait, max(0.0, end - time.monotonic()))):
            self._capture = _open(self._target)
            if self._capture is not None:
                self._notice(f"{self.name} is back")
                return True
            wait = min(2 * wait, _LONGEST_WAIT)
        return False


def _open(target: int | str) -> cv2.VideoCapture | None:
    """The opened camera or stream, or None."""
    with quiet_opencv():
        if isinstance(target, int):
            capture = cv2.VideoCapture(target)
        else:
            limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _TIMEOUT, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _TIMEOUT]
            capture = cv2.VideoCapture(target, cv2.CAP_FFMPEG, limits)
    if capture.isOpened():
        return capture
    capture.release()
    return None
