"""Crops: random ones to train on, and the views of an image over which a model's probabilities are averaged.

A size is (height, width) in pixels. A view may be smaller than the image; whoever feeds a network resizes it
(`fer_cli.transform.adapt`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

#: Side of a ten-crop's crop as a part of the image's, for networks that see whole images: 44 of 48 pixels on FER2013.
CROP = 44 / 48

Pixels = npt.NDArray[np.uint8]
Corners = npt.NDArray[np.int64]
Size = tuple[int, int]


def draw_corners(n: int, shape: tuple[int, ...], size: Size, rng: np.random.Generator) -> Corners:
    """(n, 2) top and left of random crops of `size`, all places in images of `shape` (H, W, …) equally likely."""
    return rng.integers(0, (shape[0] - size[0] + 1, shape[1] - size[1] + 1), (n, 2))


def crop_at(images: Pixels, corners: Corners, size: Size) -> Pixels:
    """One crop of each of N images uint8 (N, H, W, C), at its row of `corners` (N, 2): (N, *size, C)."""
    height, width = size
    out = np.empty((len(images), height, width, images.shape[3]), np.uint8)
    for image, (top, left), crop in zip(images, corners, out, strict=True):
        crop[...] = image[top : top + height, left : left + width]
    return out


def centre(images: Pixels, size: Size) -> Pixels:
    """The middle of images uint8 (N, H, W, C): (N, *size, C), the images themselves where they have that size."""
    if images.shape[1:3] == size:
        return images
    top, left = (images.shape[1] - size[0]) // 2, (images.shape[2] - size[1]) // 2
    return _window(images, top, left, size)


def single(images: Pixels, size: Size | None = None) -> Iterator[Pixels]:
    """The images uint8 (N, H, W, C) themselves, or their centre crops of `size`."""
    yield images if size is None else centre(images, size)


def flip(images: Pixels, size: Size | None = None) -> Iterator[Pixels]:
    """What `single` gives, and its mirror image, left to right."""
    for view in single(images, size):
        yield view
        yield np.ascontiguousarray(view[:, :, ::-1])


def ten_crop(images: Pixels, size: Size | None = None) -> Iterator[Pixels]:
    """The four corners and the centre, each of `size` or 44/48 of the sides, then their mirror images: ten times.

    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012, section
    4.1.
    """
    height, width = images.shape[1:3]
    size = size or (max(1, round(height * CROP)), max(1, round(width * CROP)))
    bottom, right = height - size[0], width - size[1]
    for top, left in ((0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)):
        yield from flip(_window(images, top, left, size))


def _window(images: Pixels, top: int, left: int, size: Size) -> Pixels:
    return np.ascontiguousarray(images[:, top : top + size[0], left : left + size[1]])
