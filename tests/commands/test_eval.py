"""`fer eval` on networks whose answers are known."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fer_cli import catalog
from fer_cli.transform.illuminate import step
from tests import helpers, tiny
from tests.helpers import run_fer

OUTPUTS = ["confusion_matrix.png", "mistakes.png", "per_class.csv", "predictions.csv", "reliability.png", "result.json"]


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A network that names every planted face rightly, but fear happy."""
    return helpers.write_model(tmp_path / "wrong.keras", wrong=(2,))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_model_is_scored_and_everything_is_written(wrong: Path, dataset: Path, tmp_path: Path) -> None:
    result = run_fer("eval", wrong, dataset)
    assert result.exit_code == 0
    assert "planted.h5, val, n = 28, single pass, one network" in result.stdout
    assert "0.8571" in result.stdout
    folder = tmp_path / "results" / "wrong-val"
    assert sorted(path.name for path in folder.iterdir()) == OUTPUTS
    record = json.loads((folder / "result.json").read_text())
    assert record["results"]["accuracy"] == pytest.approx(6 / 7)
    assert record["results"]["files"] == OUTPUTS[:-1]
    assert [Path(entry["path"]).name for entry in record["inputs"]] == ["wrong.keras", "planted.h5"]


def test_predictions_hold_every_row_with_all_probabilities(wrong: Path, dataset: Path, tmp_path: Path) -> None:
    assert run_fer("eval", wrong, dataset, "-o", tmp_path / "out", "-q").exit_code == 0
    rows = read(tmp_path / "out" / "predictions.csv")
    assert [row["source"] for row in rows] == [f"planted:{i}" for i in range(70, 98)]
    assert {row["prediction"] for row in rows if row["label"] == "fear"} == {"happy"}
    assert all((row["label"] == row["prediction"]) == (row["correct"] == "1") for row in rows)
    sums = [sum(float(value) for name, value in row.items() if name.startswith("p_")) for row in rows]
    assert sums == pytest.approx(np.ones(28), abs=1e-5)
    (fear,) = (row for row in read(tmp_path / "out" / "per_class.csv") if row["class"] == "fear")
    assert fear == {"class": "fear", "support": "4", "precision": "", "recall": "0.0", "f1": "0.0"}


def test_json_is_the_object_in_the_file_and_nothing_else(wrong: Path, dataset: Path, tmp_path: Path) -> None:
    result = run_fer("eval", wrong, dataset, "-o", tmp_path / "out", "--json")
    assert json.loads(result.stdout) == json.loads((tmp_path / "out" / "result.json").read_text())
    assert "accuracy" in result.stderr


def test_the_same_command_twice_gives_the_same_result(wrong: Path, dataset: Path, tmp_path: Path) -> None:
    records = []
    for name in ("a", "b"):
        run_fer("eval", wrong, dataset, "-o", tmp_path / name, "--seed", 5, "-q")
        record = json.loads((tmp_path / name / "result.json").read_text())
        records.append({key: value for key, value in record.items() if key not in ("date", "command_line")})
    assert records[0] == records[1]
    for name in OUTPUTS[:-1]:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_without_mistakes_there_is_no_sheet_of_them(model: Path, dataset: Path, tmp_path: Path) -> None:
    assert run_fer("eval", model, dataset, "-o", tmp_path / "out").exit_code == 0
    assert not (tmp_path / "out" / "mistakes.png").exists()


def test_several_models_are_an_ensemble_with_a_folder_of_its_own(model: Path, wrong: Path, dataset: Path) -> None:
    result = run_fer("eval", model, wrong, dataset, "--tta", "flip", "--split", "test", "--weights", "3,1")
    assert result.exit_code == 0
    record = json.loads(Path("results/planted-wrong-test-flip/result.json").read_text())
    assert record["results"]["protocol"] == "flip TTA, ensemble of 2"
    assert [member["weight"] for member in record["results"]["members"]] == [0.75, 0.25]
    assert "members" in result.stdout


def test_weights_are_searched_on_val_and_used_on_the_split(model: Path, wrong: Path, dataset: Path) -> None:
    result = run_fer("eval", wrong, model, dataset, "--search-weights", "--split", "test", "--json")
    assert result.exit_code == 0, result.stderr
    results = json.loads(result.stdout)["results"]
    search = results["weight_search"]
    assert (search["split"], search["n"], search["selected_on_these_rows"]) == ("val", 28, False)
    assert [member["weight"] for member in results["members"]] == search["weights"]
    assert search["weights"][1] > 0.99
    assert search["log_loss"] < search["log_loss_equal"]
    assert results["protocol"] == "single pass, ensemble of 2 weighted on val"
    equal = run_fer("eval", wrong, model, dataset, "--split", "test", "-o", "equal", "--json")
    assert results["nll"] < 0.9 * json.loads(equal.stdout)["results"]["nll"]
    assert "weights found on val (n = 28): mean log-loss" in result.stderr


def test_weights_searched_on_the_rows_that_are_scored_say_so(model: Path, wrong: Path, dataset: Path) -> None:
    result = run_fer("eval", wrong, model, dataset, "--search-weights", "--json")
    results = json.loads(result.stdout)["results"]
    assert results["protocol"] == "single pass, ensemble of 2 weighted on these rows"
    assert results["weight_search"]["selected_on_these_rows"] is True
    assert results["nll"] == pytest.approx(results["weight_search"]["log_loss"], abs=1e-4)


def test_a_search_needs_val_rows(model: Path, wrong: Path, tmp_path: Path) -> None:
    dataset = helpers.write_dataset(tmp_path / "test-only.h5", helpers.planted_records((7, 0, 14)))
    result = run_fer("eval", model, wrong, dataset, "--search-weights", "--split", "test")
    assert result.exit_code == 3
    assert "the split 'val' is empty; filled are: train, test" in result.stderr


def test_a_search_for_one_model_is_refused(model: Path, dataset: Path) -> None:
    result = run_fer("eval", model, dataset, "--search-weights")
    assert result.exit_code == 2
    assert result.stderr == "fer: --search-weights: expected an ensemble of two models or more. Received: 1\n"


def test_a_strangers_model_is_scored_with_classes(dataset: Path, tmp_path: Path, model: Path) -> None:
    import keras

    keras.saving.load_model(model).save(tmp_path / "plain.keras")
    refused = run_fer("eval", tmp_path / "plain.keras", dataset)
    assert refused.exit_code == 3
    assert "name them with --classes" in refused.stderr
    names = "angry,disgust,fear,happy,sad,surprise,neutral"
    result = run_fer("eval", tmp_path / "plain.keras", dataset, "--classes", names, "--json")
    assert json.loads(result.stdout)["results"]["accuracy"] == 1


def test_images_that_were_adapted_are_mentioned(model: Path, tmp_path: Path) -> None:
    dataset = helpers.write_dataset(tmp_path / "rgb.h5", helpers.planted_records((0, 14, 0), channels=3))
    result = run_fer("eval", model, dataset)
    assert result.exit_code == 0
    assert "images adapted from 24×24×3 to 24×24×1" in result.stderr


def test_the_model_s_own_illumination_correction_is_applied_and_recorded(dataset: Path, tmp_path: Path) -> None:
    clahe = helpers.write_model(tmp_path / "clahe.keras", transforms=[step("clahe")])
    result = run_fer("eval", clahe, dataset, "--json")
    assert result.exit_code == 0
    assert "clahe.keras: illumination corrected as in training: clahe" in result.stderr
    results = json.loads(result.stdout)["results"]
    assert results["members"][0]["illumination"] == ["clahe"]
    assert results["warnings"] == []


def test_a_model_trained_on_corrected_faces_takes_the_correction_along(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalog.ARCHITECTURES, "tiny", tiny.REFERENCE)
    assert run_fer("prepare", dataset, "--illumination", "plane", "-o", "plane.h5").exit_code == 0
    train = run_fer("train", "plane.h5", "--arch", "tiny", "--epochs", 1, "--batch-size", 14, "-o", "net.keras")
    assert train.exit_code == 0, train.stderr
    runs = [run_fer("eval", "net.keras", path, "--json", "-o", path.stem) for path in (dataset, Path("plane.h5"))]
    raw, prepared = (json.loads(result.stdout)["results"] for result in runs)
    assert raw["nll"] == prepared["nll"]
    assert raw["members"][0]["illumination"] == ["plane"]
    assert prepared["members"][0]["illumination"] == []


def test_a_correction_that_the_model_does_not_know_is_warned_of(model: Path, tmp_path: Path) -> None:
    gamma = helpers.write_dataset(tmp_path / "gamma.h5", transforms=[step("gamma")])
    result = run_fer("eval", model, gamma, "--json", "-q")
    assert result.exit_code == 0
    assert "warning: " in result.stderr
    assert "gamma.h5: the illumination of these images was corrected (gamma), which cannot be undone" in result.stderr
    (warning,) = json.loads(result.stdout)["results"]["warnings"]
    assert "planted.keras was trained on images without that" in warning


def test_a_model_with_a_correction_that_is_unknown_here_is_refused(dataset: Path, tmp_path: Path) -> None:
    later = helpers.write_model(tmp_path / "later.keras", transforms=[step("clahee")])
    result = run_fer("eval", later, dataset)
    assert result.exit_code == 3
    assert "later.keras: unknown illumination correction 'clahee': did you mean 'clahe'?" in result.stderr
    assert not Path("results").exists()


def test_an_existing_result_is_kept_unless_overwrite(model: Path, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run_fer("eval", model, dataset, "-o", out).exit_code == 0
    before = (out / "result.json").stat().st_mtime_ns
    refused = run_fer("eval", model, dataset, "-o", out)
    assert refused.exit_code == 4
    assert "out exists; choose another -o or say --overwrite" in refused.stderr
    assert (out / "result.json").stat().st_mtime_ns == before
    assert run_fer("eval", model, dataset, "-o", out, "--overwrite").exit_code == 0
    assert (out / "result.json").stat().st_mtime_ns > before


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--weights", "1"], 2, "--weights: expected 2, one a model. Received: 1"),
        (["--weights", "1,x"], 2, "expected numbers separated by commas, not '1,x'"),
        (["--weights", "1,2", "--search-weights"], 2, "--search-weights and --weights exclude each other"),
        (["--tta", "blur"], 2, "'blur' is not one of 'none', 'flip', 'ten-crop'"),
        (["--split", "dev"], 2, "'dev' is not one of 'train', 'val', 'test'"),
    ],
)
def test_wrong_usage(arguments: list[str], status: int, message: str, model: Path, wrong: Path, dataset: Path) -> None:
    result = run_fer("eval", model, wrong, dataset, *arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert not Path("results").exists()


def test_inputs_that_cannot_be_used(model: Path, dataset: Path, tmp_path: Path) -> None:
    other = helpers.write_dataset(tmp_path / "two.h5", helpers.planted_records((0, 14, 0)), tuple("abcdefg"))
    for arguments, message in {
        (tmp_path / "none.keras", dataset): "none.keras: no such model file",
        (model, tmp_path / "none.h5"): "none.h5: no such dataset file",
        (model, other): "the classes do not match. Expected: a, b, c, d, e, f, g. Received: angry",
        (model, other, "--split", "test"): "the split 'test' is empty; filled are: val",
    }.items():
        result = run_fer("eval", *arguments)
        assert result.exit_code == 3
        assert message in result.stderr
    assert not Path("results").exists()


def test_an_output_that_cannot_be_written(model: Path, dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    result = run_fer("eval", model, dataset, "-o", tmp_path / "file" / "out")
    assert result.exit_code == 3
    assert "cannot be written" in result.stderr


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_the_scores_are_the_same_on_jax(wrong: Path, dataset: Path, tmp_path: Path) -> None:
    for backend in ("tensorflow", "jax"):
        command = [sys.executable, "-m", "fer_cli.main", "eval", wrong, dataset, "-o", tmp_path / backend]
        subprocess.run(list(map(str, command)), check=True, env={**os.environ, "KERAS_BACKEND": backend})
    tables = [read(tmp_path / backend / "predictions.csv") for backend in ("tensorflow", "jax")]
    for ours, theirs in zip(*tables, strict=True):
        assert float(ours["p_happy"]) == pytest.approx(float(theirs["p_happy"]), abs=1e-5)
