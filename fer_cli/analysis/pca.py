"""Principal components of images, exact and in memory that does not grow with their number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse.linalg import eigsh

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

#: Pixels less 128 lie within ±2^7, so products of so many rows sum to 2^24 at most, and to there float32 is exact.
_CHUNK = 1024
_MIDDLE = 128
#: Differences of this size, as parts of the whole variance, are rounding.
_ROUNDING = 1e-9


class Moments:
    """Number, sum and products of rows of D bytes, added block by block.

    All sums are integers and exact: products of a thousand rows in float32, which is twice as fast, and the sums of
    those in float64. Holds 8 D² bytes however many rows are added.
    """

    def __init__(self, size: int) -> None:
        self.count = 0
        self._sums: Floats = np.zeros(size)
        self._products: Floats = np.zeros((size, size))
        self._pending: Pixels = np.empty((0, size), np.uint8)

    def add(self, rows: Pixels) -> None:
        """Take in uint8 (n, D)."""
        pending = np.concatenate([self._pending, rows])
        full = len(pending) // _CHUNK * _CHUNK
        for start in range(0, full, _CHUNK):
            self._accumulate(pending[start : start + _CHUNK])
        self._pending = pending[full:].copy()

    def covariance(self) -> Floats:
        """The covariance float64 (D, D) of all rows so far, at least one (divided by their number, not one less)."""
        self._flush()
        mean = self._sums / self.count
        covariance: Floats = self._products / self.count
        covariance -= np.outer(mean, mean)
        return covariance

    def _flush(self) -> None:
        # A product of no rows would still walk through the whole matrix.
        if len(self._pending):
            self._accumulate(self._pending)
            self._pending = self._pending[:0]

    def _accumulate(self, rows: Pixels) -> None:
        values = rows.astype(np.float32) - _MIDDLE
        self.count += len(values)
        self._sums += values.sum(0)
        self._products += values.T @ values

    @classmethod
    def pooled(cls, parts: Sequence[Moments]) -> Moments:
        """The moments of the rows of all parts, at least one, together."""
        total = cls(len(parts[0]._sums))
        for part in parts:
            part._flush()
            total.count += part.count
            total._sums += part._sums
            total._products += part._products
        return total


def variances(covariance: Floats) -> Floats:
    """The variance float64 (D,) along each principal component, the largest first."""
    ascending: Floats = np.linalg.eigvalsh(covariance).astype(np.float64)
    return ascending[::-1].clip(min=0)


def leading(covariance: Floats, count: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Variances (k,) and directions (k, D) of the first components, the largest variance first.

    k is `count`, or less where there are fewer directions of any variance; one below D at most. Directions have length
    1, and the sign that makes their largest entry positive. seed: of the vector that Lanczos' method starts with.
    """
    size, total = len(covariance), float(np.trace(covariance))
    count = min(count, size - 1)
    if count < 1 or total <= 0:
        return np.empty(0), np.empty((0, size))
    start = np.random.default_rng(seed).standard_normal(size)
    values, vectors = eigsh(covariance, k=count, v0=start)
    order = [i for i in np.argsort(-values) if values[i] > _ROUNDING * total]
    directions = vectors.T[order]
    extremes = np.take_along_axis(directions, np.abs(directions).argmax(1)[:, None], axis=1)
    return values[order], directions * np.sign(extremes)


def cumulative(found: Floats) -> Floats:
    """The share 0..1 of the whole variance that the first 1, 2, … components hold; all 1 where nothing varies."""
    total = found.sum()
    return np.cumsum(found) / total if total > 0 else np.ones_like(found)


def components_for(found: Floats, share: float) -> int:
    """How many components hold at least `share` (0..1) of the variance. found: as `variances` gives them."""
    if not found.sum() > 0:
        return 0
    return int(np.searchsorted(cumulative(found), share - _ROUNDING)) + 1
