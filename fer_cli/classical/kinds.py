"""What a kind of features is. To add one: a class like these, one line in `fer_cli.catalog.FEATURES`."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
#: Height, width and channels (1 or 3) of an image.
Shape = tuple[int, int, int]


class Feature(Protocol):
    """Numbers computed from one image alone, without anything fitted to a dataset."""

    def names(self, shape: Shape) -> list[str]:
        """A name for each column, for images of this shape (H, W, C)."""

    def compute(self, images: Pixels) -> Floats:
        """Features float32 (N, D), finite, of images uint8 (N, H, W, C)."""


class RawPixels:
    """The image itself, rows first, channels last; levels 0..255."""

    def names(self, shape: Shape) -> list[str]:
        """`pixel ROW,COLUMN`, and the channel of RGB."""
        height, width, channels = shape
        colours = [""] if channels == 1 else [" red", " green", " blue"]
        return [f"pixel {row},{column}{c}" for row in range(height) for column in range(width) for c in colours]

    def compute(self, images: Pixels) -> Floats:
        """Levels 0..255, float32 (N, H * W * C)."""
        return images.reshape(len(images), -1).astype(np.float32)


def gray(images: Pixels) -> Pixels:
    """Luminance uint8 (N, H, W) of images uint8 (N, H, W, 1 or 3)."""
    if images.shape[3] == 1:
        return np.ascontiguousarray(images[..., 0])
    n, height, width, _ = images.shape
    # One tall picture: one call of OpenCV for all.
    tall = cv2.cvtColor(np.ascontiguousarray(images).reshape(n * height, width, 3), cv2.COLOR_RGB2GRAY)
    return np.asarray(tall, np.uint8).reshape(n, height, width)
