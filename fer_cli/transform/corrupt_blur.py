"""Blur: lenses, movement, and glass that scatters; lengths are in pixels of Tiny ImageNet-C."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.transform.corrupt import Pixels, alike, corruption, each, scale, to_levels
from fer_cli.transform.photometric import blur
from fer_cli.transform.warp import warp

Floats = npt.NDArray[np.float32]

#: Copies of a zoom, and degrees either way of a movement.
_COPIES, _ANGLE = 11, 45.0
#: Points a side of a pixel with which a disk is measured, and points a pixel along a movement.
_FINE = 9
#: Beyond so many deviations a Gaussian's tail is nothing.
_TAIL = 3


@corruption(levels=(0.5, 0.75, 1.0, 1.25, 1.5), chance=False)
def gaussian_blur(images: Pixels, sigma: float, rng: np.random.Generator) -> Pixels:
    """Convolve with a Gaussian of standard deviation `sigma`."""
    return blur(images, alike(images, rng, blur=sigma * scale(images)))


@corruption(levels=((0.5, 0.6), (1, 0.1), (1.5, 0.1), (2.5, 0.01), (3, 0.1)), chance=False)
def defocus_blur(images: Pixels, lens: tuple[float, float], _rng: np.random.Generator) -> Pixels:
    """Convolve with a disk. lens: its radius, and the deviation of a Gaussian that softens its rim."""
    kernel = disk(*(length * scale(images) for length in lens))
    return each(images, lambda face, _row: cv2.filter2D(face, -1, kernel))


@corruption(levels=((10, 1), (10, 1.5), (10, 2), (10, 2.5), (12, 3)))
def motion_blur(images: Pixels, track: tuple[float, float], rng: np.random.Generator) -> Pixels:
    """Smear each face in a direction within 45° of the horizontal. track: length and deviation, as of `streaks`."""
    length, sigma = (part * scale(images) for part in track)
    kernels = streaks(rng.uniform(-_ANGLE, _ANGLE, len(images)), length, sigma)
    return each(images, lambda face, row: smear(face, kernels[row]))


@corruption(levels=(0.05, 0.1, 0.15, 0.2, 0.25), chance=False)
def zoom_blur(images: Pixels, growth: float, rng: np.random.Generator) -> Pixels:
    """The mean of a face with copies of it that are enlarged up to 1 + `growth` times."""
    total = images.astype(np.float32)
    for factor in np.linspace(1, 1 + growth, _COPIES):
        total += warp(images, alike(images, rng, zoom=factor))
    return to_levels(total / (_COPIES + 1))


@corruption(levels=((0.1, 1, 1), (0.5, 1, 1), (0.6, 1, 2), (0.7, 2, 1), (0.9, 2, 2)))
def glass_blur(images: Pixels, glass: tuple[float, int, int], rng: np.random.Generator) -> Pixels:
    """Blur, exchange each pixel with one nearby, blur again.

    glass: deviation of both blurs, the farthest that a pixel goes along an axis (pixels, as it is too short to scale),
    and how often all pixels are exchanged.
    """
    sigma, reach, rounds = glass
    smooth = alike(images, rng, blur=sigma * scale(images))
    out = blur(images, smooth).copy()
    height, width = images.shape[1:3]
    rows = np.arange(len(images))
    for _ in range(rounds):
        moves = rng.integers(-reach, reach, (height, width, 2, len(images)), endpoint=True)
        # One place of all faces at a time: what is exchanged at one place depends on the places before it.
        for y in range(height - 1 - reach, reach - 1, -1):
            for x in range(width - 1 - reach, reach - 1, -1):
                down, right = moves[y, x]
                here = out[:, y, x].copy()
                out[:, y, x] = out[rows, y + down, x + right]
                out[rows, y + down, x + right] = here
    return blur(out, smooth)


def disk(radius: float, rim: float) -> Floats:
    """float32 (K, K) with sum 1: how much of each pixel a disk covers, softened by a Gaussian of deviation `rim`."""
    reach = int(np.ceil(radius)) + 1
    fine = (np.arange((2 * reach + 1) * _FINE) + 0.5) / _FINE - reach - 0.5
    inside = (fine[:, None] ** 2 + fine**2 <= radius**2).astype(np.float32)
    covered = inside.reshape(2 * reach + 1, _FINE, 2 * reach + 1, _FINE).mean((1, 3))
    covered = cv2.GaussianBlur(covered, (3, 3), rim, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(covered / covered.sum(), np.float32)


def streaks(degrees: npt.NDArray[np.float64], length: float, sigma: float) -> Floats:
    """float32 (N, K, K), each with sum 1: from the middle `length` pixels in a direction, fading as a Gaussian.

    degrees: (N,) counter-clockwise from the right. A pixel is a mixture of those on the way, as in ImageMagick's
    motion blur, which the authors use.
    """
    length = min(length, _TAIL * sigma)
    reach = int(np.ceil(length)) + 1
    way = np.linspace(0, length, max(2, round(length * _FINE)))
    weights = np.exp(-0.5 * (way / sigma) ** 2)
    kernels = np.zeros((len(degrees), 2 * reach + 1, 2 * reach + 1), np.float64)
    x = reach + np.outer(np.cos(np.deg2rad(degrees)), way)
    y = reach - np.outer(np.sin(np.deg2rad(degrees)), way)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    rows = np.arange(len(degrees))[:, None]
    for down in (0, 1):
        for right in (0, 1):
            share = np.abs(1 - down - (y - top)) * np.abs(1 - right - (x - left))
            np.add.at(kernels, (rows, top + down, left + right), share * weights)
    return np.asarray(kernels / kernels.sum((1, 2), keepdims=True), np.float32)


def smear(face: npt.NDArray[Any], kernel: Floats) -> npt.NDArray[Any]:
    """A face (H, W, C) or (H, W) convolved with one of `streaks`, without the zeros around it, which cost time."""
    middle = len(kernel) // 2
    rows, columns = np.flatnonzero(kernel.any(1)), np.flatnonzero(kernel.any(0))
    part = kernel[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.asarray(cv2.filter2D(face, -1, part, anchor=(int(middle - columns[0]), int(middle - rows[0]))))
