"""`fer train --init`: from the weights of another network to the model file, and what cannot be a start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import Result

from fer_cli import catalog
from fer_cli.models import load_model
from tests import tiny
from tests.helpers import planted_records, run_fer, write_dataset

CLASSES = 5


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.ARCHITECTURES, "tiny", tiny.REFERENCE)


def train(dataset: Path, *arguments: object) -> Result:
    return run_fer("train", dataset, "--arch", "tiny", "--batch-size", 14, "--lr", 0.05, *arguments)


def write_source(name: str) -> Any:
    """A network of five classes in a file."""
    source = tiny.tiny((24, 24, 1), CLASSES)
    source.save(name)
    return source


def moved(model: str, source: keras.Model) -> dict[str, float]:
    """The largest change of a weight of each layer of the body, statistics included."""
    network = load_model(Path(model)).network
    return {
        name: max(
            float(np.abs(a - b).max())
            for a, b in zip(network.get_layer(name).get_weights(), source.get_layer(name).get_weights(), strict=True)
        )
        for name in ("blocks", "blocks_bn")
    }


def test_a_body_is_kept_while_frozen_and_moves_at_its_own_rate_afterwards() -> None:
    source = write_source("source.keras")
    dataset = write_dataset(Path("train.h5"), planted_records((42, 0, 0)))  # without val rows the last epoch is kept
    runs = {"kept": [], "thawed": ["--unfreeze-after", 1], "slow": ["--unfreeze-after", 1, "--body-lr", 0.01]}
    records = {}
    for name, more in runs.items():
        start = ("--epochs", 2, "--init", "source.keras", "--freeze", "all-but-head", *more, "-o", f"{name}.keras")
        result = train(dataset, *start, "--warmup", 0, "--json")
        assert result.exit_code == 0, result.stderr
        assert "source.keras: loaded 3 of 4 layers by name" in result.stderr
        records[name] = json.loads(result.stdout)["results"]["loaded"]
    assert records["kept"]["layers"] == ["blocks", "blocks_bn", "embedding"]
    assert list(records["kept"]["fresh"]) == ["logits"]
    change = {name: moved(f"{name}.keras", source) for name in runs}
    assert change["kept"] == {"blocks": 0, "blocks_bn": 0}
    assert change["thawed"]["blocks_bn"] > 0
    assert 0 < change["slow"]["blocks"] < 0.1 * change["thawed"]["blocks"]


@pytest.mark.parametrize(
    ("init", "code", "message"),
    [
        ("none.keras", 3, "none.keras: no such file"),
        ("planted.h5", 3, "planted.h5: an HDF5 file, but without weights of Keras layers"),
        ("other.weights.h5", 3, "other.weights.h5: no layer of it fits tiny (no names in common)"),
        ("imagenet", 2, "--init imagenet: tiny has no ImageNet weights; vgg16, resnet50v2"),
    ],
)
def test_what_cannot_be_a_start_is_refused(init: str, code: int, message: str, tmp_path: Path) -> None:
    dataset = write_dataset(Path("planted.h5"))
    inputs = keras.Input((2,))
    keras.Model(inputs, keras.layers.Dense(3, name="alone")(inputs)).save_weights("other.weights.h5")
    result = train(dataset, "--epochs", 1, "--init", init, "-o", "model.keras")
    assert result.exit_code == code
    assert f"fer: {message}" in result.stderr
    assert not Path("model.keras").exists()


def test_imagenet_weights_that_cannot_be_fetched_are_missing(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get_file(*arguments: object, **where: object) -> None:
        raise OSError("no network")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras.utils, "get_file", get_file)
    result = run_fer("train", dataset, "--arch", "mobilenetv3small", "--init", "imagenet", "-o", "model.keras")
    assert result.exit_code == 5
    assert (
        "could not be fetched (no network): put weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5" in result.stderr
    )
    assert str(tmp_path / "models") in result.stderr


def test_a_stage_that_is_not_there_is_a_usage_error(dataset: Path) -> None:
    result = train(dataset, "--freeze", "stage9", "-o", "model.keras")
    assert result.exit_code == 2
    assert "fer: --freeze: unknown stage of" in result.stderr
    assert "known are all-but-head, or a number of layers" in result.stderr
