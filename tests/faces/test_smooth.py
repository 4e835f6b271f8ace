from __future__ import annotations

import numpy as np
import pytest

from fer_cli.faces.smooth import Average, Majority


def test_an_average_forgets_by_time_and_not_by_number() -> None:
    dense, sparse = Average(0.5), Average(0.5)
    dense.update(np.zeros(1), 0.0)
    sparse.update(np.zeros(1), 0.0)
    for number in range(1, 11):
        value = dense.update(np.ones(1), number / 20)
    assert value[0] == pytest.approx(1 - np.exp(-1), abs=1e-12)
    assert sparse.update(np.ones(1), 0.5)[0] == pytest.approx(value[0])


def test_averaged_probabilities_stay_probabilities() -> None:
    rng, average = np.random.default_rng(0), Average(0.3)
    for number in range(20):
        row = average.update(rng.dirichlet(np.ones(7)), number / 25)
        assert row.sum() == pytest.approx(1)
        assert row.min() >= 0


def test_without_a_span_nothing_is_smoothed() -> None:
    average, majority = Average(0.0), Majority(0.0)
    for number in range(5):
        assert average.update(np.array([float(number)]), number / 25)[0] == number
        assert majority.update(number, number / 25) == number


def test_a_majority_is_of_the_last_seconds_and_ties_go_to_the_newer() -> None:
    majority = Majority(0.5)
    assert [majority.update(label, 0.1 * i) for i, label in enumerate([1, 1, 2, 1, 2, 2, 2])] == [1, 1, 1, 1, 1, 2, 2]
    assert majority.update(3, 9.0) == 3
