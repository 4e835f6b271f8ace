"""`fer eda`: a dataset with planted classes, persons and attributes, described on one page."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_cli.labels import EMOTIONS
from fer_cli.store.writer import create_dataset
from tests import helpers
from tests.helpers import run_fer

FIGURES = ("distribution", "samples", "mean_faces", "eigenfaces", "variance", "histograms")


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `fer eda` makes of 70 planted train faces in colour, with two attributes and without a face in disgust."""
    folder = tmp_path_factory.mktemp("eda")
    records = helpers.planted_records(channels=3)
    records = records.take(records.labels != EMOTIONS.index("disgust"))
    glasses, yaw = np.arange(len(records), dtype=np.uint8) % 2, np.arange(len(records), dtype=np.float32)
    records = replace(records, attributes={"glasses": glasses, "yaw": yaw})
    with create_dataset(folder / "faces.h5", EMOTIONS, {"glasses": ("no", "yes")}) as writer:
        writer.append(records)
        writer.finish({"command": "test"})
    arguments = ("--components", 3, "--samples", 4, "--json")
    result = run_fer("eda", folder / "faces.h5", "-o", folder / "out", *arguments)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == json.loads((folder / "out" / "result.json").read_text())
    assert "hold 90 % of the variance of train" in result.stderr
    return folder / "out"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def results(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())["results"]
    return found


def test_the_folder_holds_what_the_result_names(described: Path) -> None:
    names = {path.name for path in described.iterdir()} - {"result.json"}
    assert names == set(results(described)["files"])
    tables = {"distribution", "subjects", "attributes", "numbers", "variance", "histograms", "per_class", "samples"}
    assert names == {"index.html", *(f"{name}.png" for name in FIGURES), *(f"{name}.csv" for name in tables)}


def test_the_result_says_what_was_planted(described: Path) -> None:
    found = results(described)
    assert (found["split"], found["n"], found["image_shape"], found["pixels"]) == ("train", 60, [24, 24, 3], 576)
    assert found["distribution"][1] == {"class": "disgust", "train": 0, "val": 0, "test": 0, "all": 0}
    assert found["distribution"][3] == {"class": "happy", "train": 10, "val": 4, "test": 4, "all": 18}
    assert [row["class"] for row in found["per_class"]] == ["all", *(n for n in EMOTIONS if n != "disgust")]
    # A person in ten takes every tenth row, so all are in every split.
    assert found["subjects"][-1]["subjects"] == found["subjects"][-1]["shared"] == 10
    assert [row["all"] for row in found["attributes"]] == [54, 54]
    assert found["numbers"][0]["max"] == 107
    # 60 faces span 59 directions about their mean.
    assert 1 < found["components_90"] < found["components_95"] < 60
    assert "grey images" in found["notes"][0]


def test_tables_hold_the_same_figures(described: Path) -> None:
    found = results(described)
    assert len(rows(described / "variance.csv")) == 576
    reached = rows(described / "variance.csv")[found["components_90"] - 1]
    assert float(reached["cumulative_share"]) >= 0.9
    counted = [int(row["all"]) for row in rows(described / "histograms.csv")]
    assert sum(counted) == 2 * 60
    assert [int(row["images"]) for row in rows(described / "per_class.csv")] == [60] + [10] * 6
    drawn = rows(described / "samples.csv")
    assert len(drawn) == 6 * 4
    # The row number of a planted face gives its class away.
    assert all(EMOTIONS[int(row["source"].split(":")[1]) % 7] == row["class"] for row in drawn)


def test_the_page_shows_all_figures_and_tables(described: Path) -> None:
    html = (described / "index.html").read_text(encoding="utf-8")
    assert "<h1>The faces of faces train</h1>" in html
    assert html.count("data:image/png;base64,") == len(FIGURES)
    for text in ("Images by class and split", "Subjects", "Attributes", "components for 90 % of the variance", "yaw"):
        assert text in html
    assert html.index("Faces drawn from each class") < html.index("The first eigenfaces")
    # The folder that the user named, not the one that the work went on in.
    assert f"{described}/result.json" in html


def test_a_report_of_the_folder_shows_it_too(described: Path) -> None:
    result = run_fer("report", described, "--json")
    assert json.loads(result.stdout)["results"]["sections"] == ["eda faces train"]
    assert "Mean face of all and of each class" in Path("report.html").read_text(encoding="utf-8")


def test_another_split_goes_to_a_folder_of_its_own_name(dataset: Path) -> None:
    result = run_fer("eda", dataset, "--split", "val", "--components", 1)
    assert result.exit_code == 0
    assert results(Path("results/eda-planted-val"))["n"] == 28
    assert "Images by class and split" in result.stdout
    assert "the page is results/eda-planted-val/index.html" in result.stderr


def test_an_existing_folder_is_kept_unless_overwrite(tmp_path: Path) -> None:
    dataset = helpers.write_dataset(tmp_path / "planted.h5", helpers.planted_records((7, 0, 0)))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "result.json").write_text("mine")
    refused = run_fer("eda", dataset, "-o", tmp_path / "out")
    assert refused.exit_code == 4
    assert "out exists" in refused.stderr
    assert (tmp_path / "out" / "result.json").read_text() == "mine"
    # One face a class has no eigenfaces of its own; that of all is still drawn.
    assert run_fer("eda", dataset, "-o", tmp_path / "out", "--overwrite", "-q").exit_code == 0
    assert [row["eigenfaces"] for row in results(tmp_path / "out")["per_class"]] == [6] + [0] * 7


def test_a_split_without_rows_is_refused_and_nothing_written(tmp_path: Path) -> None:
    dataset = helpers.write_dataset(tmp_path / "planted.h5", helpers.planted_records((0, 7, 0)))
    result = run_fer("eda", dataset, "-o", tmp_path / "out")
    assert result.exit_code == 3
    assert "the split 'train' is empty; filled are: val" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["planted.h5"]


def test_what_cannot_be_described(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("no HDF5")
    for arguments, code, message in (
        (("text.h5",), 3, "text.h5: not an HDF5 file"),
        (("nowhere.h5",), 3, "nowhere.h5: no such dataset file"),
        ((), 3, "make it with: fer prepare"),
        (("text.h5", "--components", 0), 2, "--components"),
        (("text.h5", "--split", "all"), 2, "--split"),
    ):
        result = run_fer("eda", *arguments)
        assert result.exit_code == code, arguments
        assert message in result.stderr
    assert not Path("results").exists()
