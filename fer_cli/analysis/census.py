"""How many rows, persons and attribute values a data set has, split by split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8]


def class_counts(
    table: npt.NDArray[np.int64], class_names: Sequence[str], split_names: Sequence[str]
) -> list[dict[str, Any]]:
    """A dictionary a class: its name, its rows in each split, and in all. table: (classes, splits)."""
    return [{"class": name, **_by_split(counts, split_names)} for name, counts in zip(class_names, table, strict=True)]


def subject_counts(subjects: Sequence[str], splits: Codes, split_names: Sequence[str]) -> list[dict[str, Any]]:
    """Persons, images, and images a person, a dictionary for each split that has rows and one for all.

    shared: how many of the persons are in another split, too; of all, how many are in more than one.
    subjects, splits: the N rows, the latter as index into `split_names`.
    """
    names, persons = np.unique(np.asarray(subjects), return_inverse=True)
    table = np.zeros((len(names), len(split_names)), np.int64)
    np.add.at(table, (persons, splits), 1)
    shared = (table > 0).sum(1) > 1
    columns = {name: table[:, i] for i, name in enumerate(split_names)}
    rows = [_subjects(name, counts, shared) for name, counts in columns.items() if counts.any()]
    return [*rows, _subjects("all", table.sum(1), shared)]


def _subjects(name: str, counts: npt.NDArray[np.int64], shared: npt.NDArray[np.bool_]) -> dict[str, Any]:
    there = counts > 0
    return {
        "split": name,
        "subjects": int(there.sum()),
        "images": int(counts.sum()),
        "fewest": int(counts[there].min()),
        "median": float(np.median(counts[there])),
        "most": int(counts.max()),
        "shared": int((there & shared).sum()),
    }


def value_counts(
    attribute: str, codes: npt.NDArray[np.generic], values: Sequence[str], splits: Codes, split_names: Sequence[str]
) -> list[dict[str, Any]]:
    """A dictionary for each value of a coded attribute: its rows in each split, and in all.

    codes: (N,), index into `values`; codes without a name stand under their number, after the others.
    """
    rows = codes.astype(np.intp)
    known = max(len(values), int(rows.max()) + 1)
    table = np.zeros((known, len(split_names)), np.int64)
    np.add.at(table, (rows, splits), 1)
    names = [*values, *(f"code {code}" for code in range(len(values), known))]
    return [
        {"attribute": attribute, "value": name, **_by_split(counts, split_names)}
        for code, (name, counts) in enumerate(zip(names, table, strict=True))
        if code < len(values) or counts.any()
    ]


def number_summary(attribute: str, values: npt.NDArray[np.generic]) -> dict[str, Any]:
    """Number of values that are one (not NaN), mean, standard deviation, least, median, greatest; None without any."""
    numbers = np.asarray(values, np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return {"attribute": attribute, "n": 0, **dict.fromkeys(("mean", "sd", "min", "median", "max"))}
    low, middle, high = np.quantile(numbers, (0, 0.5, 1))
    found = {"mean": numbers.mean(), "sd": numbers.std(), "min": low, "median": middle, "max": high}
    return {"attribute": attribute, "n": len(numbers), **{name: float(value) for name, value in found.items()}}


def _by_split(counts: npt.NDArray[np.int64], split_names: Sequence[str]) -> dict[str, int]:
    return {**dict(zip(split_names, map(int, counts), strict=True)), "all": int(counts.sum())}
