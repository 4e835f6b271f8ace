"""`fer train` and its kin when the numbers of a network leave what a float can hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fer_cli import catalog
from fer_cli.models import load_model
from fer_cli.store.reader import open_dataset
from fer_cli.training import callbacks
from fer_cli.training.callbacks import Validation
from tests import tiny
from tests.commands.test_train import read_history
from tests.helpers import planted_records, run_fer, write_dataset

QUICK = ("--arch", "tiny", "--epochs", "4", "--batch-size", "14", "--warmup", "0", "--lr", "0.05", "-o", "net.keras")


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.ARCHITECTURES, "tiny", tiny.REFERENCE)


@pytest.fixture(params=["logits", "blocks"])
def diverging(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spoil a layer in the second epoch, as a learning rate that is too high does; ReLU hides the NaN of `blocks`."""
    begin = callbacks.EpochEnd.on_epoch_begin

    def spoil(self: callbacks.EpochEnd, epoch: int, logs: Any = None) -> None:
        begin(self, epoch, logs)
        if epoch == 1:
            bias = self.model.get_layer(request.param).bias
            bias.assign(bias * np.nan)

    monkeypatch.setattr(callbacks.EpochEnd, "on_epoch_begin", spoil)


def strict(text: str) -> Any:
    """JSON as the standard has it, which other programs insist on."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.usefixtures("diverging")
@pytest.mark.parametrize("further", [(), ("--ema", "0.5"), ("--freeze", "blocks_bn", "--unfreeze-after", "2")])
def test_the_best_epoch_before_is_kept_and_that_is_said(dataset: Path, further: tuple[str, ...]) -> None:
    result = run_fer("train", dataset, *QUICK, *further, "--json", "-q")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == (
        "warning: the training diverged in epoch 2: its numbers are NaN; "
        "the network of epoch 1 is kept, the best before; lower --lr\n"
    )
    results = strict(result.stdout)["results"]
    assert (results["epochs"], results["best_epoch"], results["diverged"]) == (2, 1, True)
    history = read_history(Path("net.training"))
    assert np.isnan(history["val_loss"][1])
    assert (history["val_accuracy"][1], history["val_top3"][1]) == (0, 0)
    assert not Path("net.training/checkpoint.npz").exists()
    with open_dataset(dataset) as data:
        answers = load_model(Path("net.keras")).probabilities(data.images("val").take(range(28)))
        assert (answers.argmax(1) == data.labels("val")).mean() == history["val_accuracy"][0]


@pytest.mark.usefixtures("diverging")
def test_without_val_rows_the_last_sound_epoch_is_kept(tmp_path: Path) -> None:
    faces = write_dataset(tmp_path / "train-only.h5", planted_records((28, 0, 0)))
    result = run_fer("train", faces, *QUICK, "--json")
    assert result.exit_code == 0, result.stderr
    assert strict(result.stdout)["results"]["best_epoch"] == 1
    assert np.isfinite(load_model(Path("net.keras")).network.get_weights()[0]).all()


def test_a_run_that_learnt_nothing_ends_with_an_error_and_no_model(dataset: Path) -> None:
    result = run_fer("train", dataset, *QUICK, "--lr", "1e30", "-q")
    assert result.exit_code == 1
    assert result.stderr == ("fer: the training diverged in epoch 1: its numbers are NaN; lower --lr (it was 1e+30)\n")
    assert [path.name for path in Path().rglob("net*")] == ["net.training"]
    assert run_fer("train", dataset, *QUICK, "-q").exit_code == 0


def test_an_epoch_ends_with_the_step_that_diverged(dataset: Path) -> None:
    steps: list[int] = []

    class Count(callbacks.EpochEnd):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            steps.append(batch)
            super().on_train_batch_end(batch, logs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fer_cli.training.fit.EpochEnd", Count)
        assert run_fer("train", dataset, *QUICK, "--batch-size", "2", "--lr", "1e30", "-q").exit_code == 1
    assert len(steps) < 10


def validated(weights: float, labels: list[int]) -> dict[str, float]:
    """The scores of a network whose weights are all the same."""
    inputs = keras.Input((2, 2, 1))
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    network = keras.Model(inputs, keras.layers.Dense(7, "softmax", kernel_initializer="zeros")(flat))
    network.set_weights([np.full_like(each, weights) for each in network.get_weights()])
    faces = np.zeros((len(labels), 2, 2, 1), np.uint8)

    class Rows:
        def blocks(self) -> list[np.ndarray]:
            return [faces]

    return Validation(Rows(), np.asarray(labels, np.uint8)).score(network)  # type: ignore[arg-type]


def test_answers_that_are_no_numbers_are_never_right() -> None:
    scores = validated(np.nan, [0, 0, 0])
    assert np.isnan(scores.pop("val_loss"))
    assert scores == {"val_accuracy": 0, "val_top3": 0}


def test_of_equal_answers_only_the_first_three_are_the_top_three() -> None:
    scores = validated(0.0, list(range(7)))
    assert scores["val_top3"] == pytest.approx(3 / 7)
    assert scores["val_accuracy"] == pytest.approx(1 / 7)
