"""Means over rows with their 95 % bootstrap interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.analysis import scores

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Mean:
    """The mean of n values, one a row, and the percentile bootstrap interval of it over the rows."""

    n: int
    mean: float
    interval: tuple[float, float]


def mean(values: Floats, seed: int) -> Mean:
    """The mean of values (N,), N at least 1, all finite; seed: of the bootstrap."""
    drawn = np.random.default_rng(seed).integers(0, len(values), (scores.RESAMPLES, len(values)))
    return Mean(len(values), float(values.mean()), scores.interval(values[drawn].mean(1)))
