"""A folder of annotated copies: pictures and videos with their faces drawn in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import cv2

from fer_cli import files
from fer_cli.errors import UsageError
from fer_cli.faces.detect import Pixels
from fer_cli.faces.media import describe_video, is_video, read_picture
from fer_cli.live.recognise import Moment
from fer_cli.live.record import VideoFile
from fer_cli.reports.overlay import draw

#: Endings of pictures that are written as they were read; others become .png.
_WRITTEN = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


class AnnotatedCopies:
    """Writes what was seen as copies of the sources, each at its own place below a folder.

    sources: all of them; a copy lies in the folder where its source lies below what the sources have in common. Videos
    become .mp4 files of the frames seen. every: seconds from one of them to the next, None for all.
    Raises `UsageError` where a copy would take the place of a source.
    """

    def __init__(self, folder: Path, sources: Sequence[Path], class_names: Sequence[str], every: float | None) -> None:
        self._class_names, self._every = class_names, every
        common = Path(os.path.commonpath([os.path.abspath(path.parent) for path in sources]))  # noqa: PTH100 (keeps links)
        self._targets = {path: folder / _copy_name(Path(os.path.abspath(path)).relative_to(common)) for path in sources}  # noqa: PTH100
        taken = {_real(path) for path in sources} & {_real(path) for path in self._targets.values()}
        if taken:
            raise UsageError(f"{folder}: annotated copies would replace {min(taken)}; choose another folder")
        self._open: tuple[Path, VideoFile] | None = None
        self._stack = contextlib.ExitStack()

    def write(self, moment: Moment) -> None:
        """Draw what was seen. Frames of a video come one after the other."""
        target = self._targets[moment.path]
        if moment.image is None:
            _write_picture(draw(read_picture(moment.path), moment.seen, self._class_names), target)
        else:
            self._video(moment.path, target).write(draw(moment.image, moment.seen, self._class_names))

    def _video(self, source: Path, target: Path) -> VideoFile:
        if self._open is None or self._open[0] != source:
            self._stack.close()
            rate = 1 / self._every if self._every else describe_video(source).rate
            self._open = source, self._stack.enter_context(VideoFile(target, rate))
        return self._open[1]

    def __enter__(self) -> AnnotatedCopies:
        """The writer itself; what was begun is finished when the block ends well."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the last video, or drop it where the block raised."""
        self._stack.__exit__(kind, error, trace)


def _copy_name(path: Path) -> Path:
    if is_video(path):
        return path if path.suffix.lower() == ".mp4" else path.with_name(f"{path.name}.mp4")
    return path if path.suffix.lower() in _WRITTEN else path.with_name(f"{path.name}.png")


def _write_picture(image: Pixels, target: Path) -> None:
    with files.atomic_path(target) as temporary:
        # Encoding to memory serves every file name on every platform.
        _, data = cv2.imencode(target.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        temporary.write_bytes(data.tobytes())


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises for a link to itself
