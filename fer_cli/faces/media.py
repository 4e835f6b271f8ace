"""Pictures and videos: finding the files, and decoding them."""

from __future__ import annotations

import contextlib
import glob
import math
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError

Pixels = npt.NDArray[np.uint8]

IMAGE_ENDINGS = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pnm", ".gif", ".jp2"}
)
VIDEO_ENDINGS = frozenset(
    {
        ".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".ogv", ".3gp", ".ts",
        ".mjpg", ".mjpeg",
    }
)  # fmt: skip
_FLAGS = {None: cv2.IMREAD_ANYCOLOR, "gray": cv2.IMREAD_GRAYSCALE, "rgb": cv2.IMREAD_COLOR}
#: Frames a second of a video that does not say.
_USUAL_RATE = 25.0
#: A container's count of frames may be an estimate: so many seconds fewer are not a video that breaks off, nor is
#: such a part of it.
_SLACK_SECONDS, _SLACK_PART = 0.5, 0.05


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture, or one frame of a video.

    number: from 0, and seconds: since the start of the video; both None for a picture. image: uint8 (H, W, 3), RGB.
    """

    path: Path
    number: int | None
    seconds: float | None
    image: Pixels


def is_video(path: Path) -> bool:
    """Whether a file's ending is that of a video."""
    return path.suffix.lower() in VIDEO_ENDINGS


def walk(folder: Path, endings: Collection[str]) -> Iterator[Path]:
    """Files at any depth below `folder` with one of these endings (in lower case, with the dot), in a fixed order.

    Hidden files and folders are passed over.
    """
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in endings:
                yield Path(parent, name)


def expand(sources: Sequence[str], stdin: TextIO | None = None) -> list[Path]:
    """The pictures and videos that `sources` name, each once, in the order in which they are named.

    A source is a file, a folder (what is below it at any depth), a pattern with `*`, `?`, `[…]` or `**`, or "-": paths
    from `stdin` (default: standard input), a line each, or separated by NUL. A file that does not exist is kept, for
    whoever opens it to report. Raises `InputError` for a folder or a pattern that holds no picture and no video.
    """
    found: dict[Path, None] = {}
    for source in sources:
        for name in _listed(stdin or sys.stdin) if source == "-" else (source,):
            found.update(dict.fromkeys(_named(name)))
    return list(found)


def _listed(stream: TextIO) -> list[str]:
    text = stream.read()
    return [name for name in (text.split("\0") if "\0" in text else text.splitlines()) if name]


def _named(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        below = list(walk(path, IMAGE_ENDINGS | VIDEO_ENDINGS))
        if not below:
            raise InputError(f"{path}: no picture and no video in this folder")
        return below
    if path.exists() or not glob.has_magic(name):
        return [path]
    matches = [Path(match) for match in sorted(glob.glob(name, recursive=True))]  # noqa: PTH207 (Path.glob refuses absolute patterns)
    media = [path for path in matches if path.is_file() and path.suffix.lower() in IMAGE_ENDINGS | VIDEO_ENDINGS]
    if not media:
        raise InputError(f"{name}: no picture and no video has such a name")
    return media


def read_picture(path: Path) -> Pixels:
    """A picture as uint8 (H, W, 3), RGB; `InputError` for a file that cannot be read."""
    return read_image(path, "rgb")


def read_image(path: Path, color: str | None = None) -> Pixels:
    """One image file as uint8 (H, W, C), RGB or grey.

    color: "gray", "rgb", or None for what the file has (transparency is dropped). Raises `InputError` for a file that
    cannot be read or breaks off.
    """
    if path.exists() and not path.is_file():  # a pipe, or a link to a device, would never end
        raise InputError(f"{path}: not a file")
    try:
        # Reading the bytes here rather than by OpenCV serves every file name on every platform.
        data = np.fromfile(path, np.uint8)
        image: Pixels | None = cv2.imdecode(data, _FLAGS[color]) if len(data) else None
    except OSError as error:
        raise InputError(f"{path}: {os.strerror(error.errno or 0)}") from error
    except cv2.error as error:  # for example more pixels than OpenCV allows
        raise InputError(f"{path}: not a readable image ({error.err})") from error
    if image is None:
        raise InputError(f"{path}: not a readable image ({len(data)} bytes)")
    return image[..., None] if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


@dataclass(frozen=True)
class Video:
    """What a video file says of itself: frames a second, number of frames (None where unknown), width and height."""

    rate: float
    count: int | None
    width: int
    height: int


def describe_video(path: Path) -> Video:
    """Rate, length and size of a video; `InputError` for a file that is none."""
    with _opened(path) as capture:
        return _description(capture)


def frames(path: Path, every: float | None = None) -> Iterator[Frame]:
    """The frames of a video in order.

    every: seconds from one frame to the next that is wanted; None for all. Times are those that the file gives each
    frame, so they also hold where the rate varies. Raises `InputError` for a file that is no video, and after the last
    good frame of one that breaks off.
    """
    with _opened(path) as capture:
        video = _description(capture)
        number, seconds, due = -1, 0.0, 0.0
        while capture.grab():
            number += 1
            seconds = _seconds(capture, number, video.rate, seconds)
            # Half a frame early is nearer than half a frame late.
            if every is not None and seconds < due - 0.5 / video.rate:
                continue
            good, image = capture.retrieve()
            if not good or image is None:
                break
            if every is not None:
                due = (math.floor((seconds + 0.5 / video.rate) / every) + 1) * every
            yield Frame(path, number, seconds, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    _check_end(path, number, seconds, video)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with quiet_opencv():
        capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise InputError(f"{path}: not a readable video")
        yield capture
    finally:
        capture.release()


def _description(capture: cv2.VideoCapture) -> Video:
    rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
    width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    sound = math.isfinite(rate) and 0 < rate <= 1000
    return Video(rate if sound else _USUAL_RATE, int(count) if count > 0 else None, int(width), int(height))


def _seconds(capture: cv2.VideoCapture, number: int, rate: float, last: float) -> float:
    """The time of the frame just grabbed; by its number where the file gives none."""
    seconds: float = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
    if not math.isfinite(seconds) or seconds < 0 or (number and seconds <= last):
        return last + 1 / rate if number else 0.0
    return seconds


def _check_end(path: Path, last: int, seconds: float, video: Video) -> None:
    if last < 0:
        raise InputError(f"{path}: not a readable video (no frame can be decoded)")
    missing = 0 if video.count is None else video.count - (last + 1)
    if missing > max(_SLACK_SECONDS * video.rate, _SLACK_PART * (video.count or 0)):
        raise InputError(
            f"{path}: breaks off after frame {last} ({seconds:.2f} s). Expected: {video.count} frames. "
            f"Received: {last + 1}"
        )


@contextlib.contextmanager
def quiet_opencv() -> Iterator[None]:
    """OpenCV tells of a damaged file on stderr; the caller tells it better."""
    # So does FFmpeg; OpenCV reads this once, when it first opens a video to read or to write it.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    log = cv2.utils.logging
    level = log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        log.setLogLevel(level)
