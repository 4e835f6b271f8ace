"""`fer report`: one page from what lies in folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import helpers
from tests.helpers import run_fer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make demo` leaves: a dataset, a network and its evaluation."""
    demo = tmp_path_factory.mktemp("demo")
    dataset = helpers.write_dataset(demo / "faces.h5")
    model = helpers.write_model(demo / "wrong.keras", wrong=(2,))
    assert run_fer("eval", model, dataset, "-o", demo / "test", "--split", "test", "-q").exit_code == 0
    return demo


def test_the_page_holds_dataset_scores_and_figures(folder: Path) -> None:
    result = run_fer("report", folder, "-o", "index.html", "--title", "Faces & figures")
    assert result.exit_code == 0
    assert "index.html: datasets 1, results 1" in result.stderr
    html = Path("index.html").read_text(encoding="utf-8")
    assert "<h1>Faces &amp; figures</h1>" in html
    for text in ("0.8571", "Images by class and split", "Confusion matrix", "Reliability", "most confident mistakes"):
        assert text in html
    # Faces of the dataset, confusion matrix, reliability diagram and mistakes.
    assert html.count("data:image/png;base64,") == 4
    assert "Made by fer" in html


def test_json_names_the_page_and_its_sections(folder: Path) -> None:
    result = run_fer("report", folder, "--json")
    record = json.loads(result.stdout)
    assert record["results"]["sections"] == ["dataset faces", "eval wrong on faces test"]
    assert record["results"]["bytes"] == Path("report.html").stat().st_size


def test_an_existing_page_is_kept_unless_overwrite(folder: Path) -> None:
    Path("report.html").write_text("mine")
    refused = run_fer("report", folder)
    assert refused.exit_code == 4
    assert Path("report.html").read_text() == "mine"
    assert run_fer("report", folder, "--overwrite").exit_code == 0
    assert "Summary" in Path("report.html").read_text(encoding="utf-8")


def test_a_dataset_alone_makes_a_page_without_a_summary(tmp_path: Path) -> None:
    helpers.write_dataset(tmp_path / "data" / "faces.h5")
    assert run_fer("report", tmp_path / "data").exit_code == 0
    assert "Summary" not in Path("report.html").read_text(encoding="utf-8")


def test_a_dataset_file_may_be_named_by_itself(folder: Path) -> None:
    record = json.loads(run_fer("report", folder / "test", folder / "faces.h5", "--json").stdout)
    assert record["results"]["sections"] == ["dataset faces", "eval wrong on faces test"]


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.csv").write_text("a")
    messages = {
        "nowhere": "no such folder",
        "empty": "no result.json and no dataset file below",
        "text.csv": "expected a folder, a dataset file or a result.json",
    }
    for name, message in messages.items():
        result = run_fer("report", tmp_path / name)
        assert result.exit_code == 3
        assert message in result.stderr
    assert not Path("report.html").exists()
