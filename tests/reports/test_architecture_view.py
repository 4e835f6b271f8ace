"""The table of architectures."""

from __future__ import annotations

import pytest

from fer_cli.reports.architecture_view import show
from fer_cli.reports.terminal import Terminal


def test_a_row_an_architecture_with_what_it_costs(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"name": "large", "parameters": 11_180_871, "multiply_adds": 1_247_040_000, "paper": "A 2016"},
        {"name": "small", "parameters": 58_423, "multiply_adds": 5_461_000, "paper": "B and C 2017"},
    ]
    show(Terminal(), rows, (48, 40, 1))
    shown = capsys.readouterr()
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.out.splitlines() if line[:1] == "│"]
    assert "Architectures at 48×40 grey" in shown.out
    assert lines == [["large", "11,180,871", "1,247.0", "A 2016"], ["small", "58,423", "5.5", "B and C 2017"]]
    assert "pattern:CCPCCPFF" in shown.err
