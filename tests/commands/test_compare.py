"""`fer compare` on results whose differences are planted."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from tests import helpers
from tests.helpers import run_fer


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Evaluations of a network that misnames one class of seven, and of one that is always right."""
    folder = tmp_path_factory.mktemp("results")
    dataset = helpers.write_dataset(folder / "planted.h5")
    for name, wrong in (("wrong", (2,)), ("right", ())):
        model = helpers.write_model(folder / f"{name}.keras", wrong)
        assert run_fer("eval", model, dataset, "-o", folder / name, "-q").exit_code == 0
    return [folder / "wrong", folder / "right"]


def test_results_stand_side_by_side_and_are_tested_against_the_first(results: list[Path]) -> None:
    result = run_fer("compare", *results)
    assert result.exit_code == 0
    assert "planted, val, n = 28, single pass, one network" in result.stdout
    folder = Path("results/comparison")
    assert sorted(path.name for path in folder.iterdir()) == ["comparison.csv", "comparison.png", "result.json"]
    with (folder / "comparison.csv").open(encoding="utf-8", newline="") as stream:
        first, second = csv.DictReader(stream)
    assert (first["model"], second["model"]) == ("wrong", "right")
    assert first["against_first_difference"] == ""
    assert float(second["against_first_difference"]) == pytest.approx(1 / 7)
    assert (second["against_first_gained"], second["against_first_lost"]) == ("4", "0")
    assert float(second["against_first_p_value"]) == pytest.approx(2 / 2**4)


def test_json_holds_the_rows_and_their_tests(results: list[Path], tmp_path: Path) -> None:
    result = run_fer("compare", *results, "-o", tmp_path / "out", "--json")
    record = json.loads(result.stdout)
    assert record == json.loads((tmp_path / "out" / "result.json").read_text())
    assert [row["accuracy"] for row in record["results"]["rows"]] == pytest.approx([6 / 7, 1])
    assert record["results"]["rows"][1]["against_first"]["n"] == 28


def test_without_predictions_results_are_shown_and_it_is_said(results: list[Path], tmp_path: Path) -> None:
    alone = tmp_path / "alone.json"
    shutil.copy(results[1] / "result.json", alone)
    result = run_fer("compare", results[0] / "result.json", alone)
    assert result.exit_code == 0
    assert "no paired figures, it or the first has no predictions.csv" in result.stderr
    assert "McNemar" not in result.stdout


def test_an_existing_comparison_is_kept_unless_overwrite(results: list[Path]) -> None:
    assert run_fer("compare", *results, "-q").exit_code == 0
    refused = run_fer("compare", *results, "-q")
    assert refused.exit_code == 4
    assert "results/comparison exists" in refused.stderr
    assert run_fer("compare", *results, "-q", "--overwrite").exit_code == 0


def test_published_figures_stand_beside_ours_everywhere(results: list[Path], tmp_path: Path) -> None:
    table = tmp_path / "published.csv"
    table.write_text("name,split,accuracy,source\nright,val,0.9,a study\nabsent,val,0.4,another study\n")
    result = run_fer("compare", *results, "--published", table)
    assert result.exit_code == 0
    assert "published, and ours beside it" in result.stdout
    assert "+0.1000" in result.stdout
    with Path("results/comparison/comparison.csv").open(encoding="utf-8", newline="") as stream:
        wrong, right = csv.DictReader(stream)
    assert (wrong["published_accuracy"], right["published_accuracy"]) == ("", "0.9")
    record = json.loads(Path("results/comparison/result.json").read_text())
    assert [entry["runs"] for entry in record["results"]["published"]] == [1, 0]
    assert record["inputs"][-1]["path"] == str(table)
    assert run_fer("report", "results", "-q").exit_code == 0
    assert "another study" in Path("report.html").read_text(encoding="utf-8")


def test_a_published_table_that_cannot_be_used_ends_it(results: list[Path], tmp_path: Path) -> None:
    table = tmp_path / "published.csv"
    table.write_text("name,accuracy,source\nright,90,a study\n")
    result = run_fer("compare", *results, "--published", table)
    assert result.exit_code == 3
    assert "published.csv:2: accuracy: expected a number from 0 to 1. Received: '90'" in result.stderr
    assert not Path("results").exists()


def test_accuracy_is_drawn_against_what_enough_results_tell(results: list[Path]) -> None:
    assert run_fer("compare", *results, "--against", "parameters", "-q").exit_code == 0
    assert "against.png" in json.loads(Path("results/comparison/result.json").read_text())["results"]["files"]
    refused = run_fer("compare", *results, "--against", "train_rows", "-o", "other")
    assert refused.exit_code == 2
    assert "--against train_rows: expected at least 2 RESULTs that tell it" in refused.stderr
    assert not Path("other").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "result.json: no such file"),
        ("{", "result.json: not a readable JSON file"),
        ('["a"]', "result.json: not a result of fer; expected a JSON object with command, inputs"),
        (
            '{"command": "x", "inputs": [], "parameters": {}, "results": {"n": 1}}',
            "a result of fer x without an accuracy",
        ),
    ],
)
def test_what_is_no_result_is_refused(content: str | None, message: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    if content is not None:
        (folder / "result.json").write_text(content)
    result = run_fer("compare", folder)
    assert result.exit_code == 3
    assert message in result.stderr
    assert not Path("results").exists()


def test_no_result_is_wrong_usage() -> None:
    result = run_fer("compare")
    assert result.exit_code == 2
    assert "Missing argument 'RESULT...'" in result.stderr
