"""Counting classes, persons and attribute values."""

from __future__ import annotations

import numpy as np

from fer_cli.analysis import census

SPLITS = ("train", "val", "test")


def test_classes_are_counted_by_split() -> None:
    rows = census.class_counts(np.array([[3, 1, 0], [0, 2, 0]]), ("happy", "sad"), SPLITS)
    assert rows == [
        {"class": "happy", "train": 3, "val": 1, "test": 0, "all": 4},
        {"class": "sad", "train": 0, "val": 2, "test": 0, "all": 2},
    ]


def test_persons_are_counted_and_those_in_two_splits_named() -> None:
    persons = ["a", "a", "a", "b", "c", "c", "a", "d"]
    splits = np.array([0, 0, 0, 0, 0, 0, 1, 1], np.uint8)
    train, val, everyone = census.subject_counts(persons, splits, SPLITS)
    assert train == {"split": "train", "subjects": 3, "images": 6, "fewest": 1, "median": 2, "most": 3, "shared": 1}
    assert val == {"split": "val", "subjects": 2, "images": 2, "fewest": 1, "median": 1, "most": 1, "shared": 1}
    assert everyone == {"split": "all", "subjects": 4, "images": 8, "fewest": 1, "median": 1.5, "most": 4, "shared": 1}


def test_values_of_an_attribute_are_counted_and_unnamed_codes_shown() -> None:
    codes = np.array([0, 1, 1, 3, 0], np.uint8)
    splits = np.array([0, 0, 1, 2, 2], np.uint8)
    rows = census.value_counts("glasses", codes, ("no", "yes"), splits, SPLITS)
    assert [list(row.values()) for row in rows] == [
        ["glasses", "no", 1, 0, 1, 2],
        ["glasses", "yes", 1, 1, 0, 2],
        ["glasses", "code 3", 0, 0, 1, 1],
    ]


def test_a_value_that_no_row_has_is_shown_with_none() -> None:
    rows = census.value_counts("age", np.zeros(2, np.uint8), ("young", "old"), np.zeros(2, np.uint8), SPLITS)
    assert [(row["value"], row["all"]) for row in rows] == [("young", 2), ("old", 0)]


def test_numbers_are_summarised_without_the_missing_ones() -> None:
    found = census.number_summary("yaw", np.array([1, 3, np.nan, 8], np.float32))
    assert found["n"] == 3
    assert [found[name] for name in ("mean", "min", "median", "max")] == [4, 1, 3, 8]
    assert found["sd"] == np.std([1, 3, 8])


def test_numbers_that_are_all_missing_are_none() -> None:
    found = census.number_summary("yaw", np.full(4, np.nan, np.float32))
    assert found == {"attribute": "yaw", "n": 0, "mean": None, "sd": None, "min": None, "median": None, "max": None}
