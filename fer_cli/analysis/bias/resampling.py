"""Chance in scores by group: bootstrap within the groups, and exchange of group labels.

All that is scored follows from counts (..., G, K, K): group, given class, predicted class. What is drawn are single
rows, or whole persons where a person has several pictures, all in one group: such rows are not independent, and
intervals and tests that took them for it would be too sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import random_table

from fer_cli.analysis.scores import RESAMPLES

#: Exchanges of the persons' labels that are in memory at a time.
_BLOCK = 100
#: Draws this close to what was observed count as equal to it: they are quotients of counts.
_SLACK = 1e-12

Codes = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """N rows of G groups and K classes.

    groups, labels, predictions: (N,) codes, each group has rows. persons: (N,) codes, or None where rows are drawn.
    """

    groups: Codes
    labels: Codes
    predictions: Codes
    group_count: int
    classes: int
    persons: Codes | None = None

    def counts(self) -> Floats:
        """(G, K, K), row = given class, column = predicted class."""
        return self._tables(self.groups, self.group_count)

    def bootstrap(self, seed: int, draws: int = RESAMPLES) -> Floats:
        """(draws, G, K, K): rows or persons drawn with replacement, from each group as many as it has."""
        rng = np.random.default_rng((seed, 0))
        out = np.empty((draws, self.group_count, self.classes, self.classes))
        for group in range(self.group_count):
            if self.persons is None:
                # Rows drawn with replacement make the cells of the table multinomial.
                units = self.counts()[group].reshape(-1)
                drawn = rng.multinomial(int(units.sum()), units / units.sum(), draws)
            else:
                tables, member_of = self._person_tables()
                own = tables[member_of == group]
                drawn = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), draws) @ own
            out[:, group] = drawn.reshape(draws, self.classes, self.classes)
        return out

    def exchanged(self, seed: int, draws: int = RESAMPLES) -> Floats:
        """(draws, G, K, K): what would be seen if the group made no difference.

        Rows exchange their groups within each given class, so a group keeps its mix of classes. Persons, who have
        several classes, exchange theirs among all.
        """
        rng = np.random.default_rng((seed, 1))
        return self._exchanged_rows(rng, draws) if self.persons is None else self._exchanged_persons(rng, draws)

    def _exchanged_rows(self, rng: np.random.Generator, draws: int) -> Floats:
        counts = self.counts().astype(np.int64)
        out = np.zeros((draws, *counts.shape))
        for label in range(self.classes):
            given = counts[:, label]
            if given.any():
                # To shuffle labels is to draw a table with these margins.
                tables = random_table(given.sum(1), given.sum(0))
                out[:, :, label] = tables.rvs(size=draws, random_state=rng)
        return out

    def _exchanged_persons(self, rng: np.random.Generator, draws: int) -> Floats:
        tables, member_of = self._person_tables()
        out = np.empty((draws, self.group_count, self.classes, self.classes))
        for start in range(0, draws, _BLOCK):
            part = out[start : start + _BLOCK]
            shuffled = rng.permuted(np.tile(member_of, (len(part), 1)), axis=1)
            for group in range(self.group_count):
                part[:, group] = ((shuffled == group) @ tables).reshape(-1, self.classes, self.classes)
        return out

    def _person_tables(self) -> tuple[Floats, Codes]:
        """(P, K × K) counts of each person, and the group (P,) each is in."""
        assert self.persons is not None
        _, first, person = np.unique(self.persons, return_index=True, return_inverse=True)
        return self._tables(person, len(first)).reshape(len(first), -1), self.groups[first]

    def _tables(self, units: Codes, count: int) -> Floats:
        out = np.zeros((count, self.classes, self.classes))
        np.add.at(out, (units, self.labels, self.predictions), 1)
        return out


def persons_to_draw(persons: Sequence[str] | None, groups: Codes) -> Codes | None:
    """Codes (N,) of the persons where they are to be drawn as a whole, None where rows are to be.

    persons: N names, None where nobody knows them. They are drawn when one has several rows, and each is in one group.
    """
    if persons is None:
        return None
    names, codes = np.unique(np.asarray(persons), return_inverse=True)
    pairs = np.unique(np.column_stack((codes, groups)), axis=0)
    return codes if len(names) < len(codes) and len(pairs) == len(names) else None


def p_value(observed: float, drawn: Floats) -> float:
    """(1 + draws that are at least `observed`) / (1 + draws): never 0, and valid for any number of draws.

    Phipson and Smyth, "Permutation p-values should never be zero", Stat. Appl. Genet. Mol. Biol. 9, 2010.
    """
    return float((1 + np.count_nonzero(drawn >= observed - _SLACK)) / (1 + len(drawn)))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values of several tests, raised so that all at once err as rarely as one would, in the order given.

    Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6, 1979.
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(order), 0, -1)
    raised = np.minimum(1, np.maximum.accumulate(factors * np.asarray(p_values, float)[order]))
    out = np.empty(len(order))
    out[order] = raised
    return [float(value) for value in out]
