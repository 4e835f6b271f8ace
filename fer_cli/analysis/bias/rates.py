"""Shares by group that follow from counts alone, and how far they are apart; for one table or for many at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rates:
    """Shares by group (..., G), and by group and class (..., G, K), 0..1; NaN where there is no row.

    balanced: the mean recall of the classes that the group has. recall is a class's true-positive rate, false_positive
    the share of the rows of all other classes that are taken for it.
    """

    accuracy: Floats
    balanced: Floats
    recall: Floats
    false_positive: Floats


def rates_of(counts: Floats) -> Rates:
    """The shares that follow from counts (..., G, K, K): group, given class, predicted class."""
    hits, given, predicted = np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1), counts.sum(-2)
    total = given.sum(-1)
    recall = divide(hits, given)
    present = given > 0
    balanced = divide(np.where(present, recall, 0).sum(-1), present.sum(-1))
    return Rates(divide(hits.sum(-1), total), balanced, recall, divide(predicted - hits, total[..., None] - given))


def divide(part: Floats, whole: npt.NDArray[Any]) -> Floats:
    """`part / whole`, NaN where the whole is not above 0."""
    out = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def spread(values: Floats, valid: Flags, axis: int = -1) -> Floats:
    """Greatest less least of the valid numbers along the groups' axis; 0 where fewer than two are left."""
    there = valid & np.isfinite(values)
    low, high = np.where(there, values, np.inf).min(axis), np.where(there, values, -np.inf).max(axis)
    return np.asarray(np.maximum(high - low, 0))


def extremes(values: Floats, valid: Flags) -> tuple[int, int]:
    """Places of the least and the greatest valid value (G,)."""
    return int(np.where(valid, values, np.inf).argmin()), int(np.where(valid, values, -np.inf).argmax())
