"""Tables on terminals that are too narrow for them."""

from __future__ import annotations

import pytest

from fer_cli.reports.terminal import Terminal

HEADER = ("model", "accuracy", "a long heading of a column", "another long heading of one")
ROWS = [["mini", 0.5, 1, None], ["large", 0.25, 2, "x"]]


@pytest.mark.parametrize(("columns", "first_column"), [(120, ["model", "mini", "large"]), (60, list(HEADER))])
def test_a_table_is_turned_over_where_it_does_not_fit(
    columns: int, first_column: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("fer_cli.reports.terminal._table_width", lambda: None)
    Terminal().table("title", HEADER, ROWS)
    lines = [line for line in capsys.readouterr().out.splitlines() if line[0] in "┃│"]
    assert [line[1:].split("┃")[0].split("│")[0].strip() for line in lines] == first_column
