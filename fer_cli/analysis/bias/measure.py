"""How much the scores of a classifier differ between groups, and whether chance alone would do that."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fer_cli.analysis import scores
from fer_cli.analysis.bias.groups import NONE, Grouping
from fer_cli.analysis.bias.rates import Flags, Floats, Rates, divide, extremes, rates_of, spread
from fer_cli.analysis.bias.resampling import Sample, holm, p_value, persons_to_draw
from fer_cli.analysis.bias.scores import Cell, Gap, GroupBias, GroupScores, Interval, Odds, Share
from fer_cli.errors import InputError

#: Half the width of the 95 % interval beyond which a share says nothing: it could not tell 0.3 from 0.7.
HALF_WIDTH = 0.2
#: So many rows keep a share of 0.5, the worst case, within it: 1.96² × 0.5 × 0.5 / 0.2².
MIN_ROWS = math.ceil(1.96**2 * 0.25 / HALF_WIDTH**2)
#: Fewer persons in a group than this say too little of all others for an interval to be trusted.
MIN_PERSONS = 10

RATES = ("true-positive rate", "false-positive rate")

Codes = npt.NDArray[np.integer]


def measure(
    groupings: Sequence[Grouping],
    labels: Codes,
    predictions: Codes,
    class_names: Sequence[str],
    persons: Sequence[str] | None = None,
    min_rows: int = MIN_ROWS,
    seed: int = 0,
) -> list[GroupBias]:
    """The differences between the groups of each grouping of the N rows.

    labels, predictions: (N,) index into `class_names`. persons: N names where they are known. min_rows: groups and
    cells of fewer rows take no part in gaps. seed: of the draws. Raises `InputError` for a grouping without two groups
    of so many rows.
    """
    found = [
        _measure_one(grouping, labels, predictions, class_names, persons, min_rows, seed) for grouping in groupings
    ]
    raised = holm([bias.accuracy.p_value for bias in found])
    return [
        dataclasses.replace(bias, accuracy=dataclasses.replace(bias.accuracy, p_holm=p))
        for bias, p in zip(found, raised, strict=True)
    ]


def _measure_one(
    grouping: Grouping,
    labels: Codes,
    predictions: Codes,
    class_names: Sequence[str],
    persons: Sequence[str] | None,
    min_rows: int,
    seed: int,
) -> GroupBias:
    rows = np.flatnonzero(grouping.codes != NONE)
    groups = grouping.codes[rows]
    drawn = persons_to_draw(None if persons is None else [persons[int(row)] for row in rows], groups)
    sample = Sample(groups, labels[rows], predictions[rows], len(grouping.names), len(class_names), drawn)
    measured = _Measured(grouping, class_names, sample, min_rows, seed)
    return GroupBias(
        by=grouping.by,
        n=len(rows),
        drawn="rows" if drawn is None else "persons",
        groups=measured.group_scores(),
        cells=measured.cells(),
        accuracy=measured.accuracy_gap(),
        recall=measured.recall_gaps(),
        equalised_odds=measured.odds(),
        warnings=measured.warnings(),
        notes=list(grouping.notes),
    )


class _Measured:
    """Rates of a sample as observed, resampled and exchanged, and the gaps between its groups."""

    def __init__(
        self, grouping: Grouping, class_names: Sequence[str], sample: Sample, min_rows: int, seed: int
    ) -> None:
        self._names, self._classes, self._min_rows = grouping.names, tuple(class_names), min_rows
        counts = sample.counts()
        #: Rows of each group and class, and of each group and all other classes: (G, K).
        self._given = counts.sum(-1).astype(np.int64)
        self._others = self._given.sum(-1, keepdims=True) - self._given
        #: Which groups (G,) and which cells (G, K) take part in gaps.
        self._group_counts: Flags = self._given.sum(-1) >= min_rows
        self._cell_counts: Flags = (self._given >= min_rows) & self._group_counts[:, None]
        if np.count_nonzero(self._group_counts) < 2:
            sizes = ", ".join(f"{name} {n:,}" for name, n in zip(self._names, self._given.sum(-1), strict=True))
            raise InputError(f"{grouping.by}: expected two groups with at least {min_rows} rows. Received: {sizes}")
        self._rates = rates_of(counts)
        self._resampled, self._exchanged = rates_of(sample.bootstrap(seed)), rates_of(sample.exchanged(seed))
        self._persons = (
            None
            if sample.persons is None
            else [len(np.unique(sample.persons[sample.groups == group])) for group in range(len(self._names))]
        )

    def group_scores(self) -> list[GroupScores]:
        rates, resampled, sizes = self._rates, self._resampled, self._given.sum(-1)
        return [
            GroupScores(
                name,
                None if self._persons is None else self._persons[g],
                bool(self._group_counts[g]),
                _share(sizes[g], rates.accuracy[g], resampled.accuracy[:, g]),
                _share(sizes[g], rates.balanced[g], resampled.balanced[:, g]),
            )
            for g, name in enumerate(self._names)
        ]

    def cells(self) -> list[Cell]:
        rates, resampled = self._rates, self._resampled
        return [
            Cell(
                class_name,
                group,
                bool(self._cell_counts[g, k]),
                _share(self._given[g, k], rates.recall[g, k], resampled.recall[:, g, k]),
                _share(self._others[g, k], rates.false_positive[g, k], resampled.false_positive[:, g, k]),
            )
            for k, class_name in enumerate(self._classes)
            for g, group in enumerate(self._names)
        ]

    def accuracy_gap(self) -> Gap:
        rates = (self._rates.accuracy, self._resampled.accuracy, self._exchanged.accuracy)
        return self._gap(*rates, self._group_counts)

    def recall_gaps(self) -> dict[str, Gap]:
        found = {
            name: self._gap(
                self._rates.recall[:, k],
                self._resampled.recall[..., k],
                self._exchanged.recall[..., k],
                self._cell_counts[:, k],
            )
            for k, name in enumerate(self._classes)
            if np.count_nonzero(self._cell_counts[:, k]) >= 2
        }
        raised = holm([gap.p_value for gap in found.values()])
        return {name: dataclasses.replace(gap, p_holm=p) for (name, gap), p in zip(found.items(), raised, strict=True)}

    def odds(self) -> Odds | None:
        """None where no class has two cells that count."""
        if not (self._cell_counts.sum(0) >= 2).any():
            return None
        others_count = (self._others >= self._min_rows) & self._group_counts[:, None]
        valid = np.stack((self._cell_counts, others_count))

        def shares(rates: Rates) -> Floats:
            """True- and false-positive rates (..., 2, G, K)."""
            return np.stack((rates.recall, rates.false_positive), -3)

        observed, resampled = shares(self._rates), shares(self._resampled)
        gaps, chance = spread(observed, valid, -2), spread(shares(self._exchanged), valid, -2).max((-2, -1))
        rate, label = divmod(int(gaps.argmax()), len(self._classes))
        low, high = extremes(observed[rate, :, label], valid[rate, :, label])
        difference = resampled[:, rate, high, label] - resampled[:, rate, low, label]
        return Odds(
            gap=float(gaps.max()),
            gap_interval=_interval(difference),
            class_name=self._classes[label],
            rate=RATES[rate],
            lowest=self._names[low],
            highest=self._names[high],
            by_chance=float(chance.mean()),
            p_value=p_value(float(gaps.max()), chance),
        )

    def warnings(self) -> list[str]:
        """What is too small to say anything, a line each."""
        lines = []
        if small := [name for name, counts in zip(self._names, self._group_counts, strict=True) if not counts]:
            lines.append(f"groups of fewer than {self._min_rows} rows are left out of the gaps: {', '.join(small)}")
        cells = int(np.count_nonzero(~self._cell_counts))
        if cells:
            half = 1.96 * math.sqrt(0.25 / self._min_rows)
            lines.append(
                f"{cells} of {self._given.size} cells (class × group) are left out of the gaps: in fewer than "
                f"{self._min_rows} rows a recall of 0.5 is uncertain by ±{half:.2f} or more (95 %)"
            )
        if self._persons is not None and (
            few := [f"{name} ({n})" for name, n in zip(self._names, self._persons, strict=True) if n < MIN_PERSONS]
        ):
            lines.append(f"groups of fewer than {MIN_PERSONS} persons stand for few others: {', '.join(few)}")
        return lines

    def _gap(self, observed: Floats, resampled: Floats, exchanged: Floats, valid: Flags) -> Gap:
        """Of observed (G,); resampled, exchanged (B, G); valid (G,), at least two."""
        low, high = extremes(observed, valid)
        gap, chance = float(observed[high] - observed[low]), spread(exchanged, valid)
        p = p_value(gap, chance)
        return Gap(
            gap=gap,
            gap_interval=_interval(resampled[:, high] - resampled[:, low]),
            ratio=float(observed[low] / observed[high]) if observed[high] else None,
            ratio_interval=_interval(divide(resampled[:, low], resampled[:, high])),
            lowest=self._names[low],
            highest=self._names[high],
            by_chance=float(chance.mean()),
            p_value=p,
            p_holm=p,
        )


def _share(n: np.int64, value: np.float64, resampled: Floats) -> Share:
    return Share(int(n), None if np.isnan(value) else float(value), _interval(resampled) if n else None)


def _interval(resampled: Floats) -> Interval | None:
    """The interval of the resamples in which the share exists."""
    there = resampled[np.isfinite(resampled)]
    return scores.interval(there) if len(there) else None
