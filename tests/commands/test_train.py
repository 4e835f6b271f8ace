"""`fer train` as a user runs it: what it writes, what it refuses, and what a kill leaves behind."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest

from fer_cli import catalog
from fer_cli.models import load_model
from fer_cli.store.reader import open_dataset
from fer_cli.training import checkpoint
from tests import tiny
from tests.helpers import planted_records, run_fer, write_dataset

#: Enough for `tiny` to learn the planted faces.
QUICK = ("--arch", "tiny", "--epochs", "6", "--batch-size", "14", "--warmup", "0", "--lr", "0.05")
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.ARCHITECTURES, "tiny", tiny.REFERENCE)


def start_fer(*arguments: object, backend: str = "tensorflow") -> subprocess.Popen[str]:
    """`fer ARGUMENTS` in a process of its own."""
    path = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "KERAS_BACKEND": backend}
    command = [sys.executable, "-m", "tests.tiny", *(str(a) for a in arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read_history(folder: Path) -> dict[str, list[float]]:
    with (folder / "history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def test_it_learns_planted_faces_and_writes_what_the_help_says(dataset: Path) -> None:
    result = run_fer("train", dataset, *QUICK, "--augment", "shift:0.02", "-o", "out/net.keras", "--json")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert record == json.loads(Path("out/net.training/result.json").read_text())
    history = read_history(Path("out/net.training"))
    assert history["epoch"] == [1, 2, 3, 4, 5, 6]
    best = record["results"]["best_epoch"]
    assert record["results"]["val"]["accuracy"] == max(history["val_accuracy"]) == history["val_accuracy"][best - 1]
    assert record["results"]["val"]["accuracy"] > 0.9
    assert record["results"]["val"]["n"] == 28
    assert sorted(p.name for p in Path("out").rglob("*.*")) == sorted(
        ["net.keras", "net.training", "result.json", "history.csv", "curves.png"]
    )
    assert "epoch   6/6" in result.stderr


def test_the_model_scores_as_the_history_says(dataset: Path) -> None:
    assert run_fer("train", dataset, *QUICK, "-o", "net.keras", "-q").exit_code == 0
    loaded = load_model(Path("net.keras"))
    assert loaded.metadata["training"]["seed"] == 0
    with open_dataset(dataset) as data:
        outputs = loaded.probabilities(data.images("val").take(range(28)))
        accuracy = (outputs.argmax(1) == data.labels("val")).mean()
    assert accuracy == pytest.approx(loaded.metadata["scores"]["val_accuracy"])


def test_an_averaged_network_is_what_is_scored_and_saved(dataset: Path) -> None:
    assert run_fer("train", dataset, *QUICK, "--ema", "0.6", "-o", "net.keras", "-q").exit_code == 0
    loaded = load_model(Path("net.keras"))
    with open_dataset(dataset) as data:
        outputs = loaded.probabilities(data.images("val").take(range(28)))
        assert (outputs.argmax(1) == data.labels("val")).mean() == loaded.metadata["scores"]["val_accuracy"]
        faces = np.concatenate(list(data.images("train").blocks())).astype(np.float32)
    blocks = keras.Model(loaded.network.input, loaded.network.get_layer("blocks").output)
    of_faces = keras.ops.convert_to_numpy(blocks(faces)).mean((0, 1, 2))
    # Those of the weights of the last step would be off by a tenth and more.
    np.testing.assert_allclose(loaded.network.get_layer("blocks_bn").moving_mean, of_faces, rtol=0.02, atol=0.01)


@pytest.mark.parametrize(
    "extra", [("--schedule", "plateau"), ("--optimizer", "adamw", "--ema", "0.9", "--dropout", "0.3")]
)
def test_a_killed_run_resumes_to_the_same_history(dataset: Path, extra: tuple[str, ...]) -> None:
    options = (*QUICK, *extra, "--augment", "light", "--mixup", "0.2", "--seed", "7")
    whole = run_fer("train", dataset, *options, "-o", "whole.keras", "-q")
    assert whole.exit_code == 0, whole.stderr

    checkpoint = Path("killed.training/checkpoint.npz")
    with start_fer("train", dataset, *options, "-o", "killed.keras") as process:
        while not checkpoint.exists() and process.poll() is None:
            time.sleep(0.001)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not Path("killed.keras").exists()

    refused = run_fer("train", dataset, *options, "-o", "killed.keras", "-q")
    assert refused.exit_code == 4
    assert "killed.training holds an unfinished run; --resume continues it" in refused.stderr
    other = run_fer("train", dataset, *options, "--label-smoothing", "0.3", "-o", "killed.keras", "-q", "--resume")
    assert other.exit_code == 2
    assert "has label_smoothing=0.1, not 0.3" in other.stderr

    resumed = run_fer("train", dataset, *options, "-o", "killed.keras", "-q", "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    expected, got = read_history(Path("whole.training")), read_history(Path("killed.training"))
    assert got.keys() == expected.keys()
    for name in set(expected) - {"seconds", "images_per_second"}:
        np.testing.assert_allclose(got[name], expected[name], rtol=1e-4, atol=1e-5, err_msg=name)
    assert not checkpoint.exists()

    again = run_fer("train", dataset, *options, "-o", "killed.keras", "--resume", "--json")
    assert again.exit_code == 0
    assert "killed.keras is complete; nothing to resume" in again.stderr
    assert json.loads(again.stdout)["command"] == "train"
    whole = Path("killed.keras").read_bytes()
    another = ("train", dataset, *options, "--epochs", "1", "-o", "killed.keras", "-q", "--resume")
    refused = run_fer(*another)
    assert refused.exit_code == 2
    assert "--resume: killed.keras has epochs=6, not 1; repeat its options" in refused.stderr
    assert Path("killed.keras").read_bytes() == whole
    assert run_fer(*another, "--overwrite").exit_code == 0
    assert not list(Path("killed.training").glob("*.npz"))
    assert read_history(Path("killed.training"))["epoch"] == [1]


def test_another_run_goes_only_when_the_new_one_begins(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fer_cli.training import callbacks

    train = ("train", dataset, "--arch", "tiny", "--epochs", "2", "-o", "net.keras", "-q")
    with monkeypatch.context() as patch:
        _stop_after_the_checkpoint_of(1, patch, callbacks)
        assert run_fer(*train).exit_code == 130
    saved = Path("net.training/checkpoint.npz").read_bytes()
    for impossible, code in ((("--crop", 100), 2), (("--init", "none.keras"), 3), (("--freeze", "stage9"), 2)):
        for resume in ((), ("--resume",)):
            assert run_fer(*train, *impossible, "--overwrite", *resume).exit_code == code
            assert Path("net.training/checkpoint.npz").read_bytes() == saved
    assert run_fer(*train, "--seed", "1", "--overwrite", "--resume").exit_code == 0
    assert not Path("net.training/checkpoint.npz").exists()


def test_ctrl_c_says_what_was_saved(dataset: Path) -> None:
    options = ("--arch", "tiny", "--epochs", "500", "--batch-size", "14", "-o", "net.keras")
    with start_fer("train", dataset, *options) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "epoch   2/500" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read().strip().splitlines()
    assert process.returncode == 130
    assert rest[-1].startswith("fer: interrupted; ")
    assert rest[-1].endswith(
        "of 500 epochs are saved in net.training; the same command with --resume goes on from there"
    )
    assert Path("net.training/checkpoint.npz").exists()


def test_a_network_with_widths_of_its_own_resumes(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fer_cli.training import callbacks

    train = ("train", dataset, "--arch", "pattern:CPF", "--widths", "4", "--epochs", "2", "-o", "net.keras", "-q")
    with monkeypatch.context() as patch:
        _stop_after_the_checkpoint_of(1, patch, callbacks)
        assert run_fer(*train).exit_code == 130
    resumed = run_fer(*train, "--resume")
    assert resumed.exit_code == 0, resumed.stderr


def test_patience_stops_early(dataset: Path) -> None:
    options = (
        "--arch",
        "tiny",
        "--epochs",
        "40",
        "--batch-size",
        "70",
        "--lr",
        "1e-7",
        "--schedule",
        "constant",
        "--patience",
        "2",
    )
    assert run_fer("train", dataset, *options, "-o", "net.keras", "-q").exit_code == 0
    history = read_history(Path("net.training"))
    best = history["val_accuracy"].index(max(history["val_accuracy"]))
    assert len(history["epoch"]) == best + 3


def test_without_val_rows_the_last_epoch_is_kept_and_that_is_said(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "train-only.h5", planted_records((28, 0, 0)))
    result = run_fer("train", path, "--arch", "tiny", "--epochs", "2", "--fraction", "0.5", "-o", "net.keras", "--json")
    assert result.exit_code == 0, result.stderr
    assert "has no val rows: the last epoch is kept, unchecked" in result.stderr
    results = json.loads(result.stdout)["results"]
    assert (results["best_epoch"], results["val"], results["train_rows"]) == (2, None, 14)


def test_the_default_dataset_comes_from_the_environment(dataset: Path) -> None:
    result = run_fer("train", "--arch", "tiny", "--epochs", "1", "-q", env={"FER_DATASET": str(dataset)})
    assert result.exit_code == 0, result.stderr
    assert Path("models/tiny.keras").exists()


class TestRefusals:
    def test_no_dataset_says_which_command_makes_one(self) -> None:
        result = run_fer("train", "--arch", "resnet34", "--augment")
        assert result.exit_code == 3
        assert "make it with: fer prepare fer2013.csv -o data/fer2013.h5" in result.stderr

    def test_an_existing_model_is_not_overwritten(self, dataset: Path) -> None:
        Path("net.keras").write_text("precious")
        result = run_fer("train", dataset, "-o", "net.keras")
        assert result.exit_code == 4
        assert result.stderr == "fer: net.keras exists; choose another -o or say --overwrite\n"
        assert Path("net.keras").read_text() == "precious"

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--arch", "resnet43"), "unknown architecture 'resnet43': did you mean 'resnet34'?"),
            (("--augment", "data.h5"), "data.h5 is no policy; name the files before --augment"),
            (("--augment", "flop:0.5"), "flop"),
            (("--epochs", "0"), "0 is not in the range x>=1"),
            (("-o", "runs/lr0.1"), "expected a file that ends in .keras. Received: runs/lr0.1"),
            (("-o", "net"), "expected a file that ends in .keras. Received: net"),
            (("-o", "folder.keras"), "expected a file that ends in .keras. Received: a folder"),
            (("--schedule", "constant", "--warmup", "2"), "--warmup does nothing without --schedule cosine"),
            (("--plateau-patience", "2"), "--plateau-patience does nothing without --schedule plateau"),
            (("--focal-gamma", "3"), "--focal-gamma does nothing without --loss focal"),
            (("--temperature", "2"), "--temperature does nothing without --teacher or --distill"),
            (("--freeze", "all-but-head", "--body-lr", "0.1"), "--body-lr does nothing without --unfreeze-after"),
            (("--alpha", "1"), "--alpha does nothing without --teacher or --distill"),
        ],
    )
    def test_wrong_usage_is_one_line(self, dataset: Path, options: tuple[str, ...], message: str) -> None:
        Path("folder.keras").mkdir()
        result = run_fer("train", dataset, *options)
        assert result.exit_code == 2
        assert message in result.stderr
        assert result.stderr.count("\n") == 1
        assert sorted(path.name for path in Path().iterdir()) == ["folder.keras", "planted.h5"]

    def test_a_dataset_without_train_rows(self, tmp_path: Path) -> None:
        path = write_dataset(tmp_path / "val-only.h5", planted_records((0, 7, 7)))
        result = run_fer("train", path, "-o", "net.keras")
        assert result.exit_code == 3
        assert "the split 'train' is empty; filled are: val, test" in result.stderr

    def test_resuming_on_another_dataset(self, dataset: Path, tmp_path: Path) -> None:
        assert run_fer("train", dataset, *QUICK, "-o", "net.keras", "-q").exit_code == 0
        import keras

        from fer_cli.training import checkpoint
        from fer_cli.training.settings import Settings

        Path("net.keras").unlink()
        network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        network.compile("sgd", "mse")
        state = checkpoint.RunState(Settings().as_dict(), "0" * 64)
        checkpoint.save(Path("net.training/checkpoint.npz"), network, network.optimizer, state)
        result = run_fer("train", dataset, "-o", "net.keras", "--resume")
        assert result.exit_code == 2
        assert "was made with another dataset file" in result.stderr

    def test_a_damaged_checkpoint(self, dataset: Path) -> None:
        Path("net.training").mkdir()
        Path("net.training/checkpoint.npz").write_bytes(b"PK\x03\x04 broken")
        result = run_fer("train", dataset, "-o", "net.keras", "--resume")
        assert result.exit_code == 3
        assert "net.training/checkpoint.npz: not a checkpoint of `fer train`" in result.stderr


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_it_runs_on_other_backends(dataset: Path, backend: str) -> None:
    pytest.importorskip(backend)
    for command in (
        ("train", dataset, *QUICK, "--augment", "light", "--loss", "focal", "--crop", 18, "-o", "net.keras"),
        ("eval", "net.keras", dataset, "-o", "scores", "--json"),
    ):
        with start_fer(*command, backend=backend) as process:
            output, errors = process.communicate()
        assert process.returncode == 0, errors
    assert json.loads(output)["results"]["n"] == 28


def test_a_backend_that_is_not_installed(dataset: Path) -> None:
    with start_fer("train", dataset, *QUICK, "-o", "net.keras", backend="openvino") as process:
        errors = process.communicate()[1]
    assert process.returncode == 5
    assert errors.splitlines()[-1].startswith("fer: KERAS_BACKEND=openvino needs the package openvino")


class TestTransfer:
    FROZEN = ("--arch", "tiny", "--batch-size", "14", "--warmup", "0", "--lr", "0.02", "--freeze", "blocks_bn")

    @pytest.fixture
    def trained(self, dataset: Path) -> Path:
        assert run_fer("train", dataset, *QUICK, "-o", "body.keras", "-q").exit_code == 0
        return Path("body.keras")

    @pytest.mark.parametrize("extra", [(), ("--ema", "0.9", "--body-lr", "0.5", "--optimizer", "adamw")])
    def test_a_run_killed_at_any_epoch_thaws_and_ends_as_an_unbroken_one(
        self, dataset: Path, trained: Path, extra: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        options = ("--init", trained, *self.FROZEN, "--unfreeze-after", "2", "--epochs", "4", *extra, "-q")
        assert run_fer("train", dataset, *options, "-o", "whole.keras").exit_code == 0
        expected = read_history(Path("whole.training"))

        from fer_cli.training import callbacks

        for last in (1, 2, 3):
            with monkeypatch.context() as patch:
                _stop_after_the_checkpoint_of(last, patch, callbacks)
                assert run_fer("train", dataset, *options, "-o", "cut.keras", "--resume").exit_code == 130
        assert run_fer("train", dataset, *options, "-o", "cut.keras", "--resume").exit_code == 0
        got = read_history(Path("cut.training"))
        for name in set(expected) - {"seconds", "images_per_second"}:
            np.testing.assert_allclose(got[name], expected[name], rtol=1e-4, atol=1e-5, err_msg=name)

    def test_there_is_nothing_to_thaw_without_freezing(self, dataset: Path) -> None:
        result = run_fer("train", dataset, "--arch", "tiny", "--unfreeze-after", "2", "-o", "net.keras")
        assert result.exit_code == 2
        assert "--unfreeze-after needs --freeze, which says what to freeze until then" in result.stderr

    def test_freezing_what_chance_drew_is_told(self, dataset: Path) -> None:
        result = run_fer("train", dataset, *self.FROZEN, "--epochs", "1", "-o", "net.keras")
        assert result.exit_code == 0, result.stderr
        assert "2 layers keep their weights, of which 2 are random: blocks, blocks_bn" in result.stderr


def _stop_after_the_checkpoint_of(epoch: int, monkeypatch: pytest.MonkeyPatch, callbacks: ModuleType) -> None:
    """Press Ctrl-C when the checkpoint of an epoch has just been written."""
    save = checkpoint.save

    def save_and_stop(path: Path, network: object, optimizer: object, state: checkpoint.RunState) -> None:
        save(path, network, optimizer, state)
        if state.epochs_done == epoch:
            raise KeyboardInterrupt

    monkeypatch.setattr(callbacks.checkpoint, "save", save_and_stop)


def test_the_architectures_are_listed_at_the_size_of_the_dataset(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "ARCHITECTURES", {name: catalog.ARCHITECTURES[name] for name in ("mini", "vgg13")})
    (fer2013, own) = (run_fer("train", "--list-architectures", *more, "--json") for more in ((), (dataset,)))
    assert fer2013.exit_code == own.exit_code == 0, own.stderr
    rows = {row["name"]: row for row in json.loads(fer2013.stdout)["results"]["architectures"]}
    assert "arXiv:1608.01041" in rows["vgg13"]["paper"]
    smaller = {row["name"]: row for row in json.loads(own.stdout)["results"]["architectures"]}
    assert smaller["mini"]["multiply_adds"] < rows["mini"]["multiply_adds"] < 30e6
    assert "vgg13" in own.stderr
