"""Image files: finding them below a folder and decoding them on all cores, in order."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.datasets.base import Findings, ReadOptions
from fer_cli.errors import InputError
from fer_cli.transform.adapt import adapt_one

Pixels = npt.NDArray[np.uint8]

IMAGE_ENDINGS = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pnm", ".gif", ".jp2"}
)
_BLOCK_BYTES = 32 << 20
#: Images a block: few before their size is known.
_FIRST_BLOCK, _LARGEST_BLOCK = 16, 4096
_FLAGS = {None: cv2.IMREAD_ANYCOLOR, "gray": cv2.IMREAD_GRAYSCALE, "rgb": cv2.IMREAD_COLOR}


def walk_images(folder: Path) -> Iterator[Path]:
    """Image files at any depth below `folder` in a fixed order; hidden files and folders are passed over."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_ENDINGS:
                yield Path(parent, name)


def subfolders(folder: Path) -> list[Path]:
    """The folders directly in `folder`, by name, without hidden ones."""
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__MACOSX")))


def read_image(path: Path, color: str | None = None) -> Pixels:
    """One image file as uint8 (H, W, C), RGB or grey.

    color: "gray", "rgb", or None for what the file has (transparency is dropped). Raises `InputError` for a file that
    cannot be read or breaks off.
    """
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


def read_images(
    paths: Sequence[Path], options: ReadOptions, findings: Findings
) -> Iterator[tuple[npt.NDArray[np.intp], Pixels]]:
    """Decode `paths` in order: blocks of positions in `paths` (n,) and their images uint8 (n, H, W, C).

    All images must have one shape, that of the first, which `options.size` and `options.color` bring about. Raises
    `InputError` for an image that cannot be read, or with `skip_bad` leaves it out and adds a line to the findings.
    """
    shape: tuple[int, ...] | None = None
    start, step = 0, _FIRST_BLOCK
    with _quiet_opencv(), ThreadPoolExecutor(os.cpu_count()) as pool:
        while start < len(paths):
            block = paths[start : start + step]
            positions, images = [], []
            for position, image in enumerate(pool.map(lambda path: _decode(path, options), block), start):
                if isinstance(image, InputError):
                    _pass_over(image, options, findings)
                    continue
                shape = shape or image.shape
                _check_shape(paths[position], image, shape)
                positions.append(position)
                images.append(image)
            start += len(block)
            if images:
                if options.size or options.color:
                    findings.adapted(images[0].shape)
                step = max(_FIRST_BLOCK, min(_LARGEST_BLOCK, _BLOCK_BYTES // images[0].nbytes))
                yield np.array(positions), np.stack(images)


def _decode(path: Path, options: ReadOptions) -> Pixels | InputError:
    try:
        image = read_image(path, options.color)
    except InputError as error:
        return error
    if options.size is None:
        return image
    return adapt_one(image, (options.size, options.size, image.shape[2]))


def _pass_over(error: InputError, options: ReadOptions, findings: Findings) -> None:
    if not options.skip_bad:
        raise InputError(f"{error}; --skip-bad leaves such files out")
    findings.problems.append(str(error))


def _check_shape(path: Path, image: Pixels, shape: tuple[int, ...]) -> None:
    if image.shape != shape:
        raise InputError(
            f"{path}: expected an image of {shape} (height, width, channels) like those before. "
            f"Received: {image.shape}; --size and --color bring all to one shape"
        )


@contextlib.contextmanager
def _quiet_opencv() -> Iterator[None]:
    """OpenCV tells of a damaged file on stderr; the caller tells it better."""
    log = cv2.utils.logging
    level = log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        log.setLogLevel(level)
