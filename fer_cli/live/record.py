"""Writing frames to a video file."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType

import cv2

from fer_cli import files
from fer_cli.errors import OutputError
from fer_cli.faces.detect import Pixels
from fer_cli.faces.media import quiet_opencv

#: The codec that OpenCV's wheels write on every platform.
_CODEC = "mp4v"


class VideoFile:
    """An .mp4 file, there whole when it is closed, or not at all.

    rate: frames a second. The first frame gives the size. Raises `OutputError` where it cannot be written.
    """

    def __init__(self, path: Path, rate: float) -> None:
        self._path, self._rate = path, rate
        self._stack = contextlib.ExitStack()
        self._temporary = self._stack.enter_context(files.atomic_path(path))
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def write(self, image: Pixels) -> None:
        """Add a frame uint8 (H, W, 3), RGB; one of another size than the first is brought to that."""
        if self._writer is None:
            self._size = (image.shape[1], image.shape[0])
            self._writer = self._open()
        if (image.shape[1], image.shape[0]) != self._size:
            image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        self._writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))

    def _open(self) -> cv2.VideoWriter:
        with quiet_opencv():
            writer = cv2.VideoWriter(
                str(self._temporary), cv2.VideoWriter.fourcc(*_CODEC), max(self._rate, 1.0), self._size
            )
        if not writer.isOpened():
            raise OutputError(f"{self._path}: OpenCV {cv2.__version__} cannot write a video of {_CODEC} here")
        return writer

    def __enter__(self) -> VideoFile:
        """The writer itself; the file is published when the block ends well."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Publish the file, or leave nothing behind where the block raised."""
        if self._writer is not None:
            self._writer.release()
        self._stack.__exit__(kind, error, trace)
