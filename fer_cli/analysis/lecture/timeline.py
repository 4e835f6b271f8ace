"""Viewers on one time axis: what each shows in each piece of the lecture, and the mean over all, every voice alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.lecture import measures
from fer_cli.analysis.lecture.viewer import Viewer
from fer_cli.labels import ATTENTION

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

#: Resamplings of the viewers behind an interval.
_RESAMPLES = 1000
#: A viewer has a voice in a piece of which so much is known, as a share of its length.
_ENOUGH = 0.25


@dataclass(frozen=True)
class Timeline:
    """Viewers in B pieces of equal length from the lecture's start.

    starts: (B,) seconds, and the length of each piece. states: (V, B, 4) the share of each of `labels.ATTENTION` in
    what is known of a viewer and a piece. probabilities: (V, B, K) of the emotions while there is a face. NaN where too
    little is known.
    """

    class_names: tuple[str, ...]
    starts: Floats
    length: float
    states: Floats
    probabilities: Floats

    def measure(self, name: str) -> Floats:
        """(V, B) of a state, a class, or `distraction`, `valence`, `joy`, `confusion`."""
        if name in ATTENTION:
            return self.states[:, :, ATTENTION.index(name)]
        if name == "distraction":
            return 1.0 - self.states[:, :, 0]
        if name in self.class_names:
            return self.probabilities[:, :, self.class_names.index(name)]
        weights = {"valence": measures.VALENCE, "joy": measures.JOY, "confusion": measures.CONFUSION}[name]
        return measures.mix(self.probabilities, self.class_names, weights)


def timeline(
    viewers: Sequence[Viewer], class_names: Sequence[str], step: float, window: float | None = None
) -> Timeline:
    """Cut the lecture into pieces of `step` seconds; the last one ends with or after the last row.

    window: a multiple of `step`; each piece is then that long and they overlap, one beginning every `step` seconds.
    Rows count by the time for which they stand, so logs of any rate weigh alike.
    """
    end = max(viewer.end for viewer in viewers)
    long = step if window is None else window
    count = max(1, int(np.ceil((end - long) / step - 1e-9)) + 1)
    starts = np.arange(count, dtype=np.float64) * step
    states = np.stack([_averages(v, v.states, starts, long) for v in viewers])
    emotions = np.stack([_averages(v, v.probabilities, starts, long) for v in viewers])
    return Timeline(tuple(class_names), starts, long, states, emotions)


def _averages(viewer: Viewer, values: Floats, starts: Floats, length: float) -> Floats:
    """Means (B, M) of piecewise constant values (N, M) over the pieces, NaN where less than `_ENOUGH` is known."""
    known = ~np.isnan(values[:, 0])
    weights = np.where(known, viewer.lasting, 0.0)
    knots = np.column_stack([viewer.seconds, viewer.seconds + viewer.lasting]).ravel()
    found = _integral(weights, knots, starts, length)
    sums = [_integral(weights * np.nan_to_num(column), knots, starts, length) for column in values.T]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.array(sums).T / found[:, None]
    means[found < _ENOUGH * length] = np.nan
    return means


def _integral(amounts: Floats, knots: Floats, starts: Floats, length: float) -> Floats:
    """What falls into each piece of amounts (N,), each spread evenly from one knot to the next, with gaps between."""
    so_far = np.cumsum(amounts)
    level = np.column_stack([so_far - amounts, so_far]).ravel()
    return np.interp(starts + length, knots, level) - np.interp(starts, knots, level)


def over_viewers(values: Floats) -> tuple[Floats, Counts]:
    """The mean of (V, B) over viewers, NaN left out, as (B,), NaN where there is nobody; and how many there are."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0), counts


def interval_over_viewers(values: Floats, seed: int) -> tuple[Floats, Floats]:
    """Ends (B,) of the 95 % interval of the mean of (V, B), NaN for fewer than two viewers: a bootstrap of the viewers.

    It tells what to expect of a lecture before other viewers of the same kind.
    """
    low, high = np.full((2, values.shape[1]), np.nan)
    patterns, of_piece = np.unique(~np.isnan(values), axis=1, return_inverse=True)
    for number, known in enumerate(patterns.T):
        here = int(known.sum())
        if here > 1:
            pieces = np.flatnonzero(of_piece.ravel() == number)
            draws = np.random.default_rng(seed).multinomial(here, np.full(here, 1 / here), _RESAMPLES)
            resampled = draws @ values[np.ix_(known, pieces)] / here
            low[pieces], high[pieces] = np.percentile(resampled, (2.5, 97.5), axis=0)
    return low, high
