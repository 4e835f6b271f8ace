"""Rows of tables as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fer_cli.reports import tables

ROW: dict[str, Any] = {
    "result": "r",
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
    assert head.startswith("result,model,dataset,split,n,protocol,accuracy,accuracy_interval_low,")
    assert first.startswith("r,mini,faces,val,4000,single pass,0.5,0.4,0.6,,0.9,")


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
