"""How much of a face stayed as it was."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.transform.adapt import Pixels, adapt

Floats = npt.NDArray[np.float32]

#: Of the index's Gaussian window, as published: 11 pixels wide.
_SIGMA, _WINDOW = 1.5, 11
#: Of the index: (0.01 · 255)² and (0.03 · 255)².
_LUMINANCE, _CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2
#: A face whose mask leaves less than this part of it free has no outside.
_LEAST_OUTSIDE = 0.01


def ssim_maps(first: npt.NDArray[np.generic], second: npt.NDArray[np.generic]) -> Floats:
    """Structural similarity float32 (N, H, W), up to 1 for equal surroundings, of grey images (N, H, W) in 0..255.

    Wang, Bovik, Sheikh and Simoncelli: Image quality assessment: from error visibility to structural similarity (IEEE
    Transactions on Image Processing 13, 2004), equation 13.
    """
    out = np.empty(first.shape, np.float32)
    for a, b, place in zip(first.astype(np.float32), second.astype(np.float32), out, strict=True):
        fields = np.stack([a, b, a * a, b * b, a * b], axis=2)
        mean_a, mean_b, aa, bb, ab = np.moveaxis(cv2.GaussianBlur(fields, (_WINDOW, _WINDOW), _SIGMA), 2, 0)
        luminance = (2 * mean_a * mean_b + _LUMINANCE) / (mean_a**2 + mean_b**2 + _LUMINANCE)
        structure = (2 * (ab - mean_a * mean_b) + _CONTRAST) / (aa - mean_a**2 + bb - mean_b**2 + _CONTRAST)
        place[...] = luminance * structure
    return out


def ssim(first: Pixels, second: Pixels) -> Floats:
    """Mean structural similarity (N,) of images uint8 (N, H, W, C), of their luma where C is 3."""
    return np.asarray(ssim_maps(_luma(first), _luma(second)).mean((1, 2)))


def ssim_outside(before: Pixels, after: Pixels, masks: Floats) -> Floats:
    """The same of what the masks (N, H, W, 1), 0..1, leave free; NaN where that is less than a hundredth of a face.

    A window near the mask reaches into it. So that it does not see there what was meant to change, each pixel's change
    counts by the part of it that lies outside, and so does its place in the mean.
    """
    old, outside = _luma(before).astype(np.float32), 1 - masks[..., 0]
    maps = ssim_maps(old, old + outside * (_luma(after) - old))
    area = outside.mean((1, 2))
    means = (maps * outside).mean((1, 2)) / np.maximum(area, _LEAST_OUTSIDE)
    return np.where(area < _LEAST_OUTSIDE, np.nan, means).astype(np.float32)


def _luma(images: Pixels) -> Pixels:
    return adapt(images, (images.shape[1], images.shape[2], 1))[..., 0]
