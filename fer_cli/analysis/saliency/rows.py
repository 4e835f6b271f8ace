"""Which rows of a split are explained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.datasets.select import limit_rows
from fer_cli.errors import InputError, UsageError

Indices = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Choice:
    """What was asked for.

    rows: these, or None for `per_class` of each given class, drawn by the seed. correct, wrong: only those that the
    network names rightly, or wrongly. Raises `UsageError` for what excludes each other.
    """

    rows: tuple[int, ...] | None = None
    per_class: int = 1
    correct: bool = False
    wrong: bool = False

    def __post_init__(self) -> None:
        if self.correct and self.wrong:
            raise UsageError("--correct and --wrong exclude each other")

    @property
    def asks_the_network(self) -> bool:
        """Whether the choice depends on what the network says."""
        return self.correct or self.wrong


def choose(choice: Choice, labels: Indices, right: Flags | None, seed: int, where: str) -> Indices:
    """Rows in ascending order by class; those named stand in the order named.

    labels: (N,) given classes. right: (N,) which the network names rightly, where the choice asks for it. where: file
    and split, for messages. Raises `InputError` for a row that is not there, and where none is left.
    """
    wanted = np.ones(len(labels), np.bool_) if right is None else right == choice.correct
    if choice.rows is None:
        places = np.flatnonzero(wanted)
        kept = places[limit_rows(labels[places].astype(np.uint8), _one_split(places), choice.per_class, seed)]
        rows = kept[np.argsort(labels[kept], kind="stable")]
    else:
        beyond = [row for row in choice.rows if row >= len(labels)]
        if beyond:
            raise InputError(f"{where}: expected rows from 0 to {len(labels) - 1}. Received: {beyond[0]}")
        rows = np.array([row for row in choice.rows if wanted[row]], np.intp)
    if not len(rows):
        kind = "rightly" if choice.correct else "wrongly"
        raise InputError(f"{where}: expected rows that the network names {kind}. Received: none")
    return rows


def draw(labels: Indices, count: int, seed: int) -> Indices:
    """`count` rows at most in ascending order, the classes as even as they can be, drawn by the seed."""
    order = np.random.default_rng(seed).permutation(len(labels))
    shuffled = labels[order]
    by_class = np.argsort(shuffled, kind="stable")
    _, starts, counts = np.unique(shuffled[by_class], return_index=True, return_counts=True)
    turn = np.empty(len(labels), np.intp)
    turn[by_class] = np.arange(len(labels)) - np.repeat(starts, counts)
    return np.sort(order[np.argsort(turn, kind="stable")[:count]])


def _one_split(places: Indices) -> npt.NDArray[np.uint8]:
    return np.zeros(len(places), np.uint8)
