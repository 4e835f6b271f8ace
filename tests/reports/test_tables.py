"""Rows of tables as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fer_cli.reports import tables

ROW: dict[str, Any] = {
    "result": "r",
    "name": "row",
    "model": "mini",
    "dataset": "faces",
    "split": "val",
    "n": 4000,
    "protocol": "single pass",
    "accuracy": 0.5,
    "accuracy_interval": (0.4, 0.6),
    "without_duplicates": None,
    "top3": 0.9,
    "macro_f1": None,
    "balanced_accuracy": None,
    "ece": None,
    "parameters": 12,
    "train_rows": None,
    "seconds": 30.4,
    "against_first": None,
}
PAIR = {"n": 4000, "difference": 0.01, "difference_interval": (-0.01, 0.03), "gained": 5, "lost": 1, "p_value": 0.2}


def test_what_all_rows_share_is_said_once_and_empty_columns_are_left_out() -> None:
    title, header, cells = tables.comparison_rows([ROW, {**ROW, "protocol": "flip TTA"}])
    assert title == "faces, val, n = 4,000"
    assert header == ["model", "protocol", "accuracy", "95 % interval", "top-3", "parameters", "training s"]
    assert cells[1] == ["mini", "flip TTA", 0.5, "0.4000 to 0.6000", 0.9, 12, 30]


def test_rows_are_named_by_model_and_what_differs() -> None:
    title, names = tables.comparison_names([ROW, {**ROW, "split": "test", "n": 5}])
    assert title == "faces, single pass"
    assert names == ["mini\nval, n = 4,000", "mini\ntest, n = 5"]
    assert tables.comparison_names([ROW])[1] == ["mini"]


def test_a_csv_row_has_every_column_whether_it_is_filled_or_not(tmp_path: Path) -> None:
    rows = tables.comparison_csv([ROW, {**ROW, "accuracy_interval": None, "against_first": PAIR}])
    assert list(rows[0]) == list(rows[1])
    assert rows[0]["accuracy_interval_low"] == 0.4
    assert rows[1]["accuracy_interval_low"] is None
    assert rows[1]["against_first_difference_interval_high"] == 0.03
    tables.write_csv(tmp_path / "rows.csv", rows)
    head, first, _ = (tmp_path / "rows.csv").read_text(encoding="utf-8").splitlines()
    assert head.startswith("result,name,model,dataset,split,n,protocol,accuracy,accuracy_interval_low,")
    assert first.startswith("r,row,mini,faces,val,4000,single pass,0.5,0.4,0.6,,0.9,")


THEIRS = {
    "name": "row",
    "model": "a net",
    "dataset": "FER2013",
    "split": None,
    "n": None,
    "accuracy": 0.625,
    "macro_f1": 0.5,
}
ENTRY: dict[str, Any] = {
    "published": {**THEIRS, "protocol": "single pass", "source": "a study"},
    "split": "val",
    "runs": 1,
    "dataset": "faces",
    "n": 4000,
    "accuracy": 0.5,
    "accuracy_interval": (0.4, 0.6),
    "macro_f1": 0.25,
    "difference": -0.125,
}
NOTHING = dict.fromkeys(("dataset", "n", "accuracy", "accuracy_interval", "macro_f1", "difference"), None)


def test_published_figures_stand_beside_ours() -> None:
    header, cells = tables.published_rows([ENTRY, {**ENTRY, **NOTHING, "runs": 0}])
    ours, missing = (dict(zip(header, row, strict=True)) for row in cells)
    assert (ours["published"], ours["ours"], ours["difference"]) == (0.625, 0.5, "-0.1250")
    assert (ours["95 % interval"], ours["our F1"]) == ("0.4000 to 0.6000", 0.25)
    assert (ours["ours on"], ours["published on"]) == ("faces, n = 4,000", "FER2013")
    assert (missing["published"], missing["ours"], missing["ours on"]) == (0.625, None, None)
    assert "runs" not in header
    assert header[-2:] == ["published protocol", "source"]
    assert not {"published protocol", "source"} & set(tables.published_rows([ENTRY], narrow=True)[0])


def test_there_is_a_column_of_ours_even_where_it_is_empty() -> None:
    header, cells = tables.published_rows([{**ENTRY, **NOTHING, "runs": 0}])
    assert header[:5] == ["name", "published model", "split", "published", "ours"]
    assert cells[0][:5] == ["row", "a net", "val", 0.625, None]


def test_our_f1_is_shown_only_beside_a_published_one_and_runs_only_where_there_are_several() -> None:
    without = {**ENTRY, "runs": 3, "published": {**ENTRY["published"], "macro_f1": None}}
    header, cells = tables.published_rows([without])
    assert not {"published F1", "our F1"} & set(header)
    assert cells[0][header.index("runs")] == 3


def test_a_csv_row_tells_the_published_figure_beside_it() -> None:
    first, second = tables.comparison_csv([ROW, ROW], [{**ENTRY["published"]}, None])
    assert (first["published_accuracy"], first["published_source"]) == (0.625, "a study")
    assert second["published_accuracy"] is None
    assert list(first) == list(second)
    assert "published_accuracy" not in tables.comparison_csv([ROW])[0]


def test_only_rows_that_were_compared_stand_in_the_paired_table() -> None:
    _, cells = tables.paired_rows([ROW, {**ROW, "against_first": PAIR}])
    assert cells == [["mini", "single pass", 4000, "+0.0100", "-0.0100 to +0.0300", 5, 1, "0.2"]]


def test_flatten_joins_names_and_leaves_tables_out() -> None:
    values = {"seed": 0, "val": {"top3": 0.9}, "weights": [2.0, 0.5], "rows": [[1, 2]], "members": [{"a": 1}], "no": []}
    assert dict(tables.flatten(values)) == {"seed": 0, "val top3": 0.9, "weights": "2, 0.5", "no": ""}


@pytest.mark.parametrize(
    ("value", "measured", "given"),
    [
        (None, "–", "–"),
        (True, "yes", "yes"),
        (12345, "12,345", "12,345"),
        (0.5, "0.5000", "0.5"),
        (0.0, "0.0000", "0"),
        (1234.56, "1,234.6", "1234.56"),
        (2.5e-7, "2.5e-07", "2.5e-07"),
        ("text", "text", "text"),
    ],
)
def test_values_as_text(value: Any, measured: str, given: str) -> None:
    assert (tables.cell(value), tables.fact(value)) == (measured, given)
