"""Corruptions: pictures made worse in steps of severity, to see what that costs a model.

The families are those of ImageNet-C (Hendrycks and Dietterich, "Benchmarking neural network robustness to common
corruptions and perturbations", ICLR 2019, arXiv:1903.12261) that make sense on faces, and occlusions of faces. Their
severities are those of the authors' set of small pictures, Tiny ImageNet-C, unless a function says otherwise. Lengths
there are pixels of 64×64 pictures; here they grow with the shorter side. Each corruption is a name in
`catalog.CORRUPTIONS`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli import catalog
from fer_cli.errors import UsageError
from fer_cli.transform.parameters import Parameters, draw
from fer_cli.transform.policy import parse_policy

Pixels = npt.NDArray[np.uint8]
Change = Callable[[Pixels, Any, np.random.Generator], Pixels]

SEVERITIES = (1, 2, 3, 4, 5)
#: Stands for all corruptions that the images can have.
ALL = "all"

#: Side of the pictures of Tiny ImageNet-C.
_TINY_IMAGENET = 64
_NOTHING = parse_policy("none")


class Corruption:
    """A change of faces in five severities.

    levels: the parameter of each severity. chance: whether anything is drawn, so that repeats differ. color: whether
    it changes nothing but colour, which grey faces do not have.
    """

    def __init__(self, change: Change, levels: tuple[Any, ...], chance: bool, color: bool) -> None:
        functools.update_wrapper(self, change)
        self._change = change
        self.levels, self.chance, self.color = levels, chance, color

    def __call__(self, images: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
        """Faces uint8 (N, H, W, C), C 1 or 3, corrupted: a new array of that kind.

        severity: 1 to 5. Raises as `apply`, and `ValueError` for another severity.
        """
        if severity not in SEVERITIES:
            raise ValueError(f"severity: expected 1 to {len(SEVERITIES)}. Received: {severity}")
        return self.apply(images, self.levels[severity - 1], rng)

    def apply(self, images: Pixels, parameter: Any, rng: np.random.Generator) -> Pixels:
        """The same with a parameter in place of a severity; each function says what its parameter is.

        Raises `ValueError` for images of another kind, and for grey ones where only colour would change.
        """
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
            raise ValueError(f"images: expected uint8 (N, H, W, 1 or 3). Received: {images.dtype} {images.shape}")
        if self.color and images.shape[3] == 1:
            raise ValueError("images: expected RGB. Received: grey")
        if not len(images):
            return images.copy()
        out = self._change(np.ascontiguousarray(images), parameter, rng)
        return out.copy() if out is images else out


def corruption(levels: tuple[Any, ...], *, chance: bool = True, color: bool = False) -> Callable[[Change], Corruption]:
    """Make a function of faces, a parameter and a generator a `Corruption`, whose fields the arguments are.

    The function gets C-contiguous uint8 (N, H, W, 1 or 3), which it leaves alone.
    """
    return lambda change: Corruption(change, levels, chance, color)


def choose(names: Iterable[str], channels: int) -> dict[str, Corruption]:
    """The corruptions of these names, in the order of the catalog; `ALL` means all that images of `channels` can have.

    Raises `UsageError` for an unknown name, and for one that changes colour alone where the images are grey.
    """
    named = set(names)
    for name in named - {ALL, *catalog.CORRUPTIONS}:
        raise UsageError(catalog.unknown("corruption", name, [ALL, *catalog.CORRUPTIONS]))
    known = {name: catalog.find(catalog.CORRUPTIONS, name, "corruption") for name in catalog.CORRUPTIONS}
    if channels == 1:
        for name in named & {name for name, found in known.items() if found.color}:
            raise UsageError(f"--kind {name} changes colour alone: expected RGB images. Received: grey ones")
    wanted = named if ALL not in named else {n for n, found in known.items() if channels == 3 or not found.color}
    return {name: found for name, found in known.items() if name in wanted}


def scale(images: Pixels) -> float:
    """Pixels of these images (N, H, W, C) for each pixel of Tiny ImageNet-C's."""
    return float(min(images.shape[1:3])) / _TINY_IMAGENET


def alike(images: Pixels, rng: np.random.Generator, **values: float) -> Parameters:
    """Parameters of augmentation that do to every face what `values` say, and nothing else."""
    n = len(images)
    neutral = draw(_NOTHING, n, images.shape[1:], rng)
    return replace(neutral, **{name: np.full(n, value) for name, value in values.items()})  # type: ignore[arg-type]


def each(images: Pixels, change: Callable[[Pixels, int], npt.NDArray[Any]]) -> Pixels:
    """What `change` makes of one face uint8 (H, W, C) after the other, given its row as well."""
    out = np.empty(images.shape, np.uint8)
    for row, (face, place) in enumerate(zip(images, out, strict=True)):
        # OpenCV drops a channel axis of length one.
        place[...] = change(face, row).reshape(face.shape)
    return out


def to_levels(values: npt.NDArray[np.floating[Any]]) -> Pixels:
    """Grey levels from numbers on the scale 0..255, rounded and clipped."""
    levels: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels
