"""`fer saliency` on a network of which it is known where it looks."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fer_cli.commands import saliency
from fer_cli.errors import UsageError
from fer_cli.labels import EMOTIONS
from tests import helpers
from tests.helpers import SIDE, place, run_fer

#: One method and no tests of it.
QUICK = ("--method", "gradient", "--evidence", 0)


def results_of(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(folder, "result.json").read_text())["results"]
    return found


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with a planted face of class 3, and one of class 5 twice as large, in colour."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    small, large = helpers.planted_faces(np.array([3, 5], np.uint8))
    cv2.imwrite(str(folder / "a.png"), small)
    cv2.imwrite(str(folder / "b.png"), np.repeat(cv2.resize(large, (48, 48))[..., None], 3, axis=2))
    return folder


def test_faces_are_explained_and_everything_is_written(model: Path, dataset: Path, tmp_path: Path) -> None:
    result = run_fer("saliency", model, dataset, *QUICK[:2], "--evidence", 14, "--class-means", "--limit", 2)
    assert result.exit_code == 0, result.stderr
    assert "planted.keras on planted.h5, val, n = 7" in result.stdout
    folder = tmp_path / "results" / "saliency-planted-val"
    results = results_of(str(folder))
    assert [(face["given"], face["predicted"], face["explained"]) for face in results["faces"]] == [
        (name, name, name) for name in EMOTIONS
    ]
    assert results["files"] == [
        "class_means.npz", "class_means.png", "deletion_insertion.png", "evidence.csv", "faces.csv", "maps.npz",
        "sanity.png", "sheet.png",
    ]  # fmt: skip
    assert results["class_means"]["predicted"] == dict.fromkeys(EMOTIONS, 2)
    assert results["evidence"]["pointing"] is None
    assert "its faces were not drawn by fer prepare synthetic" in result.stderr
    with np.load(folder / "maps.npz") as maps:
        assert maps["gradient"].shape == (7, SIDE, SIDE)
        for label in range(7):
            strongest = np.abs(maps["gradient"][label])
            assert strongest[place(label)].sum() == pytest.approx(strongest.sum())
    with (folder / "evidence.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["method"]: row for row in csv.DictReader(stream)}
    assert float(rows["gradient"]["insertion_gain_interval_low"]) > 0
    assert rows["gradient"]["sanity_passed"] == "True"
    assert rows["random order"]["sanity_passed"] == ""


def test_on_drawn_faces_the_parts_are_known_and_the_page_shows_it(tmp_path: Path) -> None:
    assert run_fer("prepare", "synthetic", "--count", 84, "--size", SIDE, "-o", "drawn.h5", "-q").exit_code == 0
    trained = run_fer(
        "train", "drawn.h5", "--arch", "pattern:CPF", "--widths", "8", "--epochs", 6, "--batch-size", 16,
        "--optimizer", "adam", "--lr", "1e-2", "-o", "small.keras", "-q",
    )  # fmt: skip
    assert trained.exit_code == 0, trained.stderr
    asked = ("--split", "train", "--methods", "gradient", "--methods", "grad-cam", "--evidence", 21, "-o", "out")
    assert run_fer("saliency", "small.keras", "drawn.h5", *asked, "-q").exit_code == 0
    pointing = results_of("out")["evidence"]["pointing"]
    assert [one["method"] for one in pointing] == ["gradient", "grad-cam"]
    for one in pointing:
        assert 0 < one["area"] < 0.6
        assert one["mass_interval"][0] <= one["mass"] <= one["mass_interval"][1]
        assert sum(one["parts"].values()) == pytest.approx(1)
    assert run_fer("report", "out", "-o", "page.html").exit_code == 0
    page = Path("page.html").read_text()
    assert "pointing at the parts that make the expression" in page
    assert "what speaks for the class explained" in page


def test_methods_that_cannot_explain_a_network_are_left_out_unless_named(model: Path, dataset: Path) -> None:
    usual = run_fer("saliency", model, dataset, "--evidence", 0, "-o", "usual")
    assert usual.exit_code == 0, usual.stderr
    assert results_of("usual")["methods"] == ["gradient"]  # a linear network has neither rectifiers nor places
    assert "guided-backprop left out: " in usual.stderr
    named = run_fer("saliency", model, dataset, "--evidence", 0, "--method", "gradient", "--method", "grad-cam")
    assert named.exit_code == 2


def test_json_is_the_object_in_the_file_and_repeats_itself(model: Path, dataset: Path) -> None:
    found = []
    for name in ("a", "b"):
        result = run_fer("saliency", model, dataset, "--method", "gradient", "--evidence", 7, "-o", name, "--json")
        assert result.exit_code == 0, result.stderr
        found.append(json.loads(result.stdout))
        assert found[-1] == json.loads(Path(name, "result.json").read_text())
    assert found[0]["results"] == found[1]["results"]


def test_rows_and_classes_can_be_named(dataset: Path, tmp_path: Path) -> None:
    wrong = helpers.write_model(tmp_path / "wrong.keras", wrong=(2,))
    assert run_fer("saliency", wrong, dataset, *QUICK, "--wrong", "--per-class", 3, "-o", "wrong").exit_code == 0
    assert {(face["given"], face["predicted"]) for face in results_of("wrong")["faces"]} == {("fear", "happy")}
    assert len(results_of("wrong")["faces"]) == 3
    assert run_fer("saliency", wrong, dataset, *QUICK, "--rows", "9,2-3", "--label", "-o", "label").exit_code == 0
    faces = results_of("label")["faces"]
    assert [(face["row"], face["explained"]) for face in faces] == [(9, "fear"), (2, "fear"), (3, "happy")]
    assert faces[0]["probability_explained"] < 0.1 < faces[0]["probability"]
    assert run_fer("saliency", wrong, dataset, *QUICK, "--class", "Sadness", "-o", "sad").exit_code == 0
    assert {face["explained"] for face in results_of("sad")["faces"]} == {"sad"}


def test_pictures_are_explained(model: Path, pictures: Path) -> None:
    asked = (*QUICK, "--detector", "skip", "--feature-maps", "all")
    # A picture that is named twice is explained once.
    result = run_fer("saliency", model, pictures / "a.png", pictures / "*.png", *asked, "-o", "out", "--json")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert [Path(entry["path"]).name for entry in record["inputs"]] == ["planted.keras", "a.png", "b.png"]
    assert [(face["given"], face["predicted"]) for face in record["results"]["faces"]] == [
        (None, "happy"),
        (None, "surprise"),
    ]
    assert record["results"]["evidence"] is None
    assert {"feature_maps-1.png", "feature_maps-2.png", "sheet.png"} < set(record["results"]["files"])
    assert run_fer("report", "out", "-o", "page.html").exit_code == 0


def test_a_picture_without_a_face_is_left_out_and_told(model: Path, pictures: Path) -> None:
    result = run_fer("saliency", model, pictures, *QUICK, "--detector", "haar")
    assert result.exit_code == 3
    assert "haar found no face; --detector skip is for pictures that are faces" in result.stderr
    assert not list(Path().glob("results/*"))


def test_filters_feature_maps_and_maximised_images_need_no_maps(dataset: Path, tmp_path: Path) -> None:
    train = ("--arch", "pattern:CPF", "--widths", "4", "--epochs", 1, "-o", "small.keras", "-q")
    assert run_fer("train", dataset, *train).exit_code == 0
    asked = ("--filters", "all", "--feature-maps", "all", "--maximize", "happy")
    result = run_fer("saliency", "small.keras", dataset, *asked, "--rows", "4,5", "-o", "out", "--json")
    assert result.exit_code == 0, result.stderr
    results = json.loads(result.stdout)["results"]
    assert (results["methods"], results["faces"]) == ([], [])
    named = results["files"]
    assert {"excitation.png", "feature_maps-1.png", "feature_maps-2.png"} < set(named)
    assert any(name.startswith("filters-") for name in named)
    alone = run_fer("saliency", "small.keras", "--filters", "all", "-o", "filters")
    assert alone.exit_code == 0, alone.stderr
    more = ("--rows", 3, "--class", "happy", "--class-means", "--limit", 1, "--evidence", 0)
    both = run_fer("saliency", "small.keras", dataset, "--filters", "all", *more, "-o", "both")
    assert both.exit_code == 0, both.stderr
    results = results_of("both")
    assert "grad-cam" in results["methods"]
    assert [(face["row"], face["explained"]) for face in results["faces"]] == [(3, "happy")]
    assert "class_means.png" in results["files"]
    assert any(name.startswith("filters-") for name in results["files"])


@pytest.mark.parametrize(
    ("arguments", "makes_maps"),
    [
        ("", False),
        ("--evidence 0", False),
        ("--split test", False),
        ("--class-means", True),
        ("--class sad", True),
        ("--evidence 7", True),
        ("--label", True),
        ("--layer conv", True),
        ("--per-class 2", True),
        ("--rows 0", True),
        ("--wrong", True),
        ("--feature-maps all --rows 3 --wrong", False),
        ("--feature-maps all --rows 3 --label", True),
    ],
)
def test_beside_filters_maps_are_made_where_an_option_is_about_them(
    arguments: str, makes_maps: bool, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def stop(_sources: object, named: dict[str, Any]) -> None:
        asked.append(named["methods"])
        raise UsageError("enough")

    monkeypatch.setattr(saliency, "_dataset", stop)
    assert "enough" in run_fer("saliency", model, "--filters", "all", *arguments.split()).stderr
    assert asked == [[*saliency.DEFAULT] if makes_maps else []]


def test_a_layer_that_no_method_looks_at_is_refused(model: Path, dataset: Path) -> None:
    # A linear network has no places: of the usual methods none but the gradient can explain it.
    result = run_fer("saliency", model, dataset, "--evidence", 0, "--layer", "nosuch")
    assert result.exit_code == 2
    assert "--layer nosuch: expected a CAM among the methods. Received: gradient; " in result.stderr
    assert "grad-cam left out: unknown layer of maps 'nosuch'" in result.stderr
    assert not list(Path().glob("results/*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--method", "grad"), "'grad' is not one of 'gradient'"),
        (("--rows", "3-1"), "expected rows from 0 such as 3,17,40-45. Received: 3-1"),
        (("--rows", "5-"), "expected rows from 0 such as 3,17,40-45. Received: 5-"),
        (("--rows", "-5"), "expected rows from 0 such as 3,17,40-45. Received: -5"),
        (("--rows", "x"), "expected rows from 0 such as 3,17,40-45. Received: x"),
        (("--class", "happy", "--label"), "--class and --label exclude each other"),
        (("--class", "hapy"), "--class: unknown class 'hapy': did you mean 'happy'?"),
        (("--correct", "--wrong"), "--correct and --wrong exclude each other"),
        (("--maximize", "hapy"), "--maximize: unknown class 'hapy': did you mean 'happy'?"),
        (("--layer", "nosuch", "--method", "grad-cam"), "nosuch"),
        (
            ("--layer", "nosuch", "--method", "occlusion"),
            "--layer nosuch: expected a CAM among the methods. Received: occlusion",
        ),
        (("--filters", "nosuch"), "It has none"),
        (("other.h5",), "SOURCE: expected one dataset file, or pictures. Received: "),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], message: str, model: Path, dataset: Path) -> None:
    method = () if "--method" in arguments else ("--method", "gradient")
    result = run_fer("saliency", model, dataset, "--evidence", 0, *method, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not list(Path().glob("results/*"))


def test_options_of_rows_are_not_for_pictures(model: Path, pictures: Path) -> None:
    for option in (("--rows", "1"), ("--correct",), ("--wrong",), ("--label",), ("--class-means",)):
        result = run_fer("saliency", model, pictures, *QUICK, *option)
        assert result.exit_code == 2
        assert f"{option[0]} is for rows of a dataset. Received: {pictures}" in result.stderr


def test_inputs_that_cannot_be_used(model: Path, dataset: Path, pictures: Path) -> None:
    (pictures / "c.png").write_text("no picture")
    Path("clip.mp4").write_bytes(b"")
    Path("svm.skops").write_bytes(b"")
    for arguments, status, message in (
        (("none.keras", dataset), 3, "none.keras: no such model file"),
        ((model, "none.h5"), 3, "none.h5: no such dataset file"),
        ((model, dataset, "--split", "test", "--rows", "28"), 3, "test: expected rows from 0 to 27. Received: 28"),
        ((model, dataset, "--wrong"), 3, "expected rows that the network names wrongly. Received: none"),
        ((model, pictures, "--detector", "skip"), 3, "c.png: not a readable image"),
        ((model, "none.png", "--detector", "skip"), 3, "none.png: No such file or directory"),
        ((model, "clip.mp4", "--detector", "skip"), 2, "clip.mp4: expected pictures or a dataset file. Received: a vi"),
        (("svm.skops", dataset), 2, "svm.skops: no network, so it has no maps"),
    ):
        result = run_fer("saliency", *arguments, *QUICK)
        assert result.exit_code == status, result.stderr
        assert message in result.stderr
    assert not list(Path().glob("results/*"))


def test_an_existing_result_is_kept_unless_overwrite(model: Path, dataset: Path) -> None:
    Path("out").mkdir()
    Path("out/result.json").write_text("{}")
    assert run_fer("saliency", model, dataset, *QUICK, "-o", "out").exit_code == 4
    assert Path("out/result.json").read_text() == "{}"
    assert run_fer("saliency", model, dataset, *QUICK, "-o", "out", "--overwrite").exit_code == 0
    assert results_of("out")["faces"]


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_evidence_is_the_same_on_jax(model: Path, dataset: Path) -> None:
    for backend in ("tensorflow", "jax"):
        command = [sys.executable, "-m", "fer_cli.main", "saliency", model, dataset, "--method", "gradient"]
        command += ["--evidence", "7", "-q", "-o", backend]
        subprocess.run(list(map(str, command)), check=True, env={**os.environ, "KERAS_BACKEND": backend})
    ours, theirs = (results_of(name)["evidence"]["faithfulness"][0] for name in ("tensorflow", "jax"))
    assert ours["insertion"] == pytest.approx(theirs["insertion"], abs=1e-3)
    assert ours["deletion"] == pytest.approx(theirs["deletion"], abs=1e-3)
