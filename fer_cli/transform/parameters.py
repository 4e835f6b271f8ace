"""What happens to each face of a batch: drawn first, as plain arrays, and applied later by pure functions."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.transform.policy import Policy

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

#: Standard deviation of the blur, as a fraction of the shorter side: 0.5 to 1 pixel of a 48-pixel face.
BLUR_SIGMA = (0.01, 0.02)
#: Area as a fraction of the face. Zhong et al. go to 0.4, which can take the mouth and both eyes of a tight crop.
ERASE_AREA = (0.02, 0.15)
#: Height over width of the erased rectangle, measured in sides of the face (Zhong et al.).
ERASE_ASPECT = (0.3, 1 / 0.3)


@dataclass(frozen=True)
class Parameters:
    """What happens to N faces; a row is one face. Each field says what leaves a face as it is.

    flip: bool (N,), mirror; False.
    angle: degrees (N,), counter-clockwise; 0.
    shift: pixels (N, 2), right and down; 0.
    zoom: factor (N,), above 1 enlarges; 1.
    shear: degrees (N,), how far the upright leans; 0.
    tilt: (N, 2), the right and the lower edge are scaled by about 1 - tilt, the opposite ones by 1 + tilt; 0.
    blur: pixels (N,), standard deviation of the Gaussian; 0.
    sharpness: factor (N,), 0 is the smoothed face, above 1 exaggerates detail; 1.
    normalize: bool (N,), standardise mean and deviation; False.
    brightness, contrast: factors (N,); 1.
    gamma: exponents (N,), above 1 darkens; 1.
    noise: standard deviations (N,), full scale is 1; 0.
    box: pixels (N, 4), erased rectangle as top, left, bottom, right (exclusive); all 0.
    noise_seed, erase_seed: of the generators that fill in the noise and the rectangles.
    """

    flip: Flags
    angle: Floats
    shift: Floats
    zoom: Floats
    shear: Floats
    tilt: Floats
    blur: Floats
    sharpness: Floats
    normalize: Flags
    brightness: Floats
    contrast: Floats
    gamma: Floats
    noise: Floats
    box: Integers
    noise_seed: int
    erase_seed: int

    def take(self, rows: Integers) -> Parameters:
        """Those of the faces `rows`; noise and filling start anew, see `fer_cli.transform.augment.apply`."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        own: dict[str, Any] = {name: v[rows] if isinstance(v, np.ndarray) else v for name, v in values.items()}
        return Parameters(**own)


def draw(policy: Policy, n: int, shape: tuple[int, ...], rng: np.random.Generator) -> Parameters:
    """Parameters for `n` faces of `shape` (H, W, …).

    The same numbers are taken from `rng` whatever the policy, so that adding an operation, or changing its magnitude,
    leaves what the others do to a face as it was.
    """
    height, width = shape[:2]

    def chance(name: str) -> Flags:
        return rng.random(n) < policy[name]

    def spread(name: str, axes: tuple[int, ...] = ()) -> Floats:
        return policy[name] * rng.uniform(-1, 1, (n, *axes))

    return Parameters(
        flip=chance("flip"),
        angle=spread("rotate"),
        shift=spread("shift", (2,)) * (width, height),
        zoom=1 + spread("zoom"),
        shear=spread("shear"),
        tilt=spread("perspective", (2,)),
        blur=chance("blur") * min(height, width) * rng.uniform(*BLUR_SIGMA, n),
        sharpness=1 + spread("sharpness"),
        normalize=chance("normalize"),
        brightness=1 + spread("brightness"),
        contrast=1 + spread("contrast"),
        gamma=(1 + policy["gamma"]) ** rng.uniform(-1, 1, n),
        noise=policy["noise"] * rng.random(n),
        box=_boxes(chance("erase"), height, width, rng),
        noise_seed=int(rng.integers(2**63)),
        erase_seed=int(rng.integers(2**63)),
    )


def _boxes(chosen: Flags, height: int, width: int, rng: np.random.Generator) -> Integers:
    """Rectangles (N, 4) of an area within ERASE_AREA and an aspect within ERASE_ASPECT, anywhere inside the face."""
    n = len(chosen)
    area = rng.uniform(*ERASE_AREA, n)
    aspect = np.exp(rng.uniform(np.log(ERASE_ASPECT[0]), np.log(ERASE_ASPECT[1]), n))
    # The largest area at the longest aspect spans 0.71 of a side, so every rectangle fits and none is drawn again.
    sides = np.stack([height * np.sqrt(area * aspect), width * np.sqrt(area / aspect)], axis=1)
    sides = np.maximum(np.rint(sides), 1)
    start = np.floor(rng.random((n, 2)) * ((height, width) - sides + 1))
    return (np.concatenate([start, start + sides], axis=1) * chosen[:, None]).astype(np.int64)
