"""What `bias.measure` finds: scores of groups and cells, and gaps between groups."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

Interval = tuple[float, float]


@dataclass(frozen=True)
class Share:
    """A share of n rows, 0..1, with its 95 % bootstrap interval; None where there is no row."""

    n: int
    value: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Gap:
    """The largest difference of a share between two groups.

    gap: highest less lowest. ratio: lowest / highest, None where the highest is 0. Their 95 % intervals are those of
    these two groups, rows or persons drawn within each. They do not know that the two were picked for being farthest
    apart, and the largest of several differences is above 0 even between equal groups: `by_chance` is its mean when the
    groups are exchanged, and `p_value` how often it is then at least this gap. p_holm: the same, raised for the number
    of gaps that were tested together.
    """

    gap: float
    gap_interval: Interval | None
    ratio: float | None
    ratio_interval: Interval | None
    lowest: str
    highest: str
    by_chance: float
    p_value: float
    p_holm: float


@dataclass(frozen=True)
class Odds:
    """The equalised-odds gap: the largest difference between groups of any class's true- or false-positive rate.

    0 means that the prediction, given the true class, does not depend on the group: Hardt, Price and Srebro, "Equality
    of opportunity in supervised learning", NeurIPS 2016, arXiv:1610.02413, here each class against all others.
    class_name, rate: the one that differs so much; all else is as in `Gap`.
    """

    gap: float
    gap_interval: Interval | None
    class_name: str
    rate: str
    lowest: str
    highest: str
    by_chance: float
    p_value: float


@dataclass(frozen=True)
class GroupScores:
    """A group: its accuracy, and its balanced accuracy (mean recall of the classes that it has).

    counted: whether it has the rows to take part in the gaps. persons: how many, where persons were drawn.
    """

    name: str
    persons: int | None
    counted: bool
    accuracy: Share
    balanced_accuracy: Share


@dataclass(frozen=True)
class Cell:
    """One class of one group: its recall, that is its true-positive rate, and the false-positive rate of the class.

    counted: whether it has the rows to take part in the gaps.
    """

    class_name: str
    group: str
    counted: bool
    recall: Share
    false_positive_rate: Share


@dataclass(frozen=True)
class GroupBias:
    """What was found of one grouping.

    drawn: "persons" or "rows", what bootstrap and exchange took as independent. recall: the gap of each class that at
    least two groups have in cells that count.
    """

    by: str
    n: int
    drawn: str
    groups: list[GroupScores]
    cells: list[Cell]
    accuracy: Gap
    recall: dict[str, Gap]
    equalised_odds: Odds | None
    warnings: list[str]
    notes: list[str]

    def results(self) -> dict[str, Any]:
        """Everything, JSON-able."""
        return dataclasses.asdict(self)
