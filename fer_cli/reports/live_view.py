"""What the user of a session sees: windows and recordings, or recordings alone where there is no screen."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from fer_cli import claims, files
from fer_cli.errors import OutputExistsError
from fer_cli.faces.detect import Pixels
from fer_cli.faces.media import Frame
from fer_cli.live.lecture import Lecture
from fer_cli.live.observe import Observed
from fer_cli.live.record import VideoFile
from fer_cli.live.session import QUIT
from fer_cli.live.window import Window, pressed
from fer_cli.reports.live_overlay import draw

#: Frames a second of a recording.
RATE = 25.0
#: Milliseconds for which a paused session waits for a key.
_PATIENCE = 50


class LiveView:
    """A `live.session.View`.

    visible: with windows. lecture: played in a second one. output: video file of all that is shown. folder: where
    snapshots and recordings go, numbered. notice: told of each.
    """

    def __init__(
        self,
        class_names: Sequence[str],
        visible: bool,
        lecture: Lecture | None,
        output: Path | None,
        folder: Path,
        notice: Callable[[str], None],
    ) -> None:
        self.visible, self._class_names, self._notice, self._folder = visible, class_names, notice, folder
        self._stack = contextlib.ExitStack()
        self._window = Window("fer webcam") if visible else None
        self._lecture, self._lecture_window = lecture, Window("fer lecture") if visible and lecture else None
        self._output = self._stack.enter_context(_Paced(output)) if output else None
        self._recording: _Paced | None = None
        self._recorded = contextlib.ExitStack()
        self._drawn: Pixels | None = None

    def show(self, frame: Frame, people: Sequence[Observed], rate: float) -> str:
        """Draw, record and show a frame, and the lecture's of the same time; the key pressed."""
        seconds = frame.seconds or 0.0
        if self._window is None and self._output is None:
            return ""
        self._drawn = draw(frame.image, people, self._class_names, rate)
        for video in filter(None, (self._output, self._recording)):
            video.write(self._drawn, seconds)
        if self._window is None:
            return ""
        if self._lecture is not None and self._lecture_window is not None:
            self._lecture_window.show(self._lecture.at(seconds))
        self._window.show(self._drawn)
        return pressed() or (QUIT if self._window.closed else "")

    def wait(self) -> str:
        """Leave the windows as they are for a moment; the key pressed."""
        key = pressed(_PATIENCE)
        return key or (QUIT if self._window is not None and self._window.closed else "")

    def snapshot(self) -> None:
        """Save what is shown as snapshot-N.png."""
        if self._drawn is None:
            return
        _, data = cv2.imencode(".png", cv2.cvtColor(self._drawn, cv2.COLOR_RGB2BGR))
        with _numbered(self._folder, "snapshot", ".png") as path, files.atomic_path(path) as temporary:
            temporary.write_bytes(np.asarray(data).tobytes())
        self._notice(f"wrote {path}")

    def record(self) -> None:
        """Begin recording-N.mp4, or finish it."""
        if self._recording is not None:
            self._recorded.close()
            self._notice(f"wrote {self._recording.path}")
            self._recording = None
            return
        path = self._recorded.enter_context(_numbered(self._folder, "recording", ".mp4"))
        self._recording = self._recorded.enter_context(_Paced(path))
        self._notice(f"recording to {self._recording.path}; r ends it")

    def __enter__(self) -> LiveView:
        """The view itself; what is open is closed when the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish recordings, however the session ended, and close the windows."""
        if self._recording is not None:
            self.record()
        # A session that was interrupted, or whose camera was lost, leaves its video as it leaves its log.
        self._stack.__exit__(None, None, None)
        for window in filter(None, (self._window, self._lecture_window)):
            window.close()


class _Paced:
    """A video of a fixed rate from frames that come when they come: each stays until the next."""

    def __init__(self, path: Path) -> None:
        self.path, self._video = path, VideoFile(path, RATE)
        self._start: float | None = None
        self._written = 0

    def write(self, image: Pixels, seconds: float) -> None:
        """Add a frame as often as its time demands; not at all where frames come faster than the video's rate."""
        self._start = seconds if self._start is None else self._start
        due = int((seconds - self._start) * RATE) + 1
        for _ in range(due - self._written):
            self._video.write(image)
        self._written = max(due, self._written)

    def __enter__(self) -> _Paced:
        self._video.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._video.__exit__(kind, error, trace)


@contextlib.contextmanager
def _numbered(folder: Path, stem: str, ending: str) -> Iterator[Path]:
    """The first name with a number that is free, and stays ours in the block: another session may be writing one."""
    for number in itertools.count(1):
        path = folder / f"{stem}-{number}{ending}"
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(claims.claimed(path))
            except OutputExistsError:
                continue
            if not path.exists():
                yield path
                return
