"""Which rows a search for parameters fits on and scores: a part of the train rows, in folds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.datasets.splits import assign_folds
from fer_cli.errors import UsageError

Labels = npt.NDArray[np.integer]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Folds:
    """Cross-validation folds of M rows.

    rows: (M,) index into all rows, ascending. fold: (M,) from 0. count: of folds. grouped_by: what never is in two
    folds, "subject" or "identical image".
    """

    rows: Rows
    fold: Rows
    count: int
    grouped_by: str

    def held_out(self, number: int) -> Rows:
        """The rows that fold `number` scores."""
        rows: Rows = self.rows[self.fold == number]
        return rows

    def fitted(self, number: int) -> Rows:
        """The rows that are fitted on when fold `number` scores."""
        rows: Rows = self.rows[self.fold != number]
        return rows


def make_folds(
    labels: Labels, groups: npt.NDArray[np.generic], grouped_by: str, count: int, subsample: int | None, seed: int
) -> Folds:
    """Folds of about equal size and class shares; rows of a group share theirs. labels, groups: (N,).

    subsample: use so many rows, in which the classes keep their shares; None for all. Raises `InputError` for fewer
    groups than folds, `UsageError` for a subsample smaller than that.
    """
    rows = np.arange(len(labels)) if subsample is None else stratified(labels, subsample, seed)
    if len(rows) < 2 * count:
        raise UsageError(f"--subsample: expected at least {2 * count} rows for {count} folds. Received: {len(rows)}")
    return Folds(rows, assign_folds(labels[rows].astype(np.uint8), groups[rows], count, seed), count, grouped_by)


def stratified(labels: Labels, count: int, seed: int) -> Rows:
    """Ascending indices of at most `count` rows in which each class has about its share of `labels` (N,)."""
    order = np.random.default_rng(seed).permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = order[labels[order] == label]
        # Where a row stands among those of its class: the first part of all classes together is stratified.
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.sort(order[np.argsort(place[order], kind="stable")][:count])
