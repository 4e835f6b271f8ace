"""Which rows a run uses, and in which order an epoch draws them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.intp]
#: The classes (N,) of a run's rows and the chance of an epoch, to the N rows that it draws, in order.
Sampler = Callable[[npt.NDArray[np.integer], np.random.Generator], Rows]


def choose_fraction(labels: npt.NDArray[np.uint8], fraction: float, seed: int) -> Rows:
    """Ascending indices of a random part of the rows, the same part (rounded, at least 1) of each class."""
    if fraction >= 1:
        return np.arange(len(labels))
    rng = np.random.default_rng(seed)
    chosen = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        chosen.append(rng.permutation(rows)[: max(1, round(fraction * len(rows)))])
    return np.sort(np.concatenate(chosen))


def shuffled(classes: npt.NDArray[np.integer], rng: np.random.Generator) -> Rows:
    """A permutation of the N rows whose classes are given."""
    return rng.permutation(len(classes))


def balanced(classes: npt.NDArray[np.integer], rng: np.random.Generator) -> Rows:
    """N draws from the N rows whose classes (N,) are given, each class that has rows equally often.

    The quotas differ by one draw at most. Within a class every row comes equally often, again up to one draw: a rare
    class is gone through several times, and of a frequent one some rows are left out, other ones each epoch.
    """
    present = np.unique(classes)
    quotas = np.full(len(present), len(classes) // len(present))
    quotas[rng.permutation(len(present))[: len(classes) % len(present)]] += 1
    drawn = [_in_turn(np.flatnonzero(classes == c), quota, rng) for c, quota in zip(present, quotas, strict=True)]
    return rng.permutation(np.concatenate(drawn))


def _in_turn(rows: Rows, count: int, rng: np.random.Generator) -> Rows:
    rounds = -(-count // len(rows))
    return np.concatenate([rng.permutation(rows) for _ in range(max(1, rounds))])[:count]
