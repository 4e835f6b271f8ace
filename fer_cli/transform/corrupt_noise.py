"""Noise, independent in each pixel and channel; deviations are on the scale of 0..1."""

from __future__ import annotations

import cv2
import numpy as np

from fer_cli.transform.corrupt import Pixels, alike, corruption, to_levels
from fer_cli.transform.photometric import add_noise


@corruption(levels=(0.04, 0.08, 0.12, 0.15, 0.18))
def gaussian_noise(images: Pixels, deviation: float, rng: np.random.Generator) -> Pixels:
    """Add Gaussian noise of a standard deviation (the root of its variance), and clip."""
    return add_noise(images, alike(images, rng, noise=deviation))


@corruption(levels=(250, 100, 50, 30, 15))
def shot_noise(images: Pixels, photons: float, rng: np.random.Generator) -> Pixels:
    """Replace each level by a Poisson count of photons, of which full white has `photons` in the mean."""
    counts = rng.poisson(np.multiply(images, photons / 255, dtype=np.float64))
    return to_levels(counts * (255 / photons))


@corruption(levels=(0.01, 0.02, 0.05, 0.08, 0.14))
def impulse_noise(images: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """Make a share of the pixels black or white, each as often (salt and pepper)."""
    drawn = rng.random(images.shape, np.float32)
    out = images.copy()
    out[drawn < share / 2] = 0
    out[drawn >= 1 - share / 2] = 255
    return out


@corruption(levels=(0.15, 0.2, 0.25, 0.3, 0.35))
def speckle_noise(images: Pixels, deviation: float, rng: np.random.Generator) -> Pixels:
    """Multiply each level by a normal number of mean 1 and a standard deviation, and clip."""
    factors = rng.standard_normal((len(images), images[0].size), np.float32)
    factors *= deviation
    factors += 1
    # To OpenCV all faces are one picture, a face a row.
    speckled = cv2.multiply(images.reshape(factors.shape), factors, dtype=cv2.CV_8U)
    return np.asarray(speckled, np.uint8).reshape(images.shape)
