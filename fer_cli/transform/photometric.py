"""What augmentation does to the levels of a face: filters, one tone curve, noise, an erased rectangle.

Each function takes uint8 (N, H, W, C) images and leaves them alone; where no face changes it returns `images` itself.
All channels of a face are treated alike, except by noise, which is independent in each.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.transform.parameters import Floats, Integers, Parameters

Pixels = npt.NDArray[np.uint8]

#: Levels that `normalize` brings a face to.
TARGET_MEAN, TARGET_DEVIATION = 127.5, 63.75
#: The smoothing that sharpness blends with, Pillow's SMOOTH filter.
_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13
_LEVELS = np.arange(256, dtype=np.float32)
_IDENTITY = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], np.float32)


def blur(images: Pixels, parameters: Parameters) -> Pixels:
    """Convolve faces with a Gaussian of standard deviation `parameters.blur` pixels."""
    rows = np.flatnonzero(parameters.blur)
    if not len(rows):
        return images
    out = images.copy()
    for row in rows:
        cv2.GaussianBlur(images[row], (0, 0), parameters.blur[row], out[row])
    return out


def sharpen(images: Pixels, parameters: Parameters) -> Pixels:
    """`factor * face + (1 - factor) * smoothed face`, as one 3×3 filter."""
    rows = np.flatnonzero(parameters.sharpness != 1)
    if not len(rows):
        return images
    factors = parameters.sharpness.astype(np.float32)[:, None, None]
    kernels = factors * _IDENTITY + (1 - factors) * _SMOOTH
    out = images.copy()
    for row in rows:
        cv2.filter2D(images[row], -1, kernels[row], out[row])
    return out


def tone(images: Pixels, parameters: Parameters) -> Pixels:
    """Normalisation, brightness, contrast and gamma, by one table of 256 levels for each face."""
    factors = (parameters.brightness, parameters.contrast, parameters.gamma)
    if not parameters.normalize.any() and all((factor == 1).all() for factor in factors):
        return images
    pixels = images.reshape(len(images), -1)
    means = pixels.mean(axis=1)
    deviations = pixels.std(axis=1) if parameters.normalize.any() else np.ones_like(means)
    out = np.empty(images.shape, np.uint8)
    for face, table, toned in zip(images, tone_tables(parameters, means, deviations), out, strict=True):
        cv2.LUT(face, table, toned)
    return out


def tone_tables(parameters: Parameters, means: Floats, deviations: Floats) -> Pixels:
    """uint8 (N, 256): the level that each level turns into.

    With m and s the mean and standard deviation (N,) of a face, in levels: a normalised face first turns into
    `(x - m) / s * TARGET_DEVIATION + TARGET_MEAN`. Then `x * brightness`, then contrast about the mean that the face
    has by now, then `255 * (x / 255) ** gamma` of what is clipped to 0..255.
    """
    # A face of one level has no deviation to bring to the target.
    stretch = np.where(parameters.normalize, TARGET_DEVIATION / np.maximum(deviations, 1), 1)
    centre = np.where(parameters.normalize, TARGET_MEAN, means) * parameters.brightness
    gain = stretch * parameters.brightness * parameters.contrast
    # centre + gain * (x - mean), as one straight line in x.
    curves = np.multiply.outer(gain.astype(np.float32), _LEVELS)
    curves += (centre - gain * means).astype(np.float32)[:, None]
    np.clip(curves, 0, 255, out=curves)
    if (parameters.gamma != 1).any():
        curves = 255 * (curves / 255) ** parameters.gamma.astype(np.float32)[:, None]
    return np.rint(curves, out=curves).astype(np.uint8)


def add_noise(images: Pixels, parameters: Parameters, rows: Integers | None = None) -> Pixels:
    """Add Gaussian noise of standard deviation `parameters.noise` (full scale 1), and clip.

    rows: as in `fer_cli.transform.augment.apply`; the noise of the faces that are not there is drawn and dropped.
    """
    if not parameters.noise.any():
        return images
    rng = np.random.default_rng(parameters.noise_seed)
    field = np.empty(images.shape[1:], np.float32)
    out = np.empty(images.shape, np.uint8)
    for deviation, place in zip(255 * parameters.noise, _places(len(parameters.noise), rows), strict=True):
        rng.standard_normal(dtype=np.float32, out=field)
        if place >= 0:
            field *= deviation
            cv2.add(images[place], field, out[place], dtype=cv2.CV_8U)
    return out


def erase(images: Pixels, parameters: Parameters, rows: Integers | None = None) -> Pixels:
    """Fill `parameters.box` with uniform noise.

    Random erasing, Zhong, Zheng, Kang, Li and Yang, AAAI 2020, in the variant that they found best (random values).
    rows: as in `fer_cli.transform.augment.apply`.
    """
    erased = np.flatnonzero(parameters.box.any(axis=1))
    if not len(erased):
        return images
    rng = np.random.default_rng(parameters.erase_seed)
    places = _places(len(parameters.box), rows)
    out = images.copy()
    for row in erased:
        top, left, bottom, right = parameters.box[row]
        filling = rng.integers(0, 256, (bottom - top, right - left, images.shape[3]), np.uint8)
        if places[row] >= 0:
            out[places[row], top:bottom, left:right] = filling
    return out


def _places(n: int, rows: Integers | None) -> Integers:
    """For each of `n` rows its place among the faces, -1 where it has none."""
    places = np.full(n, -1)
    index = np.arange(n) if rows is None else rows
    places[index] = np.arange(len(index))
    return places
