"""What illumination corrections are made of: the luminance of a face, its gamma, band-pass and plane of light.

Luminance is uint8 (N, H, W) here, N at least 1.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Correction = Callable[[Pixels], Pixels]

#: Faces that are worked on at once, few enough for the processor's cache.
CHUNK = 32
#: The mean that gamma is to reach as a part of full scale, and the exponents allowed.
GAMMA_TARGET, GAMMA_RANGE = 0.5, (0.1, 10.0)
#: Half axes of the oval that holds a face, as parts of the picture's sides: only the corners are outside.
OVAL = 0.56

_NEWTON_STEPS = 8
#: What keeps a black or white face from a division by 0, and a black pixel from the logarithm of 0.
_LEAST = 1e-6
#: The logarithm of each level as a part of full scale.
_LOGS = np.log(np.maximum(np.linspace(0, 1, 256, dtype=np.float32), _LEAST))


def on_luminance(keep_color: bool) -> Callable[[Correction], Correction]:
    """Make a function of luminance, uint8 (N, H, W) -> the same, one of images, uint8 (N, H, W, C) -> the same.

    keep_color: RGB faces keep Cr and Cb of YCrCb, else their channels become equal. The images are left alone. The
    function raises `ValueError` for images of another kind.
    """

    def decorate(correction: Correction) -> Correction:
        @functools.wraps(correction)
        def correct(images: Pixels) -> Pixels:
            if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
                raise ValueError(f"images: expected uint8 (N, H, W, 1 or 3). Received: {images.dtype} {images.shape}")
            out = np.empty(images.shape, np.uint8)
            for start in range(0, len(images), CHUNK):
                faces = np.ascontiguousarray(images[start : start + CHUNK])
                out[start : start + CHUNK] = _corrected(faces, correction, keep_color)
            return out

        return correct

    return decorate


def _corrected(faces: Pixels, correction: Correction, keep_color: bool) -> Pixels:
    if faces.shape[3] == 1:
        return correction(faces[..., 0])[..., None]
    if not keep_color:
        return correction(_convert(faces, cv2.COLOR_RGB2GRAY))[..., None]
    luma_chroma = _convert(faces, cv2.COLOR_RGB2YCrCb)
    luma_chroma[..., 0] = correction(np.ascontiguousarray(luma_chroma[..., 0]))
    return _convert(luma_chroma, cv2.COLOR_YCrCb2RGB)


def _convert(faces: Pixels, code: int) -> Pixels:
    """OpenCV's colour conversion of all faces in one call: to OpenCV they are one tall picture."""
    n, height, width, channels = faces.shape
    converted: Pixels = cv2.cvtColor(faces.reshape(n * height, width, channels), code)
    return converted.reshape(n, height, width, *converted.shape[2:])


def gamma_exponents(luma: Pixels) -> Floats:
    """float32 (N,): the exponent g with which the mean of (level / 255) ** g of each face becomes `GAMMA_TARGET`.

    That mean is a convex, falling function of g, so Newton's method, kept within `GAMMA_RANGE`, finds the place.
    """
    counts = np.stack([cv2.calcHist([face], [0], None, [256], [0, 256])[:, 0] for face in luma])
    shares = counts / luma[0].size
    exponents = np.ones(len(luma), np.float32)
    for _ in range(_NEWTON_STEPS):
        terms = shares * np.exp(_LOGS * exponents[:, None])
        slopes = np.minimum((terms * _LOGS).sum(1), -_LEAST)
        exponents = np.clip(exponents - (terms.sum(1) - GAMMA_TARGET) / slopes, *GAMMA_RANGE)
    return exponents


def band(luma: Pixels, curve: Floats, sigmas: tuple[float, float]) -> Floats:
    """The difference of two Gaussian blurs of each face: float32 (N, H, W).

    curve: (256,), what each level is worth. sigmas: standard deviations in pixels, the narrow one first.
    """
    out = np.empty(luma.shape, np.float32)
    sides = [2 * round(3 * sigma) + 1 for sigma in sigmas]
    for face, place in zip(luma, out, strict=True):
        levels = cv2.LUT(face, curve)
        narrow, wide = (cv2.GaussianBlur(levels, (n, n), sigma) for n, sigma in zip(sides, sigmas, strict=True))
        cv2.subtract(narrow, wide, place)
    return out


def nearest_planes(luma: Pixels) -> Floats:
    """float32 (N, H, W): the plane a + b x + c y that is nearest to each face within the oval, by least squares."""
    planes, inside, inverse = _plane_fit(*luma.shape[1:])
    # Sums of whole numbers, exact in whatever order they are added.
    products = luma.reshape(len(luma), -1).astype(np.float64) @ inside.T
    level, right, down = (products[:, None] * inverse).sum(2).astype(np.float32).T[..., None]
    nearest: Floats = level * planes[0] + right * planes[1] + down * planes[2]
    return nearest.reshape(luma.shape)


@functools.lru_cache(maxsize=8)
def oval(height: int, width: int) -> Floats:
    """float32 (H, W): 1 within the oval that holds a face, 0 outside."""
    _, x, y = _planes(height, width).reshape(3, height, width)
    return ((x / (2 * OVAL * width)) ** 2 + (y / (2 * OVAL * height)) ** 2 <= 1).astype(np.float32)


@functools.lru_cache(maxsize=8)
def _plane_fit(height: int, width: int) -> tuple[Floats, Doubles, Doubles]:
    """What fits a plane to a face: the planes (3, H*W), the same within the oval and 0 outside, and a matrix (3, 3).

    The products of a face with the second, times the matrix, are the parts of the first in the plane nearest to it.
    """
    planes = _planes(height, width)
    inside = planes.astype(np.float64) * oval(height, width).ravel()
    # A face one pixel wide or high has no slope across; the pseudo-inverse takes it for level.
    return planes, inside, np.linalg.pinv(inside @ planes.T).astype(np.float64)


def _planes(height: int, width: int) -> Floats:
    """float32 (3, H*W): 1, x and y of each pixel in half pixels from the picture's middle, which are whole numbers."""
    y, x = np.mgrid[1 - height : height : 2, 1 - width : width : 2]
    return np.stack([np.ones_like(x), x, y]).reshape(3, -1).astype(np.float32)
