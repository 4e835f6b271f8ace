"""Image files: finding them below a folder and decoding them on all cores, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fer_cli.datasets.base import Findings, ReadOptions
from fer_cli.datasets.parallel import workers
from fer_cli.errors import InputError
from fer_cli.faces.crop import crop_face
from fer_cli.faces.detect import shared_detector
from fer_cli.faces.media import IMAGE_ENDINGS, quiet_opencv, read_image, walk
from fer_cli.transform.adapt import adapt_one

Pixels = npt.NDArray[np.uint8]
#: Left, top, right and bottom of a face in its picture, in pixels; right and bottom are the first outside of it.
Box = tuple[int, int, int, int]

_BLOCK_BYTES = 32 << 20
#: Images a block: few before their size is known.
_FIRST_BLOCK, _LARGEST_BLOCK = 16, 4096
_CHANNELS = {"gray": 1, "rgb": 3}


def walk_images(folder: Path) -> Iterator[Path]:
    """Image files at any depth below `folder` in a fixed order; hidden files and folders are passed over."""
    return walk(folder, IMAGE_ENDINGS)


def subfolders(folder: Path) -> list[Path]:
    """The folders directly in `folder`, by name, without hidden ones."""
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__MACOSX")))


def read_images(
    paths: Sequence[Path], options: ReadOptions, findings: Findings, boxes: Sequence[Box] | None = None
) -> Iterator[tuple[npt.NDArray[np.intp], Pixels]]:
    """Decode `paths` in order: blocks of positions in `paths` (n,) and their images uint8 (n, H, W, C).

    With `options.crop` the face is cut out of the whole photo before anything else is done to it, and a photo without
    a face is counted in the findings, then left out or kept whole as `options.no_face` says.
    boxes: for each path where its face is, for sets that come with such boxes; what sticks out of the picture is cut
    off, and no face is looked for in these pictures.

    All images must have one shape, that of the first, which `options.size` and `options.color` bring about. Raises
    `InputError` for an image that cannot be read, or with `skip_bad` leaves it out and adds a line to the findings.
    """
    shape: tuple[int, ...] | None = None
    start, step = 0, _FIRST_BLOCK
    decode = partial(_decode, options)
    with quiet_opencv(), workers(options.backend, options.scheduler, options.jobs) as run:
        while start < len(paths):
            block = paths[start : start + step]
            places = repeat(None, len(block)) if boxes is None else boxes[start : start + step]
            positions, images = [], []
            for position, decoded in enumerate(run(decode, list(zip(block, places, strict=True))), start):
                image = _usable(decoded, options, findings)
                if image is None:
                    continue
                shape = shape or image.shape
                _check_shape(paths[position], image, shape)
                positions.append(position)
                images.append(image)
            start += len(block)
            if images:
                _note_changes(images[0].shape, options, findings, searched=boxes is None)
                step = max(_FIRST_BLOCK, min(_LARGEST_BLOCK, _BLOCK_BYTES // images[0].nbytes))
                yield np.array(positions), np.stack(images)


@dataclass(frozen=True)
class _NoFace:
    """A photo in which no face was found; `image` is the whole of it where it is to be kept."""

    path: Path
    image: Pixels | None


def _decode(options: ReadOptions, item: tuple[Path, Box | None]) -> Pixels | _NoFace | InputError:
    """What becomes of one file, also in another process."""
    path, box = item
    searched = options.crop is not None and box is None
    try:
        # A detector sees more in colours than in the grey that may be wanted in the end.
        image = read_image(path, None if searched else options.color)
        if box is not None:
            image = _cut_out(image, box, path)
    except InputError as error:
        return error
    if not searched:
        return _adapted(image, options)
    face = crop_face(image, shared_detector(options.detector), options.margin, options.align)
    if face is None:
        return _NoFace(path, _adapted(image, options) if options.no_face == "keep" else None)
    return _adapted(face, options)


def _adapted(image: Pixels, options: ReadOptions) -> Pixels:
    height, width, channels = image.shape
    if options.color is not None:
        channels = _CHANNELS[options.color]
    return adapt_one(image, (options.size or height, options.size or width, channels))


def _usable(decoded: Pixels | _NoFace | InputError, options: ReadOptions, findings: Findings) -> Pixels | None:
    """The image, or None for a file that is passed over, which the findings then tell of."""
    if isinstance(decoded, InputError):
        _pass_over(decoded, options, findings)
        return None
    if isinstance(decoded, _NoFace):
        fate = "left out" if decoded.image is None else "kept whole"
        findings.count(f"photos in which {options.detector} found no face ({fate})")
        if decoded.image is None:
            findings.problems.append(f"{decoded.path}: no face found by {options.detector}, left out")
        return decoded.image
    return decoded


def _note_changes(shape: tuple[int, ...], options: ReadOptions, findings: Findings, searched: bool) -> None:
    if options.crop is not None and searched:
        findings.changed(name="crop", detector=options.detector, margin=options.margin, align=options.align)
    if options.size or options.color:
        findings.adapted(shape)


def _cut_out(image: Pixels, box: Box, path: Path) -> Pixels:
    left, top, right, bottom = box
    face = image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if not face.size:
        raise InputError(
            f"{path}: expected a face box inside the picture of {image.shape[1]}×{image.shape[0]} pixels. "
            f"Received: left {left}, top {top}, right {right}, bottom {bottom}"
        )
    return face


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
