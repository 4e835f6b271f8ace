"""Light and colour: brightness, contrast, saturation."""

from __future__ import annotations

import cv2
import numpy as np

from fer_cli.transform.corrupt import Pixels, alike, corruption, to_levels
from fer_cli.transform.photometric import tone


@corruption(levels=(0.1, 0.2, 0.3, 0.4, 0.5), chance=False)
def brightness(images: Pixels, added: float, _rng: np.random.Generator) -> Pixels:
    """Add to the value of HSV, the brightest channel of a pixel, on the scale 0..1; hue and saturation stay."""
    value = images.max(3, keepdims=True).astype(np.float32)
    brighter = np.minimum(value + 255 * added, 255)
    # Black has no hue to keep and becomes grey.
    return to_levels(np.where(value > 0, images * (brighter / np.maximum(value, 1)), brighter))


@corruption(levels=(0.4, 0.3, 0.2, 0.1, 0.05), chance=False)
def contrast(images: Pixels, factor: float, rng: np.random.Generator) -> Pixels:
    """Multiply the distance from the face's mean level (of all channels together)."""
    return tone(images, alike(images, rng, contrast=factor))


@corruption(levels=((0.3, 0.0), (0.1, 0.0), (2.0, 0.0), (5.0, 0.1), (30.0, 0.2)), chance=False, color=True)
def saturate(images: Pixels, line: tuple[float, float], _rng: np.random.Generator) -> Pixels:
    """Multiply the saturation of HSV by the first number and add the second; the lower severities take colour away."""
    factor, added = line
    n, height, width, _ = images.shape
    # To OpenCV all faces are one tall picture.
    hsv = cv2.cvtColor(images.reshape(n * height, width, 3).astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 1] = np.clip(hsv[..., 1] * factor + added, 0, 1)
    return to_levels(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)).reshape(images.shape)
