"""What a sweep says of models: accuracies and how they spread over repeats, differences, corruption errors.

All intervals are 95 % percentile bootstrap intervals over the rows, each row with all its repeats: noise is drawn for
each row by itself, so the spread over rows holds that over repeats as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.analysis import compare, scores

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]

#: Whiskers of a box end at the last repeat within so many times the height of the box (Tukey 1977).
_WHISKER = 1.5
#: Bootstrap of corruption errors, of which each resample weighs all rows.
_RESAMPLES = 1000


@dataclass(frozen=True)
class Spread:
    """Accuracies of repeats as in a box plot; outliers lie more than 1.5 heights of the box outside it."""

    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float
    outliers: list[float]


@dataclass(frozen=True)
class LevelScore:
    """A model at one level, on n rows drawn `repeats` times.

    accuracy: the mean over rows and repeats. accuracies: of each repeat.
    """

    model: str
    kind: str
    level: float
    n: int
    repeats: int
    accuracy: float
    accuracy_interval: Interval
    spread: Spread
    accuracies: list[float]


@dataclass(frozen=True)
class LevelPair:
    """A model against the first one at one level, on the same corrupted pixels.

    difference: of the accuracies over rows and repeats, with its interval. gained, lost, p_value: of the first repeat
    alone, in which each row counts once, as McNemar's test asks. p_holm: adjusted for the number of levels (Holm 1979).
    """

    model: str
    against: str
    kind: str
    level: float
    difference: float
    difference_interval: Interval
    gained: int
    lost: int
    p_value: float
    p_holm: float = 1.0


@dataclass(frozen=True)
class CorruptionErrors:
    """A model over all corruptions, after Hendrycks and Dietterich (ICLR 2019), section 4.2.

    error: mean error of each kind over its severities. ce: the same divided by the reference's (CE). relative: what a
    kind adds to the clean error, divided by what it adds to the reference's. None without a reference, or where that
    makes no error to divide by. mean_error, mce, relative_mce: their means over the kinds, and intervals.
    """

    model: str
    clean_error: float
    error: dict[str, float]
    ce: dict[str, float | None]
    relative: dict[str, float | None]
    mean_error: float
    mean_error_interval: Interval
    mce: float | None
    mce_interval: Interval | None
    relative_mce: float | None
    relative_mce_interval: Interval | None


def level_score(model: str, kind: str, level: float, right: Flags, seed: int) -> LevelScore:
    """The score of one level. right: (repeats, N), which predictions are right. seed: of the bootstrap."""
    accuracies = right.mean(1)
    return LevelScore(
        model=model,
        kind=kind,
        level=level,
        n=right.shape[1],
        repeats=len(right),
        accuracy=float(right.mean()),
        accuracy_interval=_over_rows(right.sum(0), len(right), seed),
        spread=spread(accuracies),
        accuracies=accuracies.tolist(),
    )


def spread(values: Floats) -> Spread:
    """Quartiles, ends and outliers of values (R,), R at least 1; quartiles are interpolated linearly."""
    low, median, high = np.percentile(values, (25, 50, 75))
    reach = _WHISKER * (high - low)
    outside = (values < low - reach) | (values > high + reach)
    least, most = float(values.min()), float(values.max())
    return Spread(least, float(low), float(median), float(high), most, sorted(values[outside].tolist()))


def level_pair(first: LevelScore, this: LevelScore, right_first: Flags, right: Flags, seed: int) -> LevelPair:
    """A model against the first at the level of both. right: (repeats, N) of each."""
    alone = compare.paired(right[0], right_first[0], seed)
    gains = right.sum(0, dtype=np.int64) - right_first.sum(0, dtype=np.int64)
    return LevelPair(
        model=this.model,
        against=first.model,
        kind=this.kind,
        level=this.level,
        difference=this.accuracy - first.accuracy,
        difference_interval=_over_rows(gains, len(right), seed),
        gained=alone.gained,
        lost=alone.lost,
        p_value=alone.p_value,
    )


def holm(values: Sequence[float]) -> list[float]:
    """Holm's adjustment of p-values that are looked at together ("A simple sequentially rejective ... procedure")."""
    p = np.asarray(values, float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return [float(value) for value in adjusted]


def corruption_errors(
    model: str, kinds: Sequence[str], errors: Floats, reference: Floats | None, seed: int
) -> CorruptionErrors:
    """A model's corruption errors, K kinds.

    errors: (N, 1 + K), of each row the error (share of repeats and severities that are wrong) on the clean image, then
    of each kind. reference: the same of the reference model, on the same rows.
    """
    both = errors if reference is None else np.concatenate([errors, reference], 1)
    means, drawn = both.mean(0), _resampled_means(both, seed)
    found = {name: _normalised(values, len(kinds)) for name, values in (("all", means), ("drawn", drawn))}
    (ce, relative), (drawn_ce, drawn_relative) = found["all"], found["drawn"]
    return CorruptionErrors(
        model=model,
        clean_error=float(means[0]),
        error=dict(zip(kinds, means[1 : 1 + len(kinds)].tolist(), strict=True)),
        ce={kind: _defined(value) for kind, value in zip(kinds, ce, strict=True)},
        relative={kind: _defined(value) for kind, value in zip(kinds, relative, strict=True)},
        mean_error=float(means[1 : 1 + len(kinds)].mean()),
        mean_error_interval=scores.interval(drawn[:, 1 : 1 + len(kinds)].mean(1)),
        mce=_defined(ce.mean()),
        mce_interval=_defined_interval(drawn_ce.mean(1)),
        relative_mce=_defined(relative.mean()),
        relative_mce_interval=_defined_interval(drawn_relative.mean(1)),
    )


def _normalised(means: Floats, kinds: int) -> tuple[Floats, Floats]:
    """CE and relative CE (..., K) from mean errors (..., 1 + K), or twice that with a reference's; NaN: undefined."""
    own = means[..., : 1 + kinds]
    other = means[..., 1 + kinds :] if means.shape[-1] > 1 + kinds else np.full_like(own, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        ce = own[..., 1:] / np.where(other[..., 1:] > 0, other[..., 1:], np.nan)
        added = other[..., 1:] - other[..., :1]
        relative = (own[..., 1:] - own[..., :1]) / np.where(added > 0, added, np.nan)
    return ce, relative


def _over_rows(hits: npt.NDArray[np.integer], repeats: int, seed: int) -> Interval:
    """Interval of the mean of whole numbers (N,), one a row, divided by `repeats`."""
    values, counts = np.unique(hits, return_counts=True)
    drawn = scores.resample(counts, seed)
    return scores.interval(drawn @ values / (len(hits) * repeats))


def _resampled_means(values: Floats, seed: int) -> Floats:
    """Means (resamples, D) of rows drawn with replacement from (N, D)."""
    rng, n = np.random.default_rng(seed), len(values)
    weights = (np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(_RESAMPLES))
    return np.stack([weight @ values / n for weight in weights])


def _defined(value: float) -> float | None:
    # Rounded, since a difference of equal means may end on either side of 0; adding 0 takes the sign off.
    return round(float(value), 12) + 0.0 if np.isfinite(value) else None


def _defined_interval(values: Floats) -> Interval | None:
    return scores.interval(values) if np.isfinite(values).all() else None
