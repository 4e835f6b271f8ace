"""`fer bias` on groups whose gap is planted."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_cli.labels import EMOTIONS
from fer_cli.records import Records
from fer_cli.store.writer import create_dataset
from tests.helpers import planted_faces, run_fer, write_model

#: Each of two groups has so many faces of each class in val.
CELL = 40
ROWS = 2 * CELL * len(EMOTIONS)


@pytest.fixture
def grouped(tmp_path: Path) -> Path:
    """A dataset of which every face of group "no" is as its label says, and of group "yes" each second one is not.

    Attributes: glasses (no, yes), age (20 and 60, the same groups), even (alternating: no gap).
    """
    labels = np.tile(np.arange(len(EMOTIONS), dtype=np.uint8), 2 * CELL)
    glasses = np.repeat([0, 1], ROWS // 2).astype(np.uint8)
    order = np.arange(ROWS) // len(EMOTIONS)
    shown = np.where((glasses == 1) & (order % 2 == 0), (labels + 1) % len(EMOTIONS), labels).astype(np.uint8)
    even = (order // 2 % 2).astype(np.uint8)
    path = tmp_path / "grouped.h5"
    with create_dataset(path, EMOTIONS, {"glasses": ("no", "yes"), "even": ("a", "b")}) as writer:
        writer.append(
            Records(
                images=planted_faces(shown),
                labels=labels,
                split=np.ones(ROWS, np.uint8),
                source=[f"row{i}" for i in range(ROWS)],
                attributes={"glasses": glasses, "even": even, "age": np.float32(20 + 40 * glasses)},
            )
        )
        writer.finish({"command": "test", "results": {"thinned": ["glasses=yes:0.1"]}})
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def results(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())["results"]
    return found


def test_a_planted_gap_is_shown_and_everything_is_written(model: Path, grouped: Path, tmp_path: Path) -> None:
    result = run_fer("bias", model, grouped, "--by", "glasses", "--by", "even")
    assert result.exit_code == 0, result.stderr
    assert "By glasses: n = 560, resampled are rows" in result.stdout
    assert "grouped.h5, val, n = 560, single pass, one network: accuracy 0.7500" in result.stderr
    assert "of the train rows, glasses=yes:0.1 was kept" in result.stderr
    folder = tmp_path / "results" / "bias-planted-val"
    found = results(folder)
    planted, even = found["groupings"]
    assert planted["accuracy"]["gap"] == pytest.approx(0.5)
    assert planted["accuracy"]["ratio"] == pytest.approx(0.5)
    assert (planted["accuracy"]["lowest"], planted["accuracy"]["highest"]) == ("yes", "no")
    assert planted["accuracy"]["p_value"] < 0.001
    assert planted["equalised_odds"]["gap"] == pytest.approx(0.5)
    assert even["accuracy"]["gap"] == 0
    assert even["accuracy"]["p_value"] == 1
    assert found["thinned"] == ["glasses=yes:0.1"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "accuracy_by_even.png", "accuracy_by_glasses.png", "cells.csv", "groups.csv", "predictions.csv",
        "recall_by_even.png", "recall_by_glasses.png", "result.json",
    ]  # fmt: skip


def test_the_tables_hold_groups_and_cells(model: Path, grouped: Path, tmp_path: Path) -> None:
    assert run_fer("bias", model, grouped, "--by", "glasses", "-o", tmp_path / "out", "-q").exit_code == 0
    groups = read(tmp_path / "out" / "groups.csv")
    assert [(row["group"], row["n"], row["accuracy"]) for row in groups] == [
        ("no", "280", "1.0"),
        ("yes", "280", "0.5"),
    ]
    assert 0.42 < float(groups[1]["accuracy_low"]) < 0.5 < float(groups[1]["accuracy_high"]) < 0.58
    cells = {(row["class"], row["group"]): row for row in read(tmp_path / "out" / "cells.csv")}
    assert len(cells) == 14
    assert cells["fear", "yes"]["recall"] == "0.5"
    assert cells["fear", "yes"]["n"] == "40"
    # Each second face of the class before is taken for fear: 20 of the 240 others.
    assert float(cells["fear", "yes"]["false_positive_rate"]) == pytest.approx(20 / 240)


def test_intersections_numbers_and_a_table(model: Path, grouped: Path, tmp_path: Path) -> None:
    table = tmp_path / "site.csv"
    table.write_text("source,group\n" + "".join(f"row{i},{'left' if i < 200 else 'right'}\n" for i in range(400)))
    result = run_fer(
        "bias", model, grouped, "--by", "glasses,even", "--by", "age", "--edges", "age=40", "--groups", table,
        "-o", tmp_path / "out",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    crossed, age, site = results(tmp_path / "out")["groupings"]
    assert [group["name"] for group in crossed["groups"]] == ["no, a", "no, b", "yes, a", "yes, b"]
    assert crossed["by"] == "glasses × even"
    assert [group["name"] for group in age["groups"]] == ["below 40", "40 and up"]
    assert age["accuracy"]["gap"] == pytest.approx(0.5)
    assert [(group["name"], group["accuracy"]["n"]) for group in site["groups"]] == [("left", 200), ("right", 200)]
    assert "site: 160 of 560 rows have no group" in result.stderr
    assert "warning: glasses × even: 28 of 28 cells (class × group) are left out" in result.stderr
    assert (tmp_path / "out" / "recall_by_glasses_even.png").stat().st_size > 0
    assert "site.csv" in {Path(entry["path"]).name for entry in read_record(tmp_path / "out")["inputs"]}


def read_record(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return record


def test_several_models_are_scored_as_an_ensemble_and_json_is_the_record(
    model: Path, grouped: Path, tmp_path: Path
) -> None:
    other = write_model(tmp_path / "other.keras", wrong=(2,))
    result = run_fer("bias", model, other, grouped, "--by", "glasses", "--json")
    assert json.loads(result.stdout) == read_record(tmp_path / "results" / "bias-planted-other-val")
    assert json.loads(result.stdout)["results"]["protocol"] == "single pass, ensemble of 2"


def test_a_report_shows_the_gaps(model: Path, grouped: Path, tmp_path: Path) -> None:
    run_fer("bias", model, grouped, "--by", "glasses", "-o", tmp_path / "out", "-q")
    assert run_fer("report", tmp_path / "out", "-o", tmp_path / "page.html").exit_code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Gaps by glasses" in page
    assert "Accuracy by glasses" in page


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], 2, "expected groups: --by ATTRIBUTE or --groups CSV; "),
        (["--by", "race"], 3, "no attribute 'race'; it has age, even, glasses"),
        (["--by", "glasses", "--by", "glasses"], 2, "expected groupings of different names. Received twice: glasses"),
        (["--by", "glasses", "--edges", "age=1"], 2, "--edges age: expected an attribute named by --by"),
        (["--by", "age", "--edges", "age=90"], 3, "age: expected from 2 to 100 groups. Received: 1 (below 90)"),
        (["--by", "glasses", "--min-rows", "300"], 3, "expected two groups with at least 300 rows. Received: no 280"),
        (["--by", "glasses", "--split", "test"], 3, "the split 'test' is empty"),
        (["--groups", "nowhere.csv"], 3, "nowhere.csv: not a readable table"),
    ],
)
def test_what_cannot_be_grouped_is_told(
    arguments: list[str], code: int, told: str, model: Path, grouped: Path, tmp_path: Path
) -> None:
    result = run_fer("bias", model, grouped, *arguments, "-o", tmp_path / "out")
    assert result.exit_code == code
    assert told in result.stderr
    assert not (tmp_path / "out").exists()


def test_an_output_that_exists_is_refused(model: Path, grouped: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    assert run_fer("bias", model, grouped, "--by", "glasses", "-o", tmp_path / "out").exit_code == 4


def test_the_default_is_the_least_number_of_rows_of_the_library() -> None:
    from fer_cli.analysis.bias.measure import MIN_ROWS
    from fer_cli.commands.bias import command

    assert {option.name: option for option in command.params}["min_rows"].default == MIN_ROWS
