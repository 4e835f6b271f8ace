import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_cli.datasets.splits import SplitPlan, assign_folds, groups_of, known_leaks, leaks, parse_split, split_by_fold
from fer_cli.errors import InputError, UsageError

TRAIN, VAL, TEST = 0, 1, 2


def lab(persons: int = 23, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and persons of a small laboratory set: each person has some pictures of some of seven classes."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(persons), rng.integers(5, 40, persons))
    return rng.integers(0, 7, len(person), np.uint8), np.char.add("P", person.astype(str))


def test_what_can_be_asked_for() -> None:
    assert parse_split("original") == SplitPlan("original")
    assert parse_split("random") == SplitPlan("random", 1, 10)
    assert parse_split("subject:2/10") == SplitPlan("subject", 2, 10)
    assert parse_split("random:5/5") == SplitPlan("random", 5, 5)


@pytest.mark.parametrize("text", ["person", "subject", "subject:1", "subject:a/b", "subject:1/5x", ""])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--split: expected original, random, subject:K/N or random:K/N\. Received"):
        parse_split(text)


@pytest.mark.parametrize("text", ["subject:0/5", "subject:6/5", "subject:1/1", "random:1/256"])
def test_folds_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="N from 2 to 255 and K from 1 to N"):
        parse_split(text)


def test_no_person_is_in_two_folds_and_folds_are_alike() -> None:
    labels, person = lab()
    fold = assign_folds(labels, person, 5, seed=0)
    assert all(len(set(fold[person == name])) == 1 for name in set(person))
    table = np.zeros((5, 7))
    np.add.at(table, (fold, labels), 1)
    assert table.sum(1).min() > 0.9 * len(labels) / 5
    assert (table > 0.5 * table.sum(0) / 5).all()


@settings(max_examples=25, deadline=None)
@given(persons=st.integers(3, 12), seed=st.integers(0, 5), order=st.randoms(use_true_random=False))
def test_folds_do_not_depend_on_the_order_of_rows(persons: int, seed: int, order: object) -> None:
    labels, person = lab(persons, seed)
    fold = assign_folds(labels, person, 3, seed)
    rows = list(range(len(labels)))
    order.shuffle(rows)  # type: ignore[attr-defined]
    assert np.array_equal(assign_folds(labels[rows], person[rows], 3, seed), fold[rows])
    assert set(fold) == {0, 1, 2}


def test_persons_with_one_class_each_still_fill_every_fold() -> None:
    labels = np.repeat(np.arange(7, dtype=np.uint8), 10)
    fold = assign_folds(labels, labels.astype(str), 7, seed=0)
    assert sorted(np.bincount(fold)) == [10] * 7


def test_single_images_are_dealt_out_class_by_class() -> None:
    labels = np.repeat(np.arange(7, dtype=np.uint8), [100, 10, 50, 200, 33, 70, 41])
    fold = assign_folds(labels, np.arange(len(labels)), 10, seed=0)
    table = np.zeros((10, 7), int)
    np.add.at(table, (fold, labels), 1)
    assert np.ptp(table, axis=0).max() <= 1


def test_the_seed_changes_the_folds() -> None:
    labels, person = lab()
    one, two = (assign_folds(labels, person, 5, seed) for seed in (1, 2))
    assert not np.array_equal(one, two)


def test_more_folds_than_persons_cannot_be() -> None:
    labels, person = lab(4)
    with pytest.raises(
        InputError, match=r"5 folds: expected at least as many persons or distinct images\. Received: 4"
    ):
        assign_folds(labels, person, 5, seed=0)


def test_the_named_fold_is_test_and_the_next_val() -> None:
    fold = np.array([0, 1, 2, 3])
    assert split_by_fold(fold, SplitPlan("subject", 2, 4)).tolist() == [TRAIN, TEST, VAL, TRAIN]
    assert split_by_fold(fold, SplitPlan("subject", 4, 4)).tolist() == [VAL, TRAIN, TRAIN, TEST]
    assert split_by_fold(np.array([0, 1]), SplitPlan("subject", 2, 2)).tolist() == [TRAIN, TEST]


def test_every_row_is_test_once_over_the_folds() -> None:
    labels, person = lab()
    fold = assign_folds(labels, person, 5, seed=0)
    splits = np.stack([split_by_fold(fold, SplitPlan("subject", k, 5)) for k in range(1, 6)])
    assert ((splits == TEST).sum(0) == 1).all()
    assert ((splits == VAL).sum(0) == 1).all()


def test_a_split_by_person_needs_persons() -> None:
    digest = np.arange(3)
    assert groups_of("random", None, digest) is digest
    with pytest.raises(InputError, match="the source does not say who is in its images"):
        groups_of("subject", None, digest)


def test_leaks_are_named() -> None:
    split = np.array([TRAIN, TRAIN, VAL, TEST], np.uint8)
    by_person, random = SplitPlan("subject", 1, 3), SplitPlan("random", 1, 3)
    assert leaks(by_person, split, np.array(["A", "A", "B", "C"])) == []
    assert leaks(random, split, np.array(["A", "B", "B", "C"])) == [
        "random split: 1 of 3 persons are in more than one split"
    ]
    assert leaks(random, split, None) == [
        "random split: nothing is known of the persons, who may be in more than one split"
    ]
    assert leaks(SplitPlan("original"), split, None) == []


def test_leaks_are_read_from_provenance_of_any_command() -> None:
    assert known_leaks({"results": {"split": {"leaks": ["x"]}}}) == ["x"]
    assert known_leaks({"results": {"split": "val"}}) == []
    assert known_leaks({}) == []
