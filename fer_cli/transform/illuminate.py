"""Illumination correction: the same face under another light becomes more nearly the same picture.

Each method takes uint8 (N, H, W, C) images, C 1 or 3 (RGB), and returns a new array of that kind. What it does, it does
to the luminance (luma of ITU-R BT.601). `equalize`, `clahe`, `gamma` and `plane` keep the colour of RGB faces: they
replace Y of YCrCb and leave Cr and Cb. `tan_triggs` and `dog` turn light into local contrast, of which there is no
colour to keep: their RGB faces have three equal channels.

Equal faces become equal bit by bit, wherever in an array they stand, so that duplicates stay duplicates: sums over a
face are exact, or run along one face at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import cv2
import numpy as np

from fer_cli import catalog
from fer_cli.transform.luminance import Floats, Pixels, band, gamma_exponents, nearest_planes, on_luminance, oval

#: The `name` of this step among the `transforms` of a dataset and of a model.
STEP = "illumination"

#: CLAHE: tiles a side, and the highest count of a level in a tile in multiples of the mean count.
CLAHE_TILES, CLAHE_LIMIT = 4, 4.0
#: Tan and Triggs' defaults: gamma, deviations of the Gaussians in pixels, exponent and threshold of the contrast.
TT_GAMMA, TT_SIGMAS, TT_ALPHA, TT_TAU = 0.2, (1.0, 2.0), 0.1, 10.0
#: Difference of Gaussians: deviations in pixels, and how many deviations of the result reach black and white.
DOG_SIGMAS, DOG_SPAN = (1.0, 4.0), 3.0

#: All levels as parts of full scale.
_LEVELS = np.linspace(0, 1, 256, dtype=np.float32)
#: What keeps a face of one level from a division by 0.
_LEAST = 1e-6
#: Differences of blurred levels below this are rounding; one level, after the gamma, is at least 8e-4.
_ROUNDING = 1e-5


def illuminate(images: Pixels, method: str) -> Pixels:
    """Faces corrected by a method of `catalog.ILLUMINATIONS`; `UsageError` for an unknown name."""
    corrected: Pixels = catalog.find(catalog.ILLUMINATIONS, method, "illumination correction")(images)
    return corrected


def step(method: str) -> dict[str, str]:
    """What the `transforms` of a dataset say once `illuminate` was applied to its images."""
    return {"name": STEP, "method": method}


def corrections(transforms: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The methods that the `transforms` of a dataset or a model name, in the order in which they were applied."""
    return tuple(str(done.get("method")) for done in transforms if done.get("name") == STEP)


@on_luminance(keep_color=True)
def equalize(luma: Pixels) -> Pixels:
    """Histogram equalisation: a level becomes the share of pixels that are not brighter.

    Hummel, "Image enhancement by histogram transformation", Computer Graphics and Image Processing 6, 1977. It removes
    every change of light that keeps the order of the levels, such as exposure, and no direction of light.
    """
    out = np.empty_like(luma)
    for face, place in zip(luma, out, strict=True):
        cv2.equalizeHist(face, place)
    return out


@on_luminance(keep_color=True)
def clahe(luma: Pixels) -> Pixels:
    """Contrast-limited adaptive histogram equalisation, in 4×4 tiles with bilinear blending between them.

    Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV, 1994.
    """
    method = cv2.createCLAHE(CLAHE_LIMIT, (CLAHE_TILES, CLAHE_TILES))
    out = np.empty_like(luma)
    for face, place in zip(luma, out, strict=True):
        method.apply(face, place)
    return out


@on_luminance(keep_color=True)
def gamma(luma: Pixels) -> Pixels:
    """Adaptive gamma: `255 * (x / 255) ** g` with the exponent g of each face that brings its mean to mid-grey.

    Gamma intensity correction of Shan, Gao, Cao and Zhao, "Illumination normalization for robust face recognition
    against varying lighting conditions", AMFG 2003, with mid-grey as the target in place of a canonical face. g stays
    within 0.1 to 10, so a face that is nearly black or white may end on its own side of mid-grey.
    """
    tables = np.rint(255 * _LEVELS ** gamma_exponents(luma)[:, None]).astype(np.uint8)
    out = np.empty_like(luma)
    for face, table, place in zip(luma, tables, out, strict=True):
        cv2.LUT(face, table, place)
    return out


@on_luminance(keep_color=False)
def tan_triggs(luma: Pixels) -> Pixels:
    """Gamma 0.2, difference of Gaussians (1 and 2 pixels), mask, contrast equalisation, and `10 * tanh(x / 10)`.

    Tan and Triggs, "Enhanced local texture feature sets for face recognition under difficult lighting conditions",
    IEEE Transactions on Image Processing 19, 2010, with their parameters. The mask is an oval that leaves out the
    corners (hair and backdrop), which become mid-grey. The range -10..10 becomes 0..255.
    """
    x, mask = band(luma, _LEVELS**TT_GAMMA, TT_SIGMAS), oval(*luma.shape[1:])
    # Equalising its contrast would blow up the rounding of an area of one level.
    x *= mask * (np.abs(x) > _ROUNDING)
    for limit in (np.inf, TT_TAU):
        magnitude = np.minimum(np.abs(x), limit) ** TT_ALPHA
        mean = (magnitude * mask).sum((1, 2), keepdims=True) / mask.sum()
        x /= np.maximum(mean ** (1 / TT_ALPHA), _LEAST)
    return _to_levels(np.tanh(x / TT_TAU))


@on_luminance(keep_color=True)
def plane(luma: Pixels) -> Pixels:
    """Subtract the plane that fits the levels best, a linear ramp of light, then equalise the histogram.

    Sung and Poggio, "Example-based learning for view-based human face detection", and Rowley, Baluja and Kanade,
    "Neural network-based face detection", both IEEE PAMI 20, 1998. The fit is by least squares within an oval.
    """
    rest = luma - nearest_planes(luma)
    rest /= np.maximum(np.abs(rest).max((1, 2), keepdims=True), 1)
    out = _to_levels(rest)
    for face in out:
        cv2.equalizeHist(face, face)
    return out


@on_luminance(keep_color=False)
def dog(luma: Pixels) -> Pixels:
    """Difference of Gaussians (1 and 4 pixels), scaled to one standard deviation, 42.5 levels, about mid-grey.

    Marr and Hildreth, "Theory of edge detection", Proceedings of the Royal Society B 207, 1980. Light that changes
    slowly across the face is below the band, noise above it; the scaling removes the strength of the light.
    """
    x = band(luma, _LEVELS, DOG_SIGMAS)
    x -= x.mean((1, 2), keepdims=True)
    x /= np.maximum(DOG_SPAN * x.std((1, 2), keepdims=True), _LEAST)
    return _to_levels(x)


def _to_levels(x: Floats) -> Pixels:
    """-1..1 as levels 0..255, clipped; 0 is mid-grey."""
    levels: Floats = np.rint(127.5 + 127.5 * x)
    return np.clip(levels, 0, 255).astype(np.uint8)
