"""`fer noise` on networks whose answers are known."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests import helpers
from tests.helpers import run_fer

TABLES = ["levels.csv", "repeats.csv"]
VARIANCE_OUTPUTS = ["accuracy_against_variance.png", "corrupted_faces.png", *TABLES, "repeats.png", "result.json"]
FEW = ("--variances", "0,0.001,0.5", "--repeats", 2)


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A network that names every planted face rightly, but happy sad."""
    return helpers.write_model(tmp_path / "wrong.keras", wrong=(3,))


@pytest.fixture
def dim(tmp_path: Path) -> Path:
    """Planted faces of an eighth of the light, in which noise soon hides the block."""
    records = helpers.planted_records()
    return helpers.write_dataset(tmp_path / "dim.h5", replace(records, images=records.images // 8))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_accuracy_falls_with_the_variance_and_everything_is_written(model: Path, dim: Path) -> None:
    result = run_fer("noise", model, dim, *FEW)
    assert result.exit_code == 0, result.stderr
    assert "planted under Gaussian noise (dim.h5, val, n = 28)" in result.stdout
    folder = Path("results/noise-planted-val")
    assert sorted(path.name for path in folder.iterdir()) == VARIANCE_OUTPUTS
    record = json.loads((folder / "result.json").read_text())
    results = record["results"]
    assert [(level["kind"], level["level"]) for level in results["levels"]] == [
        ("clean", 0), ("variance", 0.001), ("variance", 0.5),
    ]  # fmt: skip
    clean, weak, strong = (level["accuracy"] for level in results["levels"])
    assert clean == 1
    assert weak > 0.9
    assert strong < weak - 0.2
    assert results["files"] == VARIANCE_OUTPUTS[:-1]
    assert [Path(entry["path"]).name for entry in record["inputs"]] == ["planted.keras", "dim.h5"]
    rows = read(folder / "levels.csv")
    assert [float(row["accuracy"]) for row in rows] == [clean, weak, strong]
    assert {"accuracy_low", "lower_quartile", "median", "outliers"} <= rows[0].keys()
    assert [row["repeat"] for row in read(folder / "repeats.csv")] == ["1", "1", "2", "1", "2"]


def test_the_variances_of_the_study_are_the_default(model: Path, dataset: Path) -> None:
    result = run_fer("noise", model, dataset, "--limit", 1, "--repeats", 1, "--json", "-q")
    results = json.loads(result.stdout)["results"]
    assert [level["level"] for level in results["levels"]] == [0, 0.01, 0.05, 0.07, 0.1, 0.15, 0.2]
    assert (results["n"], results["limit"]) == (7, 1)


def test_corruptions_of_two_models_with_a_reference(model: Path, wrong: Path, dataset: Path, tmp_path: Path) -> None:
    kinds = ("--kind", "mask", "--kind", "shot-noise")
    result = run_fer("noise", model, wrong, dataset, *kinds, "--reference", wrong, "-o", "out", "--limit", 2)
    assert result.exit_code == 0, result.stderr
    assert "2 corruptions, errors against wrong" in result.stdout
    assert "paired.csv has the tests of all levels" in result.stderr
    out = Path("out")
    names = {path.name for path in out.iterdir()}
    assert {"severity.png", "corruption_errors.png", "corruptions.csv", "paired.csv"} <= names
    assert not {"repeats.png", "accuracy_against_variance.png"} & names
    results = json.loads((out / "result.json").read_text())["results"]
    assert [level["kind"] for level in results["levels"]] == (["clean"] + ["shot-noise"] * 5 + ["mask"] * 5) * 2
    own, reference = results["corruptions"]
    assert (reference["mce"], reference["ce"]) == (1, {"mask": 1, "shot-noise": 1})
    assert own["mce"] < 1
    assert len(read(out / "paired.csv")) == 11
    (clean, *_) = results["paired"]
    assert (clean["model"], clean["difference"], clean["lost"]) == (str(wrong), pytest.approx(-1 / 7), 2)


def test_variances_and_corruptions_go_together(model: Path, dataset: Path) -> None:
    result = run_fer("noise", model, dataset, *FEW, "--kind", "contrast", "--json", "-o", "out", "--limit", 1)
    record = json.loads(result.stdout)
    assert record == json.loads(Path("out/result.json").read_text())
    kinds = [level["kind"] for level in record["results"]["levels"]]
    assert kinds == ["clean", *["variance"] * 2, *["contrast"] * 5]
    assert record["parameters"]["kinds"] == ["contrast"]


def test_the_same_command_twice_gives_the_same_files(model: Path, dim: Path) -> None:
    for name in ("a", "b"):
        assert run_fer("noise", model, dim, *FEW, "-o", name, "--seed", 5, "-q").exit_code == 0
    for name in VARIANCE_OUTPUTS[:-1]:
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes()
    other = run_fer("noise", model, dim, *FEW, "-o", "c", "--seed", 6, "-q")
    assert other.exit_code == 0
    assert Path("a/repeats.csv").read_bytes() != Path("c/repeats.csv").read_bytes()


def test_published_figures_stand_beside_ours_and_on_the_page(model: Path, dataset: Path) -> None:
    Path("theirs.csv").write_text(
        "name,accuracy,dataset,source\nclean,0.96,other faces,a study\nvariance-0.001,0.8,other faces,a study\n"
    )
    result = run_fer("noise", model, dataset, *FEW, "--published", "theirs.csv", "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert "published, and ours beside it: planted" in result.stdout
    record = json.loads(Path("out/result.json").read_text())
    (entries,) = record["results"]["published"].values()
    assert [entry["published"]["accuracy"] for entry in entries] == [0.96, 0.8]
    assert [Path(entry["path"]).name for entry in record["inputs"]][-1] == "theirs.csv"
    assert run_fer("report", "out", "-o", "page.html").exit_code == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert "planted under Gaussian noise" in page
    assert "Accuracy against the variance of Gaussian noise" in page
    assert "Faces as they are, at the left, and corrupted." in page


def test_images_are_corrupted_before_they_are_adapted_and_that_is_told(model: Path, tmp_path: Path) -> None:
    rgb = helpers.write_dataset(tmp_path / "rgb.h5", helpers.planted_records((0, 14, 0), channels=3))
    result = run_fer("noise", model, rgb, "--kind", "saturate", "-o", "out", "--json")
    assert result.exit_code == 0, result.stderr
    assert "images adapted from 24×24×3 to 24×24×1, after they were corrupted" in result.stderr
    assert "before they are brought to a network's input" in json.loads(result.stdout)["results"]["protocol"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--variances", "0,x"], 2, "expected numbers from 0 to 1 separated by commas, not '0,x'"),
        (["--variances", "2"], 2, "expected numbers from 0 to 1 separated by commas, not '2'"),
        (["--variances", "nan"], 2, "expected numbers from 0 to 1 separated by commas, not 'nan'"),
        (["--kind", "rain"], 2, "'rain' is not one of 'gaussian-noise'"),
        (["--kind", "saturate"], 2, "--kind saturate changes colour alone: expected RGB images. Received: grey ones"),
        (["--repeats", "0"], 2, "0 is not in the range x>=1"),
        (["--reference", "r.keras"], 2, "--reference divides the errors of corruptions: expected a --kind as well"),
        (["--kind", "fog", "--reference", "none.keras"], 3, "none.keras: no such model file"),
        (["--published", "none.csv"], 3, "none.csv: No such file or directory"),
        (["--split", "train", "none.h5"], 2, "one DATASET expected, not 2"),
    ],
)
def test_what_cannot_be_done_is_refused(
    arguments: list[str], status: int, message: str, model: Path, dataset: Path
) -> None:
    result = run_fer("noise", model, dataset, *arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert not Path("results").exists()


def test_inputs_that_cannot_be_used(model: Path, tmp_path: Path) -> None:
    other = helpers.write_dataset(tmp_path / "two.h5", helpers.planted_records((0, 14, 0)), tuple("abcdefg"))
    for arguments, message in {
        (model, other): "the classes do not match. Expected: a, b, c, d, e, f, g. Received: angry",
        (model, other, "--split", "test"): "the split 'test' is empty; filled are: val",
    }.items():
        result = run_fer("noise", *arguments)
        assert result.exit_code == 3
        assert message in result.stderr
    assert not Path("results").exists()


def test_an_existing_result_is_kept_unless_overwrite(model: Path, dataset: Path) -> None:
    Path("out").mkdir()
    Path("out/result.json").write_text("mine")
    refused = run_fer("noise", model, dataset, "--variances", "0", "-o", "out")
    assert refused.exit_code == 4
    assert "out exists; choose another -o or say --overwrite" in refused.stderr
    assert Path("out/result.json").read_text() == "mine"
    assert run_fer("noise", model, dataset, "--variances", "0", "-o", "out", "--overwrite").exit_code == 0
    assert json.loads(Path("out/result.json").read_text())["results"]["levels"][0]["accuracy"] == 1
