"""Weather before the camera: fog and snow."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.transform.adapt import adapt
from fer_cli.transform.corrupt import Pixels, corruption, scale, to_levels
from fer_cli.transform.corrupt_blur import smear, streaks

Floats = npt.NDArray[np.float32]

#: Directions in degrees in which snow falls.
_FALL = (-135, -45)


@corruption(levels=((0.4, 3), (0.7, 3), (1, 2.5), (1.5, 2), (2, 1.75)))
def fog(images: Pixels, mist: tuple[float, float], rng: np.random.Generator) -> Pixels:
    """Blend with a cloud of white, and keep the brightest level of the face.

    mist: its weight against the face's 1, and how much fainter than a patch one of half its side is.
    """
    weight, decay = mist
    n, height, width, _ = images.shape
    clouds = plasma(n, max(height, width), decay, rng)[:, :height, :width, None]
    brightest = images.max((1, 2, 3), keepdims=True) / np.float32(255)
    foggy = (images / np.float32(255) + weight * clouds) * (brightest / np.maximum(brightest + weight, 1e-6))
    return to_levels(255 * foggy)


@corruption(
    levels=(
        (0.1, 0.2, 1, 0.6, 8, 3, 0.8),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.8),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.7),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.65),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.6),
    )
)
def snow(images: Pixels, fall: tuple[float, ...], rng: np.random.Generator) -> Pixels:
    """Flakes that leave streaks, over a face that the snow's light has whitened.

    fall: mean, deviation, size in pixels and least brightness of flakes, length and deviation of their streaks
    (`corrupt_blur.streaks`), and what is left of the face's own light.
    """
    mean, deviation, size, least, length, sigma, left = fall
    n, height, width, _ = images.shape
    size = max(1.0, size * scale(images))
    flakes = rng.standard_normal((n, int(np.ceil(height / size)), int(np.ceil(width / size))), np.float32)
    flakes = flakes * deviation + mean
    directions = np.asarray(rng.uniform(*_FALL, n))
    kernels = streaks(directions, length * scale(images), sigma * scale(images))
    layers = np.stack([_streaked(f, (width, height), least, k) for f, k in zip(flakes, kernels, strict=True)])[
        ..., None
    ]
    faces = images / np.float32(255)
    white = np.maximum(faces, 1.5 * adapt(images, (height, width, 1)) / np.float32(255) + 0.5)
    # The same flakes upside down make twice as many.
    return to_levels(255 * (left * faces + (1 - left) * white + layers + layers[:, ::-1, ::-1]))


def plasma(n: int, side: int, decay: float, rng: np.random.Generator) -> Floats:
    """Clouds float32 (n, S, S) on 0..1, S the power of two from `side` on, which continue beyond opposite edges.

    Diamond-square: from coarse to fine each new point is the mean of four neighbours and a uniform number, whose
    spread falls by `decay` with each halving (Fournier, Fussell and Carpenter, "Computer rendering of stochastic
    models", CACM 1982).
    """
    size = 1 << max(1, int(np.ceil(np.log2(max(2, side)))))
    clouds = np.zeros((n, size, size), np.float32)
    step, spread = size, 1.0

    def between(corners: Floats) -> Floats:
        return corners / 4 + np.float32(spread) * (2 * rng.random(corners.shape, np.float32) - 1)

    while step >= 2:
        half = step // 2
        corners = clouds[:, ::step, ::step]
        pairs = corners + np.roll(corners, -1, 1)
        clouds[:, half::step, half::step] = middle = between(pairs + np.roll(pairs, -1, 2))
        clouds[:, ::step, half::step] = between(middle + np.roll(middle, 1, 1) + corners + np.roll(corners, -1, 2))
        clouds[:, half::step, ::step] = between(middle + np.roll(middle, 1, 2) + corners + np.roll(corners, -1, 1))
        step, spread = half, spread / decay
    clouds -= clouds.min((1, 2), keepdims=True)
    return np.asarray(clouds / clouds.max((1, 2), keepdims=True), np.float32)


def _streaked(flakes: Floats, size: tuple[int, int], least: float, kernel: Floats) -> Floats:
    layer = cv2.resize(flakes, size, interpolation=cv2.INTER_LINEAR)
    layer = np.where(layer < least, 0, np.minimum(layer, 1)).astype(np.float32)
    return np.asarray(smear(layer, kernel), np.float32)
