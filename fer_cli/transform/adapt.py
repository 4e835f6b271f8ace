"""Bringing images to a wanted height, width and number of channels."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError

Pixels = npt.NDArray[np.uint8]


def adapt(images: Pixels, shape: tuple[int, int, int]) -> Pixels:
    """Images uint8 (N, h, w, c) as uint8 (N, H, W, C), where `shape` is (H, W, C).

    Grey becomes RGB by repetition, RGB becomes grey by the luma of ITU-R BT.601. Shrinking averages over the area of
    each new pixel, so that nothing aliases; enlarging is bilinear. The aspect ratio is not kept. The array itself comes
    back, uncopied, when it has the shape already. Raises `InputError` for channels other than 1 or 3.
    """
    if images.shape[1:] == tuple(shape):
        return images
    for channels in (images.shape[3], shape[2]):
        if channels not in (1, 3):
            raise InputError(f"images: expected 1 or 3 channels. Received: {channels}")
    out = np.empty((len(images), *shape), np.uint8)
    for image, place in zip(images, out, strict=True):
        place[...] = adapt_one(image, shape)
    return out


def adapt_one(image: Pixels, shape: tuple[int, int, int]) -> Pixels:
    """One image uint8 (h, w, c) as uint8 (H, W, C); see `adapt`."""
    height, width, channels = shape
    if image.shape[2] > channels:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]
    if image.shape[:2] != (height, width):
        shrinks = height <= image.shape[0] and width <= image.shape[1]
        resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        # OpenCV drops a channel axis of length one.
        image = resized.reshape(height, width, -1)
    # Repeating comes last, so that only one channel is resized.
    return np.repeat(image, channels, axis=2) if image.shape[2] < channels else image
