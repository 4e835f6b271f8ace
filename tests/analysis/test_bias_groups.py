"""Groups from attributes, numbers, intersections and tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_cli.analysis.bias.groups import NONE, cross, from_codes, from_dataset, from_numbers, from_table, parse_edges
from fer_cli.errors import InputError, UsageError
from fer_cli.store.reader import open_dataset

SOURCES = ["a.png", "b.png", "c.png", "d.png"]


def named(names: tuple[str, ...], codes: np.ndarray) -> list[str | None]:
    """The name of each row's group."""
    return [None if code == NONE else names[code] for code in codes]


def test_codes_have_their_names_and_groups_without_rows_are_not_there() -> None:
    found = from_codes("race", np.array([2, 0, 2, 4]), ("White", "Black", "Asian"))
    assert found.names == ("White", "Asian", "code 4")
    assert named(found.names, found.codes) == ["Asian", "White", "Asian", "code 4"]


def test_numbers_are_cut_into_groups_of_equal_size() -> None:
    values = np.random.default_rng(0).permutation(np.arange(90.0))
    found = from_numbers("age", values, 3, None)
    assert found.names == ("below 29.67", "29.67 to 59.33", "59.33 and up")
    assert np.bincount(found.codes).tolist() == [30, 30, 30]


def test_numbers_are_cut_at_edges_that_belong_to_the_group_above() -> None:
    found = from_numbers("age", np.array([19, 20, 39.5, 40, 70]), 3, [20, 40])
    assert named(found.names, found.codes) == ["below 20", "20 to 40", "20 to 40", "40 and up", "40 and up"]


def test_few_different_numbers_are_groups_as_they_are_and_no_number_is_in_none() -> None:
    found = from_numbers("dose", np.array([0.5, np.nan, 2, 0.5]), 3, None)
    assert named(found.names, found.codes) == ["0.5", None, "2", "0.5"]
    assert found.notes == ("dose: 1 of 4 rows have no group",)


def test_numbers_of_which_most_are_equal_make_fewer_groups() -> None:
    found = from_numbers("gaze", np.array([0.0] * 20 + [1, 2, 3, 4]), 3, None)
    assert found.names == ("0 and up",)


def test_an_intersection_has_the_groups_that_both_have() -> None:
    gender = from_codes("gender", np.array([0, 1, 0, 1]), ("male", "female"))
    dose = from_numbers("dose", np.array([1, 1, np.nan, 2]), 3, None)
    found = cross([gender, dose])
    assert found.by == "gender × dose"
    assert named(found.names, found.codes) == ["male, 1", "female, 1", None, "female, 2"]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_names_groups_by_source_and_counts_what_does_not_fit(tmp_path: Path) -> None:
    text = "group,source\nold,a.png\nyoung,b.png\n,c.png\nold,elsewhere.png\n"
    found = from_table(write(tmp_path / "ages.csv", text), SOURCES)
    assert found.by == "ages"
    assert named(found.names, found.codes) == ["old", "young", None, None]
    assert found.notes == (
        f"{tmp_path / 'ages.csv'}: 1 sources are not among these rows",
        "ages: 2 of 4 rows have no group",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("source,age\na.png,1\n", "expected the columns source, group. Missing: group"),
        ("source,group\na.png,old\na.png,young\n", "line 3: 'a.png' is in 'young' here and in 'old' before"),
        ("source,group\nz.png,old\n", "expected sources of these rows, such as 'a.png'. Received: 1 others, such as"),
        ("source,group\n", "Received: 0 others, such as 'nothing'"),
        ("source,group\na.png,old\nb.png,old\n", "expected from 2 to 100 groups. Received: 1 (old)"),
    ],
)
def test_a_table_that_is_not_one_is_told(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        from_table(write(tmp_path / "groups.csv", text), SOURCES)
    assert told in str(raised.value)


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: not a readable table"):
        from_table(tmp_path / "nowhere.csv", SOURCES)


def test_edges_are_numbers_that_ascend() -> None:
    assert parse_edges(["age=20,40", "yaw=-5"]) == {"age": [20, 40], "yaw": [-5]}
    for wrong in ("age", "age=", "=1", "age=2,1", "age=1,1", "age=x", "age=nan"):
        with pytest.raises(UsageError, match="--edges: expected NAME=NUMBER"):
            parse_edges([wrong])


def test_an_attribute_that_is_not_there_is_told_with_those_that_are(dataset: Path) -> None:
    with open_dataset(dataset) as opened, pytest.raises(InputError, match="no attribute 'race'; it has none"):
        from_dataset(opened, "val", "race", 3, {})
