"""Label files, results and links that name what lies elsewhere, and files that are none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_cli import files
from fer_cli.datasets.affectnet_csv import AffectNetCsv
from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.expw import ExpW
from fer_cli.faces.media import read_image
from fer_cli.reports import sections
from fer_cli.reports.figures import face_sheet
from tests.helpers import run_fer
from tests.hostile import refused

HEADER = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
#: Names of the picture `secret.png`, which lies beside the data set.
ELSEWHERE = ["../secret.png", "../../secret.png", "1/../../../secret.png", "/{here}/secret.png"]


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    face_sheet(np.full((1, 8, 8, 1), 200, np.uint8), ["a"], path)
    return path


@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_label_files_name_pictures_of_their_own(name: str, skip_bad: bool, tmp_path: Path) -> None:
    name = name.format(here=str(tmp_path).lstrip("/"))
    picture(tmp_path / "secret.png")
    for inside in ("ExpW/image/origin/a.png", "AffectNet/Manually_Annotated_Images/1/a.png"):
        picture(tmp_path / inside)
    for path, lines in {
        "ExpW/label/label.lst": ("a.png 0 0 0 8 8 1.0 3", f"{name} 0 0 0 8 8 1.0 3"),
        "AffectNet/training.csv": (HEADER, "1/a.png,0,0,8,8,,1,0.5,0.5", f"{name},0,0,8,8,,1,0.5,0.5"),
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("\n".join(lines))
    options = ReadOptions(size=8, color="gray", skip_bad=skip_bad)
    for source, importer in ((tmp_path / "ExpW", ExpW), (tmp_path / "AffectNet", AffectNetCsv)):
        if skip_bad:
            made = importer(source, options)
            assert sum(len(records) for records in made.records()) == 1
            told = made.findings.problems[0]
        else:
            told = refused(lambda importer=importer, source=source: list(importer(source, options).records()))
        assert "line " in told
        assert "expected the name of a picture below" in told


def test_a_pipe_or_a_device_is_no_picture(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "device.png").symlink_to("/dev/zero")
    for name in ("pipe.png", "device.png"):
        assert refused(lambda name=name: read_image(tmp_path / name)).endswith(f"{name}: not a file")


def test_folders_that_link_to_themselves_end(tmp_path: Path) -> None:
    tree = tmp_path / "faces"
    for name in ("happy", "sad"):
        picture(tree / name / "a.png")
        (tree / name / "again").symlink_to(tree)
    result = run_fer("prepare", tree, "--size", "8", "--color", "gray", "-o", "out.h5", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["results"]["rows"] == 2


def write_result(folder: Path, *named: str) -> tuple[Path, dict[str, Any]]:
    folder.mkdir()
    record = {"command": "webcam", "inputs": [], "parameters": {}, "results": {"files": [*named]}}
    files.write_json(folder / "result.json", record)
    return folder / "result.json", record


def test_a_page_holds_no_picture_from_elsewhere(tmp_path: Path) -> None:
    picture(tmp_path / "secret.png")
    path, record = write_result(tmp_path / "out", "own.png", "../secret.png", str(tmp_path / "secret.png"), "link.png")
    picture(tmp_path / "out" / "own.png")
    (tmp_path / "out" / "link.png").symlink_to(tmp_path / "secret.png")
    assert len(sections.result_section("a", path, record).figures) == 1
    del record["results"]["files"]
    assert len(sections.result_section("a", path, record).figures) == 1


def test_an_output_that_is_a_link_takes_its_place(tmp_path: Path, dataset: Path) -> None:
    kept = tmp_path / "kept.h5"
    kept.write_text("mine")
    (tmp_path / "out.h5").symlink_to(kept)
    result = run_fer("augment", dataset, "--policy", "flip:1", "--factor", "2", "-o", "out.h5", "--overwrite", "-q")
    assert result.exit_code == 0, result.stderr
    assert kept.read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "name"),
    [("happy", "happy"), ("../../x", "_x"), ("a/b\\c", "a_b_c"), ("very sad", "very_sad"), ("naïve-1", "naïve-1")],
)
def test_a_class_becomes_a_part_of_a_file_s_name(text: str, name: str) -> None:
    assert files.plain_name(text) == name
