"""`fer export` on a network whose answers are known, and its files run by other commands."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fer_cli.export import parity
from fer_cli.scorers import load_scorer
from fer_cli.store.weights import open_weights
from tests import helpers
from tests.helpers import run_fer

needs_onnx = pytest.mark.skipif(
    importlib.util.find_spec("tf2onnx") is None or importlib.util.find_spec("onnxruntime") is None,
    reason="the extra export is not installed",
)
needs_litert = pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is None, reason="the extra export is not installed"
)
RUNTIMES = [pytest.param("onnx", marks=needs_onnx), pytest.param("litert", marks=needs_litert)]
SUFFIX = {"onnx": ".onnx", "litert": ".tflite"}


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A network that names every planted face rightly, but fear happy."""
    return helpers.write_model(tmp_path / "wrong.keras", wrong=(2,))


@pytest.mark.parametrize("form", RUNTIMES)
def test_an_exported_file_answers_as_the_network_does_and_says_its_classes(
    form: str, wrong: Path, dataset: Path, tmp_path: Path
) -> None:
    result = run_fer("export", wrong, dataset, "--format", form, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["results"]
    assert found["parity"]["same_class"] == found["parity"]["n"] == 28
    assert found["parity"]["largest_difference"] < 1e-5
    written = tmp_path / f"wrong{SUFFIX[form]}"
    assert found["bytes"]["exported"] == written.stat().st_size
    assert load_scorer(written).class_names == load_scorer(wrong).class_names
    record = json.loads((tmp_path / f"{written.name}.export" / "result.json").read_text())
    assert record == json.loads(result.stdout)
    assert run_fer("eval", written, dataset, "-o", tmp_path / "out", "-q").exit_code == 0
    assert json.loads((tmp_path / "out" / "result.json").read_text())["results"]["accuracy"] == pytest.approx(6 / 7)


@pytest.mark.parametrize("form", RUNTIMES)
def test_eight_bits_keep_the_classes_of_clear_faces(form: str, wrong: Path, dataset: Path, tmp_path: Path) -> None:
    result = run_fer("export", wrong, dataset, "--format", form, "--int8", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["results"]
    assert found["parity"]["same_class"] == 28
    assert found["parity"]["largest_difference"] > 0
    assert found["file"] == str(tmp_path / f"wrong-int8{SUFFIX[form]}")


def test_a_saved_model_is_a_folder_that_answers_the_same(wrong: Path, dataset: Path, tmp_path: Path) -> None:
    result = run_fer("export", wrong, dataset, "--format", "saved_model", "-o", tmp_path / "served")
    assert result.exit_code == 0, result.stderr
    for told in ("kB", "ms a face (median)", "accuracy", "largest difference of a probability", "28 of 28"):
        assert told in result.stdout
    assert run_fer("report", tmp_path, "-o", tmp_path / "page.html", "-q").exit_code == 0
    assert "largest difference of a probability" in (tmp_path / "page.html").read_text()
    assert (tmp_path / "served" / "saved_model.pb").is_file()
    facts = json.loads((tmp_path / "served" / "assets.extra" / "fer.json").read_text())
    assert facts["class_names"] == list(load_scorer(wrong).class_names)
    again = run_fer("export", wrong, dataset, "--format", "saved_model", "-o", tmp_path / "served")
    assert again.exit_code == 4
    again = run_fer("export", wrong, dataset, "--format", "saved_model", "-o", tmp_path / "served", "--overwrite")
    assert again.exit_code == 0
    assert not list(tmp_path.glob(".served*"))


def test_a_saved_model_answers_in_a_process_that_knows_nothing_of_fer(
    wrong: Path, dataset: Path, tmp_path: Path
) -> None:
    result = run_fer("export", wrong, dataset, "--format", "saved_model", "-o", tmp_path / "served", "-q")
    assert result.exit_code == 0, result.stderr
    images = helpers.planted_faces(np.arange(7, dtype=np.uint8), seed=5).astype(np.float32)
    np.save(tmp_path / "images.npy", images)
    script = """
import sys, numpy as np, tensorflow as tf
assert "fer_cli" not in sys.modules
served = tf.saved_model.load("served")
np.save("answers.npy", served.serve(np.load("images.npy")).numpy())
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = np.load(tmp_path / "answers.npy")
    np.testing.assert_allclose(answers, load_scorer(wrong).probabilities(images), atol=1e-5)


def test_the_network_that_ships_is_not_exported_into_the_package() -> None:
    from fer_cli import options
    from fer_cli.commands.export import _beside

    assert _beside(options.SHIPPED_MODEL, "onnx", "int8") == Path("mini-int8.onnx")
    assert _beside(Path("models/a.keras"), "keras", "float32") == Path("models/a-export.keras")


def test_half_precision_halves_the_file_and_keeps_the_answers(wrong: Path, dataset: Path, tmp_path: Path) -> None:
    result = run_fer(
        "export", wrong, dataset, "--format", "keras", "--float16", "-o", tmp_path / "half.keras", "--json"
    )
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["results"]
    assert found["parity"]["same_class"] == 28
    with open_weights(tmp_path / "half.keras") as layers:
        assert {weight.dtype for layer in layers for weight in layer.weights} == {np.dtype(np.float16)}
    network = load_scorer(tmp_path / "half.keras").network  # type: ignore[attr-defined]
    assert {weight.dtype for weight in network.get_weights()} == {np.dtype(np.float32)}


def test_the_temperature_is_in_the_weights_and_no_answer_changes_its_order(
    wrong: Path, dataset: Path, tmp_path: Path
) -> None:
    out = tmp_path / "calibrated.keras"
    result = run_fer("export", wrong, dataset, "--format", "keras", "--calibrate", "-o", out, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["results"]
    before, after = load_scorer(wrong), load_scorer(out)
    assert after.metadata["temperature"] == found["temperature"]
    images = helpers.planted_faces(np.arange(7, dtype=np.uint8), seed=5)
    logits = np.log(before.probabilities(images)) / found["temperature"]
    planted = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(after.probabilities(images), planted, atol=1e-5)
    # The network names one class in seven wrongly, however sure it is, so it must become less sure.
    assert found["temperature"] > 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "onnx", "--float16"), "--format onnx: expected another precision. Received: float16"),
        (("--format", "keras", "--int8"), "--format keras: expected another precision. Received: int8"),
        (("--format", "saved_model", "--int8"), "--format saved_model: expected another precision. Received: int8"),
        (("--format", "litert", "--int8", "--float16"), "--int8 and --float16: expected one of them. Received: both"),
        (("--format", "onnx", "-o", "x.pb"), "-o x.pb: expected a name that ends in .onnx for --format onnx"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    arguments: tuple[str, ...], message: str, wrong: Path, dataset: Path, tmp_path: Path
) -> None:
    result = run_fer("export", wrong, dataset, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({dataset.name, wrong.name})


def test_a_network_without_logits_cannot_be_calibrated(dataset: Path, tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((helpers.SIDE, helpers.SIDE, 1))
    outputs = keras.layers.Dense(7, "softmax")(keras.layers.Flatten()(inputs))
    keras.Model(inputs, outputs).save(tmp_path / "bare.keras")
    names = "angry,disgust,fear,happy,sad,surprise,neutral"
    result = run_fer("export", tmp_path / "bare.keras", dataset, "--format", "keras", "--calibrate", "--classes", names)
    assert result.exit_code == 2
    assert "--calibrate: expected a network with a Dense layer named logits" in result.stderr


def test_a_file_that_answers_otherwise_is_not_written(
    wrong: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = load_scorer(helpers.write_model(tmp_path / "right.keras"))
    monkeypatch.setattr("fer_cli.export.run.load_scorer", lambda path: right)
    result = run_fer("export", wrong, dataset, "--format", "keras", "-o", tmp_path / "out.keras")
    assert result.exit_code == 3
    assert "out.keras: the exported file answers otherwise than" in result.stderr
    assert "nothing was written" in result.stderr
    assert not (tmp_path / "out.keras").exists()


def test_parity_counts_what_differs() -> None:
    first = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], np.float32)
    second = np.array([[0.8, 0.2], [0.2, 0.8], [0.4, 0.6]], np.float32)
    found = parity.compare(first, second, np.array([0, 1, 1]))
    assert found.same_class == 2
    assert found.largest_difference == pytest.approx(0.2)
    assert found.accuracy == pytest.approx((2 / 3, 1))
    assert not found.exact
    assert parity.compare(first, first, np.array([0, 1, 1])).exact
    assert not parity.compare(first, first * np.nan, np.array([0, 1, 1])).exact


def test_a_card_says_what_an_evaluation_of_the_same_file_found(wrong: Path, dataset: Path, tmp_path: Path) -> None:
    assert run_fer("eval", wrong, dataset, "--split", "val", "-o", tmp_path / "seen", "-q").exit_code == 0
    out = tmp_path / "known.keras"
    result = run_fer("export", wrong, dataset, "--format", "keras", "--card", tmp_path / "seen", "-o", out, "-q")
    assert result.exit_code == 0, result.stderr
    card = load_scorer(out).metadata["card"]
    assert (card["split"], card["n"], card["protocol"]) == ("val", 28, "single pass, one network")
    assert card["accuracy"] == pytest.approx(6 / 7)
    low, high = card["accuracy_interval"]
    assert low < 6 / 7 < high


def test_a_card_of_another_network_is_refused(wrong: Path, dataset: Path, tmp_path: Path) -> None:
    other = helpers.write_model(tmp_path / "other.keras", wrong=(1,))
    assert run_fer("eval", other, dataset, "--split", "val", "-o", tmp_path / "seen", "-q").exit_code == 0
    out = tmp_path / "out.keras"
    result = run_fer("export", wrong, dataset, "--format", "keras", "--card", tmp_path / "seen", "-o", out)
    assert result.exit_code == 3
    assert f"expected an evaluation of {wrong}. Received: one of another file" in result.stderr
    assert not out.exists()
