"""`fer train` against attacks: adversarial training, TRADES, defensive distillation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_cli import catalog
from fer_cli.models import read_metadata
from tests import tiny
from tests.commands.test_train import QUICK, read_history, start_fer
from tests.helpers import run_fer
from tests.training import faint

FAINT = ("--arch", "faint", "--batch-size", "35", "--lr", "0.05", "--warmup", "0", "--epochs", "6", "-q")
EXACT = ("--label-smoothing", "0", "--weight-decay", "0")
SHORT = (*QUICK, "--epochs", "3", "--adversarial", "pgd", "--steps", "3")


@pytest.fixture(autouse=True)
def _networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.ARCHITECTURES, "tiny", tiny.REFERENCE)
    monkeypatch.setitem(catalog.ARCHITECTURES, "faint", faint.REFERENCE)


def train(dataset: Path, *options: object) -> dict[str, Any]:
    """The record of a run."""
    result = run_fer("train", dataset, *options, "--json")
    assert result.exit_code == 0, result.stderr
    record: dict[str, Any] = json.loads(result.stdout)
    return record


def accuracy_under_attack(model: str, dataset: Path) -> float:
    from fer_cli.models import load_model
    from fer_cli.store.reader import open_dataset
    from fer_cli.training.adversarial import Probe
    from fer_cli.training.settings import Settings

    with open_dataset(dataset) as data:
        network = load_model(Path(model)).network
        return Probe(Settings(epsilon=4 / 255)).accuracy(network, data.images("val"), data.labels("val"))


def test_a_network_that_was_attacked_ignores_what_is_fainter_than_epsilon(tmp_path: Path) -> None:
    path = faint.write_faint(tmp_path / "faint.h5")
    plain = train(path, *FAINT, *EXACT, "-o", "plain.keras")["results"]
    assert plain["val"]["accuracy"] > faint.HONEST + 0.05
    assert accuracy_under_attack("plain.keras", path) < 0.1
    for name, more in {"fgsm": (), "pgd": ("--steps", "4")}.items():
        options = ("--adversarial", name, "--epsilon", faint.EPSILON, *more, "-o", f"{name}.keras")
        record = train(path, *FAINT, *EXACT, *options)
        assert record["results"]["val"]["accuracy"] == pytest.approx(faint.HONEST, abs=0.02)
        assert accuracy_under_attack(f"{name}.keras", path) > faint.HONEST - 0.1


def test_the_record_and_the_file_say_how_it_was_trained(dataset: Path) -> None:
    record = train(dataset, *QUICK, "--epochs", "3", "--adversarial", "pgd", "-o", "net.keras")
    expected = {"adversarial": "pgd", "epsilon": 4 / 255, "attack_steps": 7, "trades_beta": None, "distill": False}
    for training in (record["parameters"], read_metadata(Path("net.keras"))["training"]):
        assert {name: training[name] for name in expected} == expected
    history = read_history(Path("net.training"))
    best = record["results"]["best_epoch"]
    assert record["results"]["val"]["robust"] == max(history["val_robust"]) == history["val_robust"][best - 1]


@pytest.mark.parametrize("extra", [(), ("--trades-beta", "2", "--dropout", "0.3")], ids=["attacked", "trades"])
def test_a_run_that_was_cut_ends_as_an_unbroken_one(
    dataset: Path, extra: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = (*SHORT, *extra, "--mixup", "0.2", "--ema", "0.5", "--class-weight", "balanced", "--seed", "7")
    train(dataset, *options, "-o", "whole.keras")
    cut_and_resume(dataset, options, {1}, monkeypatch)
    assert_same_history("whole.training", "cut.training")


def test_a_distilled_run_that_was_cut_in_either_half_ends_as_an_unbroken_one(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = (*QUICK, "--distill", "--epochs", "2")
    train(dataset, *options, "-o", "whole.keras")
    refused = cut_and_resume(dataset, options, {1, 3}, monkeypatch)
    assert refused.startswith("fer: cut.training/teacher.training holds an unfinished run; --resume continues it")
    assert_same_history("whole.training", "cut.training")
    assert_same_history("whole.training/teacher.training", "cut.training/teacher.training")
    assert not list(Path().rglob("checkpoint.npz"))


def cut_and_resume(dataset: Path, options: tuple[str, ...], cuts: set[int], monkeypatch: pytest.MonkeyPatch) -> str:
    """Press Ctrl-C after checkpoints of these numbers; what a run without --resume says after the first cut."""
    from fer_cli.training import callbacks

    save, saved = callbacks.checkpoint.save, []

    def save_and_stop(*arguments: Any) -> None:
        save(*arguments)
        saved.append(arguments)
        if len(saved) in cuts:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.checkpoint, "save", save_and_stop)
        told = ""
        for _ in cuts:
            assert run_fer("train", dataset, *options, "-o", "cut.keras", "-q", "--resume").exit_code == 130
            told = told or run_fer("train", dataset, *options, "-o", "cut.keras", "-q").stderr
        done = run_fer("train", dataset, *options, "-o", "cut.keras", "-q", "--resume")
    assert done.exit_code == 0, done.stderr
    return told


def assert_same_history(expected: str, got: str) -> None:
    wanted, found = read_history(Path(expected)), read_history(Path(got))
    assert found.keys() == wanted.keys()
    for name in set(wanted) - {"seconds", "images_per_second"}:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_distillation_trains_its_teacher_at_the_temperature(dataset: Path) -> None:
    """At temperature T logits grow about T times, so that answers at 1 are surer: that is what the defence rests on."""
    from fer_cli.models import load_model
    from fer_cli.store.reader import open_dataset

    train(dataset, *QUICK, "-o", "plain.keras")
    record = train(dataset, *QUICK, "--distill", "--temperature", "5", "-o", "net.keras")
    assert record["results"]["val"]["accuracy"] > 0.9
    with open_dataset(dataset) as data:
        images = data.images("val").take(range(28))
    sureness = {
        name: float(np.median(load_model(Path(name)).probabilities(images).max(1)))
        for name in ("plain.keras", "net.training/teacher.keras", "net.keras")
    }
    assert sureness["plain.keras"] < 0.99 < min(sureness["net.training/teacher.keras"], sureness["net.keras"])
    assert read_metadata(Path("net.keras"))["training"]["teachers"] == ["net.training/teacher.keras"]


def test_a_teacher_of_other_settings_is_not_taken(dataset: Path) -> None:
    options = (*QUICK, "--distill", "-o", "net.keras", "--epochs")
    train(dataset, *options, "1")
    Path("net.keras").unlink()
    result = run_fer("train", dataset, *options, "2", "--resume")
    assert result.exit_code == 0, result.stderr
    assert "teacher, epoch   2/2" in result.stderr
    again = run_fer("train", dataset, *options, "2", "--overwrite")
    assert again.exit_code == 0, again.stderr
    assert "teacher, epoch   2/2" in again.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--epsilon", "4/255"), "--epsilon needs --adversarial, which says what attack to train against"),
        (("--steps", 3), "--steps needs --adversarial"),
        (("--trades-beta", 6), "--trades-beta needs --adversarial"),
        (("--adversarial", "fgsm", "--steps", 3), "--steps needs --adversarial pgd; fgsm takes a single step"),
        (("--adversarial", "pgd", "--epsilon", "4/0"), "above 0 and up to 1, such as 4/255 or 0.03. Received: 4/0"),
        (("--adversarial", "pgd", "--epsilon", "8"), "above 0 and up to 1, such as 4/255 or 0.03. Received: 8"),
        (("--adversarial", "pgd", "--precision", "mixed_float16"), "needs --precision float32 or mixed_bfloat16"),
        (("--distill", "--teacher", "a.keras"), "--distill and --teacher exclude each other"),
        (("--distill", "--temperature", 50), "--distill: expected a --temperature up to 10"),
    ],
)
def test_wrong_usage_is_one_line(dataset: Path, options: tuple[object, ...], message: str) -> None:
    result = run_fer("train", dataset, "--arch", "tiny", *options, "-o", "net.keras")
    assert result.exit_code == 2
    assert message in result.stderr
    assert not Path("net.keras").exists()


@pytest.mark.parametrize(
    ("backend", "extra"), [("jax", ()), ("jax", ("--trades-beta", "6")), ("tensorflow", ("--devices", "2"))]
)
def test_it_learns_on_jax_and_on_two_devices(dataset: Path, backend: str, extra: tuple[str, ...]) -> None:
    pytest.importorskip(backend)
    with start_fer("train", dataset, *SHORT, *extra, "-o", "net.keras", backend=backend) as process:
        errors = process.communicate()[1]
    assert process.returncode == 0, errors
    assert read_metadata(Path("net.keras"))["scores"]["val_robust"] > 0.8
