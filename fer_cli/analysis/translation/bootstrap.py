"""Intervals of means over faces that come in groups: translations of one picture, pictures of one person."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.scores import RESAMPLES, Interval, interval


def mean_interval(
    values: npt.NDArray[np.generic], groups: npt.NDArray[np.integer], seed: int, resamples: int = RESAMPLES
) -> Interval:
    """A 95 % percentile bootstrap interval of the mean of `values` (any shape of M numbers), drawing whole groups.

    groups: (M,) codes, in the order of the values flattened. NaN values do not count.
    """
    flat = np.asarray(values, np.float64).ravel()
    known = ~np.isnan(flat)
    names, member_of = np.unique(groups[known], return_inverse=True)
    sums, counts = np.bincount(member_of, flat[known]), np.bincount(member_of)
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)
    return interval((drawn @ sums) / (drawn @ counts))
