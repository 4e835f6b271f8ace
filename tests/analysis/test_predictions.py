"""predictions.csv: written, read again, and refused when it is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_cli.analysis.predictions import read_predictions, write_predictions
from fer_cli.errors import InputError

PROBABILITIES = np.array([[0.25, 0.75], [0.1234567, 0.8765433], [1, 0]])


def write(path: Path) -> Path:
    write_predictions(path, ("sad", "happy"), ["a,b.png", "2", "é"], np.array([1, 0, 0]), PROBABILITIES)
    return path


def test_the_table_holds_source_label_prediction_and_six_decimals(tmp_path: Path) -> None:
    assert write(tmp_path / "p.csv").read_text(encoding="utf-8").splitlines() == [
        "source,label,prediction,correct,p_sad,p_happy",
        '"a,b.png",happy,happy,1,0.250000,0.750000',
        "2,sad,happy,0,0.123457,0.876543",
        "é,sad,sad,1,1.000000,0.000000",
    ]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    found = read_predictions(write(tmp_path / "p.csv"))
    assert found.sources == ["a,b.png", "2", "é"]
    assert found.labels == ["happy", "sad", "sad"]
    assert found.correct.tolist() == [True, False, True]


def test_a_table_that_breaks_off_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv")
    path.write_text(path.read_text(encoding="utf-8")[:-12], encoding="utf-8")
    with pytest.raises(InputError, match=r"p\.csv: line 4: expected 6 values, the fourth 0 or 1\. Received: 5 values"):
        read_predictions(path)


def test_another_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("epoch,loss\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="expected the columns source, label, prediction, correct"):
        read_predictions(tmp_path / "p.csv")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a readable predictions table"):
        read_predictions(tmp_path / "p.csv")
