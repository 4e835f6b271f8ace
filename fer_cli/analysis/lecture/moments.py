"""The moments of a lecture that stand out: most distraction, most confusion, most joy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.lecture.timeline import interval_over_viewers, over_viewers, timeline
from fer_cli.analysis.lecture.viewer import Viewer

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

#: The measures that moments are told of, in this order.
KINDS = ("distraction", "confusion", "joy")
#: A moment is told where at least this share of the viewers is known who are known where most are.
_PRESENT = 0.5
#: A moment is clear below this p. Lectures that are drawn to find it.
_CLEAR, _LECTURES = 0.05, 499
#: So much above what is usual a moment is at least; less is the rounding of equal values.
_ABOVE = 1e-6


@dataclass(frozen=True)
class Moment:
    """A piece of the lecture in which a measure is high.

    start, end: seconds. value: mean over viewers, 0..1, with its 95 % interval over viewers, None for one viewer.
    usual: the mean of the measure over the lecture. p: how often viewers who have nothing in common have as high a
    highest piece, see `by_chance`; None for one viewer. Of many pieces the highest is high by chance too, so only a
    clear moment is a finding.
    """

    kind: str
    start: float
    end: float
    value: float
    interval: tuple[float, float] | None
    usual: float
    viewers: int
    p: float | None

    @property
    def clear(self) -> bool:
        """Whether p is below 0.05."""
        return self.p is not None and self.p < _CLEAR


def moments(
    viewers: Sequence[Viewer], class_names: Sequence[str], step: float, window: float, most: int, seed: int
) -> list[Moment]:
    """For each of `KINDS` at most `most` pieces of `window` seconds, the highest first.

    They do not overlap, begin at multiples of `step`, and all lie above what is usual in the lecture.
    """
    pieces = timeline(viewers, class_names, step, window)
    apart, found = round(window / step), list[Moment]()
    for kind in KINDS:
        values = pieces.measure(kind)
        means, counts = over_viewers(values)
        if not counts.any():
            continue
        usual = float(np.nanmean(means))
        places = _highest(np.where(_enough(counts) & (means > usual + _ABOVE), means, -np.inf), apart, most)
        for place, p in zip(places, _ps(values, places, apart, seed), strict=True):
            low, high = (float(end[0]) for end in interval_over_viewers(values[:, [place]], seed))
            start, interval = float(pieces.starts[place]), None if np.isnan(low) else (low, high)
            found.append(
                Moment(kind, start, start + window, float(means[place]), interval, usual, int(counts[place]), p)
            )
    return found


def _ps(values: Floats, places: Sequence[int], apart: int, seed: int) -> list[float | None]:
    """The p of the moments at `places`, the highest first, of a measure (V, B).

    Once a moment is clear it is taken out before the next is judged, lest viewers who were all away once make every
    other moment look like chance (Holm's step-down, of Westfall and Young's maxima); no p is lower than the one before.
    """
    if len(values) < 2:
        return [None] * len(places)
    left, found = values.copy(), list[float | None]()
    p, chance = 0.0, np.empty(0)
    for number, place in enumerate(places):
        if p < _CLEAR:
            for done in places[:number]:
                left[:, max(0, done - apart + 1) : done + apart] = np.nan
            chance = by_chance(left, seed)
        # The lecture as it was is one of the possible ones.
        higher = int((chance >= np.nanmean(values[:, place]) - _ABOVE).sum())
        p = max(p, (1 + higher) / (1 + len(chance)))
        found.append(p)
    return found


def by_chance(values: Floats, seed: int) -> Floats:
    """The highest mean over viewers of lectures that never were, (D,), from a measure (V, B) by viewer and piece.

    In each the viewers' times are rotated against each other, each by a random part of the lecture. So everyone stays
    as restless as they are, for as long at a time, and only what they have in common is lost.
    """
    rng, (viewers, pieces) = np.random.default_rng(seed), values.shape
    found = np.empty(_LECTURES)
    for draw in range(_LECTURES):
        places = (np.arange(pieces) + rng.integers(pieces, size=(viewers, 1))) % pieces
        means, counts = over_viewers(np.take_along_axis(values, places, axis=1))
        found[draw] = means[_enough(counts)].max(initial=-np.inf)
    return found


def _enough(counts: Counts) -> npt.NDArray[np.bool_]:
    """The pieces (B,) in which enough viewers are known."""
    return counts >= max(1.0, _PRESENT * float(counts.max()))


def _highest(values: Floats, apart: int, most: int) -> list[int]:
    """Places of at most `most` values, the highest first, none nearer than `apart` to another; -inf is never one."""
    left, found = values.copy(), list[int]()
    while len(found) < most and left.max() > -np.inf:
        best = int(left.argmax())
        found.append(best)
        left[max(0, best - apart + 1) : best + apart] = -np.inf
    return found
