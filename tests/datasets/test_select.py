import numpy as np
import pytest

from fer_cli.datasets.select import limit_rows, split_off_val
from fer_cli.errors import InputError


def drawn(n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Labels of which class 0 is rare, and splits."""
    rng = np.random.default_rng(1)
    return rng.choice(4, n, p=(0.02, 0.2, 0.3, 0.48)).astype(np.uint8), rng.integers(0, 3, n, np.uint8)


def cells(labels: np.ndarray, split: np.ndarray) -> np.ndarray:
    table = np.zeros((4, 3), int)
    np.add.at(table, (labels, split), 1)
    return table


def test_the_limit_holds_in_each_class_and_split() -> None:
    labels, split = drawn()
    keep = limit_rows(labels, split, 10, seed=0)
    assert np.array_equal(cells(labels[keep], split[keep]), np.minimum(cells(labels, split), 10))


def test_the_seed_decides_which_rows() -> None:
    labels, split = drawn()
    assert np.array_equal(limit_rows(labels, split, 10, seed=3), limit_rows(labels, split, 10, seed=3))
    assert not np.array_equal(limit_rows(labels, split, 10, seed=3), limit_rows(labels, split, 10, seed=4))


def test_val_takes_its_part_of_each_class() -> None:
    labels, _ = drawn()
    split = np.zeros(len(labels), np.uint8)
    split[:100] = 2
    new = split_off_val(labels, split, np.arange(len(labels)), 0.2, seed=0)
    before, after = cells(labels, split), cells(labels, new)
    assert np.array_equal(after[:, 1], np.rint(before[:, 0] * 0.2))
    assert np.array_equal(after[:, 0] + after[:, 1], before[:, 0])
    assert np.array_equal(after[:, 2], before[:, 2])
    again = split_off_val(labels, split, np.arange(len(labels)), 0.2, seed=0)
    other = split_off_val(labels, split, np.arange(len(labels)), 0.2, seed=1)
    assert np.array_equal(new, again)
    assert not np.array_equal(new, other)


def test_groups_stay_together() -> None:
    labels, _ = drawn(1000)
    persons = np.array([f"P{i % 50}" for i in range(1000)])
    new = split_off_val(labels, np.zeros(1000, np.uint8), persons, 0.2, seed=0)
    assert not set(persons[new == 0]) & set(persons[new == 1])
    assert 0.15 < np.mean(new == 1) < 0.25


@pytest.mark.parametrize("groups", [["P"] * 20, [f"P{i // 10}" for i in range(20)]])
def test_what_cannot_be_divided_is_told(groups: list[str]) -> None:
    labels = np.zeros(20, np.uint8)
    with pytest.raises(
        InputError, match=r"--val-fraction 0\.1: 20 training rows of . persons or distinct images cannot"
    ):
        split_off_val(labels, np.zeros(20, np.uint8), np.array(groups), 0.1, seed=0)
