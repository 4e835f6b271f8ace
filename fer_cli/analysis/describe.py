"""What the faces of a data set look like: mean faces, eigenfaces, brightness and contrast, by class."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.analysis import pca
from fer_cli.transform.adapt import adapt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

#: Images up to this side go into the components as they are. The eigenvalues of n×n pixels take time as n^6, so larger
#: ones are reduced, to the side of FER2013.
EXACT_SIDE, REDUCED_SIDE = 64, 48
#: Shares of the variance whose number of components is told.
SHARES = (0.9, 0.95)
#: Upper ends of the histograms in grey levels. Half of the pixels black and half white is the highest contrast, 127.5.
LIMITS = {"brightness": 256, "contrast": 128}
BINS = 32


@dataclass(frozen=True)
class Group:
    """The faces of one class, or of all, n at least 1.

    mean: float64 (H, W, C), 0..255. eigenfaces: float64 (k, h, w), each of length 1, of the grey images. shares: (k,)
    the part of the group's variance that each holds. brightness, contrast: (n,) mean and standard deviation of the grey
    pixels of each image, in grey levels.
    """

    name: str
    mean: Floats
    eigenfaces: Floats
    shares: Floats
    brightness: Floats
    contrast: Floats

    def __len__(self) -> int:
        return len(self.brightness)

    def histogram(self, measure: str) -> Counts:
        """Images (BINS,) by "brightness" or "contrast", in bins of equal width from 0 to the limit of `LIMITS`."""
        return np.histogram(getattr(self, measure), BINS, (0, LIMITS[measure]))[0]


@dataclass(frozen=True)
class Description:
    """What `describe` finds.

    groups: all faces first, then each class that has any. variances: (h·w,) along each principal component of all grey
    images, largest first. image_shape: (H, W, C). pca_shape: (h, w), the size of the images in the components.
    """

    groups: list[Group]
    variances: Floats
    image_shape: tuple[int, int, int]
    pca_shape: tuple[int, int]

    def results(self) -> dict[str, Any]:
        """Everything that is a number, JSON-able."""
        return {
            "n": len(self.groups[0]),
            "image_shape": list(self.image_shape),
            "pca_shape": list(self.pca_shape),
            "pixels": len(self.variances),
            "variance": float(self.variances.sum()),
            **{f"components_{100 * share:.0f}": pca.components_for(self.variances, share) for share in SHARES},
            "per_class": [_numbers(group) for group in self.groups],
            "notes": self.notes(),
        }

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Name -> rows of a CSV file: the components' variances, the histograms, and the numbers of each class."""
        shares = pca.cumulative(self.variances)
        variance = [
            {"component": i, "variance": float(value), "cumulative_share": float(share)}
            for i, (value, share) in enumerate(zip(self.variances, shares, strict=True), start=1)
        ]
        per_class = [_numbers(group) for group in self.groups]
        return {"variance": variance, "histograms": self._histogram_rows(), "per_class": per_class}

    def _histogram_rows(self) -> list[dict[str, Any]]:
        rows = []
        for measure, limit in LIMITS.items():
            counts = {group.name: group.histogram(measure) for group in self.groups}
            for i in range(BINS):
                edges = {"from": i * limit / BINS, "to": (i + 1) * limit / BINS}
                rows.append({"measure": measure, **edges, **{name: int(c[i]) for name, c in counts.items()}})
        return rows

    def notes(self) -> list[str]:
        """What was done to the images before the components were computed, if anything."""
        height, width, channels = self.image_shape
        notes = []
        if channels > 1:
            notes.append("components, brightness and contrast are those of the grey images")
        if self.pca_shape != (height, width):
            small = "×".join(map(str, self.pca_shape))
            notes.append(f"components and eigenfaces are those of the images reduced from {height}×{width} to {small}")
        return notes


def describe(
    blocks: Iterable[Pixels],
    labels: Pixels,
    class_names: Sequence[str],
    components: int = 10,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Description:
    """Describe N faces, at least one, in a single pass.

    blocks: uint8 (n, H, W, C) in the order of the rows. labels: (N,), index into `class_names`. components: how many
    eigenfaces a group has, where it has so many images. advance: is called with the number of images just read.
    Principal components are exact, from the covariance (Turk and Pentland, "Eigenfaces for recognition", 1991); memory
    is 8 (h·w)² bytes a class whatever N is.
    """
    stream = iter(blocks)
    first = next(stream)
    tally, start = _Tally(first.shape[1:], len(class_names)), 0
    for block in itertools.chain((first,), stream):
        tally.add(block, labels[start : start + len(block)])
        start += len(block)
        advance(len(block))
    everyone = pca.Moments.pooled(tally.moments).covariance()
    groups = [tally.group("all", None, everyone, components, seed)]
    for label, moments in enumerate(tally.moments):
        if tally.counts[label]:
            groups.append(tally.group(class_names[label], label, moments.covariance(), components, seed))
    return Description(groups, pca.variances(everyone), first.shape[1:], tally.pca_shape)


def sample_rows(labels: Pixels, count: int, seed: int) -> dict[int, npt.NDArray[np.intp]]:
    """At most `count` rows of each class that has any, drawn by `seed`, in ascending order."""
    found = {}
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        rng = np.random.default_rng((seed, int(label)))
        found[int(label)] = np.sort(rng.choice(rows, min(count, len(rows)), replace=False))
    return found


class _Tally:
    """Sums over the images seen so far, by class."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        height, width, _ = shape
        exact = max(height, width) <= EXACT_SIDE
        self.pca_shape = (height, width) if exact else (REDUCED_SIDE, REDUCED_SIDE)
        self.counts: Counts = np.zeros(classes, np.int64)
        self.moments = [pca.Moments(self.pca_shape[0] * self.pca_shape[1]) for _ in range(classes)]
        self._sums: Counts = np.zeros((classes, *shape), np.int64)
        self._labels: list[Pixels] = []
        self._light: list[Floats] = []

    def add(self, images: Pixels, labels: Pixels) -> None:
        grey = adapt(images, (*images.shape[1:3], 1))
        small = adapt(grey, (*self.pca_shape, 1)).reshape(len(images), -1)
        for label in np.unique(labels):
            chosen = labels == label
            self.counts[label] += chosen.sum()
            self._sums[label] += images[chosen].sum(0, dtype=np.int64)
            self.moments[label].add(small[chosen])
        self._labels.append(labels)
        self._light.append(np.array([cv2.meanStdDev(image) for image in grey]).reshape(-1, 2))

    def group(self, name: str, label: int | None, covariance: Floats, components: int, seed: int) -> Group:
        """The images of `label`, or all with None."""
        chosen = slice(None) if label is None else np.concatenate(self._labels) == label
        light = np.concatenate(self._light)[chosen]
        sums = self._sums.sum(0) if label is None else self._sums[label]
        # n images span n - 1 directions about their mean.
        values, vectors = pca.leading(covariance, min(components, len(light) - 1), seed)
        return Group(
            name=name,
            mean=sums / len(light),
            eigenfaces=vectors.reshape(-1, *self.pca_shape),
            shares=values / max(float(np.trace(covariance)), np.finfo(float).tiny),
            brightness=light[:, 0],
            contrast=light[:, 1],
        )


def _numbers(group: Group) -> dict[str, Any]:
    return {
        "class": group.name,
        "images": len(group),
        "brightness_mean": float(group.brightness.mean()),
        "brightness_sd": float(group.brightness.std()),
        "contrast_mean": float(group.contrast.mean()),
        "contrast_sd": float(group.contrast.std()),
        "eigenfaces": len(group.eigenfaces),
        "eigenfaces_share": float(group.shares.sum()),
    }
