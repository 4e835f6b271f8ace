"""Thinning a group of the train rows: `fer prepare --thin ATTRIBUTE=VALUE:PART`.

A training set that under-represents a group on purpose shows what that costs the group; see recipes/bias.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError, UsageError
from fer_cli.labels import SPLITS
from fer_cli.records import Records

Codes = npt.NDArray[np.uint8]

_TRAIN = SPLITS.index("train")
_PATTERN = re.compile(r"(?P<attribute>[^=]+)=(?P<value>.+):(?P<part>[^:]+)")


@dataclass(frozen=True)
class Thinning:
    """Keep `part` (0..1) of the train rows whose coded attribute has the value of that name."""

    attribute: str
    value: str
    part: float

    def __str__(self) -> str:
        return f"{self.attribute}={self.value}:{self.part:g}"


def parse_thinning(text: str) -> Thinning:
    """The thinning that "ATTRIBUTE=VALUE:PART" stands for; `UsageError` for anything else."""
    match = _PATTERN.fullmatch(text)
    part = _number(match["part"]) if match else math.nan
    if match is None or not 0 <= part <= 1:
        raise UsageError(f"--thin: expected ATTRIBUTE=VALUE:PART with a PART to keep from 0 to 1. Received: {text!r}")
    return Thinning(match["attribute"], match["value"], part)


def thinned_rows(
    columns: Records, split: Codes, names: Mapping[str, Sequence[str]], thinning: Thinning, seed: int
) -> npt.NDArray[np.bool_]:
    """The mask (N,) of the rows that stay: of the train rows of the group only `part`, drawn at random.

    The part is met in each class to the row, so that thinning changes the mix of groups and no class's share within
    one. split: (N,), in place of that of `columns`. names: of the codes of each coded attribute. Raises `InputError`
    where there is no such attribute or value, or no train row has it.
    """
    column = columns.attributes.get(thinning.attribute)
    if column is None or thinning.attribute not in names:
        known = ", ".join(sorted(set(names) & set(columns.attributes))) or "none"
        raise InputError(f"--thin {thinning}: expected an attribute with names, of which there are {known}")
    values = names[thinning.attribute]
    if thinning.value not in values:
        raise InputError(f"--thin {thinning}: {thinning.attribute} knows the values {', '.join(values)}")
    rows = np.flatnonzero((split == _TRAIN) & (column == values.index(thinning.value)))
    if not len(rows):
        raise InputError(f"--thin {thinning}: no train row has that value")
    keep = np.ones(len(columns), np.bool_)
    rng = np.random.default_rng(seed)
    for label in np.unique(columns.labels[rows]):
        of_class = rng.permutation(rows[columns.labels[rows] == label])
        keep[of_class[round(thinning.part * len(of_class)) :]] = False
    return keep


def known_thinnings(provenance: Mapping[str, Any]) -> list[str]:
    """Which groups of a dataset file's train rows were thinned, as ATTRIBUTE=VALUE:PART, from the file's provenance."""
    return list(provenance.get("results", {}).get("thinned", ()))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
