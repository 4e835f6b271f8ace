"""Folds and subsamples of rows."""

from __future__ import annotations

import numpy as np
import pytest

from fer_cli.classical.folds import make_folds, stratified
from fer_cli.errors import UsageError
from tests.classical.planted import folds_of

LABELS = np.repeat(np.arange(3), (300, 90, 10)).astype(np.uint8)


def test_every_row_is_held_out_once_and_nobody_is_in_two_folds() -> None:
    people = np.arange(400) // 7
    folds = make_folds(LABELS, people, "subject", 5, None, 0)
    assert np.array_equal(np.sort(np.concatenate([folds.held_out(k) for k in range(5)])), np.arange(400))
    for number in range(5):
        held_out, fitted = folds.held_out(number), folds.fitted(number)
        assert not set(people[held_out]) & set(people[fitted])
        assert len(held_out) + len(fitted) == 400


def test_a_subsample_keeps_the_shares_of_the_classes() -> None:
    rows = stratified(LABELS, 80, 0)
    assert np.array_equal(rows, np.unique(rows))
    assert np.bincount(LABELS[rows]).tolist() == [60, 18, 2]
    assert not np.array_equal(rows, stratified(LABELS, 80, 1))
    assert len(folds_of(LABELS, subsample=80).rows) == 80


def test_a_subsample_that_is_too_small_for_the_folds() -> None:
    with pytest.raises(UsageError, match=r"expected at least 20 rows for 10 folds\. Received: 12"):
        folds_of(LABELS, 10, 12)
