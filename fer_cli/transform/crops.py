"""Test-time augmentation: the views of an image over which a model's probabilities are averaged.

A view may be smaller than the image; whoever feeds a network resizes it (`fer_cli.transform.adapt`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

#: Side of a crop as a part of the image's: 44 of 48 pixels on FER2013.
CROP = 44 / 48

Pixels = npt.NDArray[np.uint8]


def single(images: Pixels) -> Iterator[Pixels]:
    """The images uint8 (N, H, W, C) themselves."""
    yield images


def flip(images: Pixels) -> Iterator[Pixels]:
    """The images and their mirror images, left to right."""
    yield images
    yield np.ascontiguousarray(images[:, :, ::-1])


def ten_crop(images: Pixels) -> Iterator[Pixels]:
    """The four corners and the centre, each 44/48 of the sides, then their mirror images: ten times (N, h, w, C).

    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012, section
    4.1.
    """
    height, width = images.shape[1:3]
    crop_height, crop_width = max(1, round(height * CROP)), max(1, round(width * CROP))
    bottom, right = height - crop_height, width - crop_width
    for top, left in ((0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)):
        yield from flip(np.ascontiguousarray(images[:, top : top + crop_height, left : left + crop_width]))
