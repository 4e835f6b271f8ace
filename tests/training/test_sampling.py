"""Which rows a run uses, and in which order."""

from __future__ import annotations

import numpy as np
import pytest

from fer_cli.training.sampling import balanced, choose_fraction, shuffled


@pytest.mark.parametrize(("fraction", "expected"), [(1.0, [40, 20]), (0.5, [20, 10]), (0.001, [1, 1])])
def test_a_fraction_takes_the_same_part_of_each_class(fraction: float, expected: list[int]) -> None:
    labels = np.array([0] * 40 + [1] * 20, np.uint8)
    rows = choose_fraction(labels, fraction, seed=3)
    assert np.bincount(labels[rows]).tolist() == expected
    np.testing.assert_array_equal(rows, np.unique(rows))


#: 100 rows: class 1 has none, class 3 a single one.
CLASSES = np.array([0] * 70 + [2] * 20 + [4] * 9 + [3])


def test_a_balanced_epoch_draws_each_class_equally_often() -> None:
    drawn = balanced(CLASSES, np.random.default_rng(0))
    assert np.bincount(CLASSES[drawn]).tolist() == [25, 0, 25, 25, 25]
    times = np.bincount(drawn, minlength=100)
    # Of 70 rows 25 come once; of 20 rows 5 come twice; 9 rows share 25 draws; one row gets all 25.
    assert [sorted(set(times[c == CLASSES])) for c in (0, 2, 4, 3)] == [[0, 1], [1, 2], [2, 3], [25]]


def test_quotas_that_do_not_divide_differ_by_one_and_go_to_other_classes_in_turn() -> None:
    classes = CLASSES[1:]
    counts = np.array([np.bincount(classes[balanced(classes, np.random.default_rng(seed))]) for seed in range(40)])
    assert set(counts.sum(1)) == {99}
    assert {tuple(sorted(row)) for row in counts[:, [0, 2, 3, 4]]} == {(24, 25, 25, 25)}
    assert (counts[:, [0, 2, 3, 4]] == 24).any(0).all()


@pytest.mark.parametrize("sampler", [shuffled, balanced])
def test_order_is_the_generator_s_and_not_by_class(sampler: type[balanced]) -> None:
    first, again, other = (sampler(CLASSES, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (np.diff(CLASSES[first]) != 0).sum() > 20


def test_fewer_rows_than_classes_draw_as_many() -> None:
    # Three classes share two draws.
    assert len(balanced(np.array([0, 1]), np.random.default_rng(0))) == 2
