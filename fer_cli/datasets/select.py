"""Choosing rows: at most so many a class, and a validation split out of the training rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError
from fer_cli.labels import SPLITS

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint8]

_TRAIN, _VAL = SPLITS.index("train"), SPLITS.index("val")


def limit_rows(labels: Codes, split: Codes, limit: int, seed: int) -> Mask:
    """A mask (N,) of at most `limit` rows of each class in each split, drawn at random; arguments are (N,)."""
    order = np.random.default_rng(seed).permutation(len(labels))
    cell = labels[order].astype(np.intp) * len(SPLITS) + split[order]
    # A stable sort by cell keeps the random order within it, so a row's rank is its distance to the cell's start.
    by_cell = np.argsort(cell, kind="stable")
    _, starts, counts = np.unique(cell[by_cell], return_index=True, return_counts=True)
    rank = np.arange(len(labels)) - np.repeat(starts, counts)
    keep = np.zeros(len(labels), np.bool_)
    keep[order[by_cell[rank < limit]]] = True
    return keep


def split_off_val(labels: Codes, split: Codes, groups: npt.NDArray[np.generic], fraction: float, seed: int) -> Codes:
    """Move about `fraction` of the training rows of each class to val; all arguments are (N,).

    groups: rows with the same value stay together (one person, one image). Groups come in random order, and one moves
    when that brings the class counts of val nearer to what is wanted; with groups of one row the fraction is met to
    the row. Returns the new splits. Raises `InputError` where no group may move, or none would be left.
    """
    train = np.flatnonzero(split == _TRAIN)
    names, members = np.unique(groups[train], return_inverse=True)
    table = np.zeros((len(names), int(labels.max()) + 1))
    np.add.at(table, (members, labels[train]), 1)
    moved = _nearest(table, np.rint(table.sum(0) * fraction), np.random.default_rng(seed))
    if not 0 < np.count_nonzero(moved) < len(names):
        raise InputError(
            f"--val-fraction {fraction}: {len(train)} training rows of {len(names)} persons or distinct images "
            "cannot be divided so"
        )
    out = split.copy()
    out[train[moved[members]]] = _VAL
    return out


def _nearest(table: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64], rng: np.random.Generator) -> Mask:
    """Which groups to take, so that their class counts (rows of `table`) sum to about `wanted`."""
    taken = np.zeros(len(table), np.bool_)
    missing = wanted.copy()
    for group in rng.permutation(len(table)):
        counts = table[group]
        # |missing - counts|² < |missing|²
        if counts @ counts < 2 * (missing @ counts):
            missing -= counts
            taken[group] = True
    return taken
