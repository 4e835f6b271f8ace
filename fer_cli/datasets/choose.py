"""Which rows of the sources are written, and in which split: duplicates, splits, limits, folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.datasets import audit, nearby, select, splits
from fer_cli.datasets.combine import ORIGIN
from fer_cli.datasets.thin import Thinning, thinned_rows
from fer_cli.errors import InputError
from fer_cli.labels import SPLITS
from fer_cli.records import Records

Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Selection:
    """Which rows of a source are written, and in which split.

    limit: at most so many rows a class and split, drawn at random. drop_duplicates: "exact", "near" or None, and keep:
    "test" or "train", the rows that stay; see `audit.surplus_rows`. near: the Hamming distance up to which images are
    near. val_fraction: where there is no val split, the part of train that becomes one; see `select.split_off_val`.
    folds: number the rows' folds. allow_leaks: let one picture stand in two splits, in each from another source.
    thin: groups of the train rows of which only a part is written; see `thin.thinned_rows`.
    """

    limit: int | None = None
    drop_duplicates: str | None = None
    keep: str = "test"
    near: int = nearby.DISTANCE
    val_fraction: float | None = None
    folds: int | None = None
    allow_leaks: bool = False
    thin: tuple[Thinning, ...] = ()


@dataclass(frozen=True)
class Prints:
    """What stands for the pixels of each image: digests and perceptual hashes, uint64 (N,) each."""

    digest: audit.Digests
    hashes: nearby.Hashes


@dataclass(frozen=True)
class Choice:
    """What is written of N rows.

    keep: mask (N,). split: uint8 (N,), new. fold: uint8 (N,) from 0, or None; it counts only where `keep`.
    dropped: reason -> rows. notes: for the user. leaks: what a score on these splits may owe to leaks.
    """

    keep: npt.NDArray[np.bool_]
    split: Codes
    fold: Codes | None
    dropped: dict[str, int]
    notes: list[str]
    leaks: list[str]


def choose(
    columns: Records,
    prints: Prints,
    plan: splits.SplitPlan,
    selection: Selection,
    seed: int,
    known: list[str],
    names: Mapping[str, Sequence[str]],
) -> Choice:
    """Choose among the rows of `columns`.

    known: what is known to leak from the original splits. names: of the codes of coded attributes. Duplicates go
    first, so that they count towards no split, fold or limit. Raises `InputError` where the rows cannot be divided or
    thinned as asked, or a picture would be in two splits.
    """
    chooser = _Chooser(columns, prints, seed, plan)
    chooser.drop_duplicates(selection)
    chooser.divide()
    chooser.make_val(selection.val_fraction)
    chooser.thin(selection.thin, names)
    chooser.limit(selection.limit)
    chooser.check_leaks(selection.allow_leaks, known)
    fold = None if selection.folds is None else chooser.folds(selection.folds)
    keep = np.isin(np.arange(len(columns)), chooser.rows)
    return Choice(keep, chooser.split, fold, chooser.dropped, chooser.notes, chooser.leaks)


class _Chooser:
    """rows: those left so far, ascending. split: (N,) of all rows."""

    def __init__(self, columns: Records, prints: Prints, seed: int, plan: splits.SplitPlan) -> None:
        self._columns, self._prints, self._seed, self._plan = columns, prints, seed, plan
        self._subject = None if columns.subject is None else np.array(columns.subject)
        self.rows, self.split = np.arange(len(columns)), columns.split.copy()
        self.dropped: dict[str, int] = {}
        self.notes: list[str] = []
        self.leaks: list[str] = []

    def drop_duplicates(self, selection: Selection) -> None:
        if selection.drop_duplicates is None:
            return
        near = selection.drop_duplicates == "near"
        same = nearby.find_near(self._prints.hashes, selection.near).groups if near else self._prints.digest
        # Splits that are about to be made anew are no reason to prefer a row.
        split = self.split if self._plan.method == "original" else np.zeros_like(self.split)
        self._keep(~audit.surplus_rows(same, split, selection.keep), "duplicates")

    def divide(self) -> None:
        if self._plan.method != "original":
            fold = self._folds(self._plan.method, self._plan.folds)
            self.split[self.rows] = splits.split_by_fold(fold, self._plan)

    def make_val(self, fraction: float | None) -> None:
        has_val = bool((self.split == SPLITS.index("val")).any())
        if has_val:
            if fraction is not None:
                self.notes.append("there is a val split already: --val-fraction is not used")
        elif fraction is None:
            self.notes.append("there is no val split; --val-fraction 0.1 makes one of a part of train")
        else:
            groups = self._prints.digest if self._subject is None else self._subject
            labels, split = self._columns.labels[self.rows], self.split[self.rows]
            self.split[self.rows] = select.split_off_val(labels, split, groups[self.rows], fraction, self._seed)

    def thin(self, thinnings: Sequence[Thinning], names: Mapping[str, Sequence[str]]) -> None:
        for place, thinning in enumerate(thinnings):
            # Each draws by itself: two groups may overlap.
            kept = thinned_rows(self._columns, self.split, names, thinning, self._seed + place)
            self._keep(kept[self.rows], f"--thin {thinning}")

    def limit(self, limit: int | None) -> None:
        if limit is not None:
            kept = select.limit_rows(self._columns.labels[self.rows], self.split[self.rows], limit, self._seed)
            self._keep(kept, "limit")

    def check_leaks(self, allowed: bool, known: list[str]) -> None:
        """What came with the original splits stays; what the sources do to each other is refused unless allowed."""
        subject = None if self._subject is None else self._subject[self.rows]
        original = self._plan.method == "original"
        self.leaks = (known if original else []) or splits.leaks(self._plan, self.split[self.rows], subject)
        origin = self._columns.attributes.get(ORIGIN)
        if origin is None:
            return
        digest, split = self._prints.digest[self.rows], self.split[self.rows]
        leaking = _in_two(digest, split) & _in_two(digest, origin[self.rows])
        if not leaking.any():
            return
        rows = self.rows[leaking]
        same = rows[digest[leaking] == self._prints.digest[rows[0]]]
        # Of all rows with this picture, the first and one that is in another split.
        pair = (same[0], same[self.split[same] != self.split[same[0]]][-1])
        where = " and ".join(f"{self._columns.source[row]} ({SPLITS[self.split[row]]})" for row in pair)
        count = len(np.unique(digest[leaking]))
        if not allowed:
            raise InputError(
                f"{count} pictures would stand in two splits, each from another source, the first of them: {where}; "
                "--drop-duplicates exact leaves one, --allow-leaks takes all"
            )
        self.leaks = [*self.leaks, f"{count} pictures of one source are in another split of another source"]

    def folds(self, folds: int) -> Codes:
        method = "random" if self._plan.method == "random" or self._subject is None else "subject"
        fold = np.zeros(len(self._columns), np.uint8)
        fold[self.rows] = self._folds(method, folds)
        if method == "random":
            self.notes.append("the folds are by image: nothing keeps a person in one fold")
        return fold

    def _folds(self, method: str, folds: int) -> npt.NDArray[np.intp]:
        groups = splits.groups_of(method, self._subject, self._prints.digest)
        return splits.assign_folds(self._columns.labels[self.rows], groups[self.rows], folds, self._seed)

    def _keep(self, kept: npt.NDArray[np.bool_], reason: str) -> None:
        self.dropped[reason] = int(np.count_nonzero(~kept))
        self.rows = self.rows[kept]


def _in_two(digest: audit.Digests, codes: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether the image of each row stands under more than one code; arguments are (N,)."""
    pairs = np.unique(np.column_stack((digest, codes.astype(np.uint64))), axis=0)
    images, counts = np.unique(pairs[:, 0], return_counts=True)
    return np.isin(digest, images[counts > 1])
