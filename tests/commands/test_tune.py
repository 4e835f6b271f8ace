"""`fer tune` as a user runs it: what it finds and writes, what it refuses, and how several share a search."""

from __future__ import annotations

import csv
import json
import shlex
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fer_cli import catalog
from fer_cli.errors import DivergedError
from fer_cli.training import fit
from fer_cli.training.callbacks import Observer, Status
from fer_cli.training.checkpoint import RunState
from fer_cli.training.result import TrainingResult
from fer_cli.training.settings import Settings
from tests import tiny
from tests.commands.test_train import start_fer
from tests.helpers import planted_records, run_fer, write_dataset

#: A network cannot learn with the one learning rate, and does with the other.
SPACE = "lr = { choices = [1e-7, 0.05] }\nbatch_size = { low = 7, high = 14, step = 7 }\n"
QUICK = ("--arch", "tiny", "--epochs", "3", "--warmup", "0", "--sampler", "random")


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.ARCHITECTURES, "tiny", tiny.REFERENCE)


def planted_training(
    dataset: object, settings: Settings, output: object, folder: object, observer: Observer
) -> TrainingResult:
    """Instead of training: the val accuracy of each epoch is the learning rate."""
    state = RunState(settings.as_dict(), "", best_epoch=1)
    for epoch in range(1, settings.epochs + 1):
        state.add({"epoch": epoch, "val_accuracy": settings.peak_lr})
        observer(Status(epoch, settings.epochs, 1, 1, {"val_accuracy": settings.peak_lr}, True))
    return TrainingResult(1, state, 70, 28)


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials take no time."""
    monkeypatch.setattr(fit, "train", planted_training)


@pytest.fixture
def space() -> Path:
    Path("space.toml").write_text(SPACE, encoding="utf-8")
    return Path("space.toml")


def read_trials(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a finished search of five trials in `out`, and the dataset `planted.h5`."""
    folder = tmp_path_factory.mktemp("search")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setitem(catalog.ARCHITECTURES, "tiny", tiny.REFERENCE)
        patch.setattr("fer_cli.tuning.samplers._STARTUP", 3)
        write_dataset(Path("planted.h5"))
        Path("space.toml").write_text(SPACE, encoding="utf-8")
        result = run_fer("tune", "planted.h5", *QUICK, "--space", "space.toml", "--trials", 5, "-o", "out", "--json")
        assert result.exit_code == 0, result.stderr
        Path("printed.json").write_text(result.stdout, encoding="utf-8")
        Path("told.txt").write_text(result.stderr, encoding="utf-8")
    return folder


def test_it_finds_the_learning_rate_that_learns(searched: Path) -> None:
    record = json.loads((searched / "printed.json").read_text())
    assert record == json.loads((searched / "out/result.json").read_text())
    best = record["results"]["best"]
    assert best["parameters"]["lr"] == 0.05
    assert best["val"]["accuracy"] > 0.9
    assert best["val"]["n"] == 28
    assert next(iter(record["results"]["importance"])) == "lr"
    assert "chosen on the same 28 val rows" in record["results"]["selection"]
    assert record["parameters"]["sampler"] == "random"
    assert record["parameters"]["fixed"]["sampler"] == "shuffle"
    names = {path.name for path in (searched / "out").iterdir()}
    assert names == {"result.json", "trials.csv", "best.txt", "history.png", "importance.png"}
    assert names == set(record["results"]["files"])


def test_hopeless_trials_are_pruned(searched: Path) -> None:
    trials = read_trials(searched / "out")
    pruned = [row for row in trials if row["state"] == "pruned"]
    assert pruned
    assert {(float(row["lr"]), int(row["epochs"]) < 3) for row in pruned} == {(1e-7, True)}
    told = (searched / "told.txt").read_text()
    assert len(trials) == 5
    assert all(f"trial {row['number']} {row['state']}: val accuracy" in told for row in trials)


def test_the_best_command_repeats_the_best_trial(searched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(searched)
    program, *arguments = shlex.split(Path("out/best.txt").read_text())
    assert program == "fer"
    result = run_fer(*arguments, "-o", "again/net.keras", "--json")
    assert result.exit_code == 0, result.stderr
    best = json.loads((searched / "out/result.json").read_text())["results"]["best"]
    assert json.loads(result.stdout)["results"]["val"]["accuracy"] == pytest.approx(best["val"]["accuracy"], abs=0.04)


@pytest.mark.usefixtures("planted")
def test_it_goes_on_from_the_trials_that_there_are(searched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(searched)
    options = ("tune", "planted.h5", *QUICK, "--space", "space.toml", "-o", "out")
    assert run_fer(*options, "--trials", 5).exit_code == 4
    before = read_trials(Path("out"))
    result = run_fer(*options, "--trials", 7, "--overwrite", "-q")
    assert result.exit_code == 0, result.stderr
    assert (result.stdout, result.stderr) == ("", "")
    assert read_trials(Path("out"))[:5] == before
    assert len(read_trials(Path("out"))) == 7

    changed = run_fer(*options, "--trials", 7, "--overwrite", "--label-smoothing", 0.3)
    assert changed.exit_code == 2
    assert "is another search: it has label_smoothing=0.1, not 0.3; choose another --study" in changed.stderr


def test_what_cannot_be_trained_is_a_failed_trial(dataset: Path, space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def limited(dataset: object, settings: Settings, *others: Any) -> TrainingResult:
        if settings.batch_size == 14:
            raise MemoryError("no room\nfor 14 images")
        return planted_training(dataset, settings, *others)

    monkeypatch.setattr(fit, "train", limited)
    result = run_fer("tune", dataset, *QUICK, "--space", space, "--trials", 3, "-o", "out")
    assert result.exit_code == 0, result.stderr
    trials = read_trials(Path("out"))
    assert {(row["state"], row["batch_size"], row["reason"]) for row in trials} == {
        ("complete", "7", ""),
        ("failed", "14", "MemoryError: no room for 14 images"),
    }
    assert [row["state"] for row in trials].count("complete") == 3
    # Three trials are too few to say what mattered.
    assert not Path("out/importance.png").exists()


def test_what_diverges_at_once_is_hopeless_and_no_failure(
    dataset: Path, space: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def limited(dataset: object, settings: Settings, *others: Any) -> TrainingResult:
        if settings.batch_size == 14:
            others[-1](Status(1, 3, 1, 1, {"val_loss": float("nan"), "val_accuracy": 0.0}, True))
            raise DivergedError("the training diverged")
        return planted_training(dataset, settings, *others)

    monkeypatch.setattr(fit, "train", limited)
    result = run_fer("tune", dataset, *QUICK, "--space", space, "--no-prune", "--trials", 6, "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert {(row["state"], row["batch_size"], row["reason"]) for row in read_trials(Path("out"))} == {
        ("complete", "7", ""),
        ("pruned", "14", "the training diverged"),
    }
    assert "pruned: val accuracy 0.0000, 1 epoch" in result.stderr
    Path("space.toml").write_text("batch_size = { choices = [14] }\n", encoding="utf-8")
    hopeless = run_fer("tune", dataset, *QUICK, "--space", space, "--trials", 2, "-o", "none")
    assert hopeless.exit_code == 1
    assert "fer: all of 2 trials diverged, the last so: the training diverged\n" in hopeless.stderr
    # Such a study may be searched otherwise.
    monkeypatch.setattr(fit, "train", planted_training)
    mended = run_fer("tune", dataset, *QUICK, "--space", space, "--trials", 3, "--mixup", 0.2, "-o", "none")
    assert mended.exit_code == 0, mended.stderr
    assert [row["state"] for row in read_trials(Path("none"))] == ["pruned", "pruned", "complete"]


def test_what_diverges_later_says_so(dataset: Path, space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt(*arguments: Any) -> TrainingResult:
        result = planted_training(*arguments)
        result.state.diverged = True
        return result

    monkeypatch.setattr(fit, "train", spoilt)
    result = run_fer("tune", dataset, *QUICK, "--space", space, "--trials", 1, "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert read_trials(Path("out"))[0]["reason"].startswith("the training diverged in epoch 3: its numbers are NaN;")


def test_a_search_under_attack_counts_what_training_does(
    dataset: Path, space: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def robust(dataset: object, settings: Settings, output: object, folder: object, observer: Observer) -> Any:
        state = RunState(settings.as_dict(), "", best_epoch=2)
        for epoch, (clean, attacked) in enumerate(((0.9, 0.1), (0.5, 0.4), (0.95, 0.2)), 1):
            row = {"epoch": epoch, "val_accuracy": clean, "val_robust": attacked * settings.batch_size / 14}
            state.add(row)
            observer(Status(epoch, settings.epochs, 1, 1, row, True))
        return TrainingResult(1, state, 70, 28)

    monkeypatch.setattr(fit, "train", robust)
    monkeypatch.setattr("fer_cli.training.adversarial.VAL_ROWS", 20)
    options = (*QUICK, "--adversarial", "fgsm", "--space", space, "--trials", 3, "-o", "out")
    result = run_fer("tune", dataset, *options)
    assert result.exit_code == 0, result.stderr
    results = json.loads(Path("out/result.json").read_text(encoding="utf-8"))["results"]
    assert results["measure"] == "val accuracy under attack"
    best = results["best"]
    assert (best["val"]["n"], best["val"]["robust"], best["best_epoch"]) == (20, 0.4, 2)
    assert "accuracy" not in best["val"]
    assert max(float(row["robust"]) for row in read_trials(Path("out"))) == 0.4
    assert "complete: val accuracy under attack 0.4000 (best)" in result.stderr
    assert "val accuracy under attack" in result.stdout


def test_another_process_shares_the_search_and_takes_over_where_the_first_is_killed(
    dataset: Path, space: Path, planted: None
) -> None:
    options = ("tune", dataset, *QUICK, "--epochs", 60, "--space", space, "--trials", 3, "--storage", "journal:trials")
    with start_fer(*options, "-o", "killed") as killed:
        while not (Path("trials").exists() and "intermediate_value" in Path("trials").read_text(encoding="utf-8")):
            assert killed.poll() is None
            time.sleep(0.01)
        threading.Timer(0.5, lambda: (killed.kill(), killed.wait())).start()
        result = run_fer(*options, "-o", "out")
    assert killed.returncode == -signal.SIGKILL
    assert result.exit_code == 0, result.stderr
    states = [(row["number"], row["state"], row["reason"]) for row in read_trials(Path("out"))]
    assert states == [
        ("0", "failed", "its process ended"),
        ("1", "complete", ""),
        ("2", "complete", ""),
        ("3", "complete", ""),
    ]
    assert not Path("killed").exists()


def test_ctrl_c_says_what_is_saved(dataset: Path, space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = iter(range(9))

    def interrupted(*arguments: Any) -> TrainingResult:
        if next(begun):
            raise KeyboardInterrupt
        return planted_training(*arguments)

    monkeypatch.setattr(fit, "train", interrupted)
    result = run_fer("tune", dataset, *QUICK, "--epochs", 1, "--space", space, "-o", "out", "--trials", 2)
    assert result.exit_code == 130
    assert "trial 1 failed: interrupted" in result.stderr
    last = result.stderr.splitlines()[-1]
    assert last.startswith("fer: interrupted; 1 of 2 trials are saved in journal:")
    assert last.endswith("out.journal; the same command goes on from there")
    assert not Path("out").exists()


@pytest.mark.usefixtures("planted")
def test_a_dask_cluster_runs_the_trials(dataset: Path, space: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the cluster's own making, when its workers go
        with distributed.LocalCluster(n_workers=2, processes=False, dashboard_address=None) as cluster:
            address = cluster.scheduler_address
            result = run_fer(
                "tune", dataset, *QUICK, "--epochs", 1, "--space", space, "--trials", 3, "--backend", "dask",
                "--scheduler", address, "-o", "out", "--json",
            )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["results"]["trials"] == {"complete": 3, "pruned": 0, "failed": 0}
    assert len(read_trials(Path("out"))) == 3


class TestRefusals:
    def test_without_optuna_the_error_says_how_to_install_it(
        self, dataset: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "optuna", None)
        result = run_fer("tune", dataset, "--arch", "tiny")
        assert result.exit_code == 5
        assert result.stderr == "fer: fer tune needs the extra tune: pip install 'fer-cli[tune]'\n"

    def test_an_existing_folder_is_not_overwritten(self, dataset: Path) -> None:
        Path("out").mkdir()
        Path("out/notes").write_text("precious")
        result = run_fer("tune", dataset, "-o", "out")
        assert result.exit_code == 4
        assert result.stderr == "fer: out exists; choose another -o or say --overwrite\n"

    @pytest.mark.parametrize(
        ("extra", "message"),
        [
            (("--space", "none.toml"), "none.toml: no such file; --show-space prints one to start from"),
            (
                ("--space", "space.toml", "--lr", "0.1"),
                "space.toml: lr is searched there, and fixed on the command line",
            ),
            (("--space", "widths.toml"), "widths.toml: tiny takes no --widths; it takes --dropout"),
            (("--space", "archs.toml"), "archs.toml: bare takes no --dropout; it takes no option"),
            (("--space", "typo.toml"), "typo.toml: unknown option 'droput': did you mean 'dropout'?"),
            (("--storage", "trials"), "--storage: expected journal:FILE, sqlite:///FILE or another SQLAlchemy URL"),
            (("--backend", "dask"), "--backend dask and --scheduler ADDRESS go together"),
            (("--scheduler", "tcp://a:1"), "--backend dask and --scheduler ADDRESS go together"),
            (
                ("--backend", "dask", "--scheduler", "tcp://a:1", "--jobs", "2"),
                "--jobs counts processes of this machine",
            ),
            (("--sampler", "grid"), "'grid' is not one of 'tpe', 'random', 'hyperband'"),
            (("--trials", "0"), "0 is not in the range x>=1"),
            (("--widths", "8"), "tiny takes no --widths; it takes --dropout"),
        ],
    )
    def test_what_does_not_fit_together(
        self, dataset: Path, space: Path, extra: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(catalog.ARCHITECTURES, "bare", "tests.commands.test_tune:bare")
        Path("widths.toml").write_text("widths = { choices = [[8, 8]] }")
        Path("archs.toml").write_text('arch = { choices = ["tiny", "bare"] }\ndropout = { low = 0.0, high = 0.5 }')
        Path("typo.toml").write_text("droput = { low = 0.0, high = 0.5 }")
        result = run_fer("tune", dataset, *(() if "archs.toml" in extra else ("--arch", "tiny")), *extra, "-o", "out")
        assert message in result.stderr
        assert result.exit_code == (3 if "none.toml" in extra else 2)
        assert result.stderr.count("\n") == 1
        assert not Path("out").exists()

    def test_a_dataset_without_val_rows(self, tmp_path: Path) -> None:
        path = write_dataset(tmp_path / "train-only.h5", planted_records((28, 0, 0)))
        result = run_fer("tune", path, "--arch", "tiny", "-o", "out")
        assert result.exit_code == 3
        assert "the split 'val' is empty; filled are: train" in result.stderr

    @pytest.mark.parametrize(
        ("options", "code", "message"),
        [
            (("--views", 2, "--space", "odd.toml"), 2, "--views 2: expected a divisor of --batch-size"),
            (("--crop", 100), 2, "--crop 100: expected at most the side of the images. Received: images of 24×24"),
            (("--freeze", "stage9"), 2, "unknown stage of"),
            (("--targets", "votes"), 3, "votes"),
            (("--init", "none.keras"), 3, "none.keras: no such"),
            (("--teacher", "none.keras"), 3, "none.keras: no such model file"),
            (("--adversarial", "pgd", "--precision", "mixed_float16"), 2, "--adversarial needs --precision float32"),
            (("--focal-gamma", 3), 2, "--focal-gamma does nothing without --loss focal"),
            (("--warmup", 3, "--space", "flat.toml"), 2, "--warmup does nothing without --schedule cosine"),
            (("--space", "idle.toml"), 2, "--alpha does nothing without --teacher or --distill"),
            (("--adversarial", "pgd", "--space", "attack.toml"), 2, "attack.toml: epsilon: accuracies under stronger"),
        ],
    )
    def test_what_cannot_be_trained_at_all(
        self, dataset: Path, options: tuple[object, ...], code: int, message: str
    ) -> None:
        Path("odd.toml").write_text("batch_size = { choices = [7, 9] }\n", encoding="utf-8")
        Path("flat.toml").write_text('schedule = { choices = ["constant", "plateau"] }\n', encoding="utf-8")
        Path("idle.toml").write_text("alpha = { low = 0.0, high = 1.0 }\n", encoding="utf-8")
        Path("attack.toml").write_text("epsilon = { low = 0.01, high = 0.1 }\n", encoding="utf-8")
        result = run_fer("tune", dataset, "--arch", "tiny", *options, "-o", "out", "--trials", 1)
        assert result.exit_code == code
        assert message in result.stderr
        assert result.stderr.count("\n") == 1
        assert not list(Path().glob("*out*"))

    def test_one_draw_that_cannot_be_built_is_left_to_its_trial(
        self, dataset: Path, space: Path, planted: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def too_large(*_: object) -> None:
            raise MemoryError("no room")

        monkeypatch.setattr(fit, "check", too_large)
        assert run_fer("tune", dataset, *QUICK, "--space", space, "-o", "out", "--trials", 1).exit_code == 0

    def test_what_a_search_may_give_is_not_idle(self, dataset: Path, planted: None) -> None:
        Path("space.toml").write_text('loss = { choices = ["cross-entropy", "focal"] }\n', encoding="utf-8")
        options = ("--arch", "tiny", "--focal-gamma", 3, "--space", "space.toml", "-o", "out", "--trials", 4)
        assert run_fer("tune", dataset, *options, "--json").exit_code == 0
        best = json.loads(Path("out/result.json").read_text(encoding="utf-8"))["results"]["best"]
        assert ("--focal-gamma" in best["flags"]) == (best["parameters"]["loss"] == "focal")


def bare(input_shape: tuple[int, int, int], num_classes: int) -> None:
    """An architecture without options."""


def test_the_default_space_can_be_printed_and_given_back() -> None:
    shown = run_fer("tune", "--show-space")
    assert shown.exit_code == 0
    from fer_cli.training_flags import searchable
    from fer_cli.tuning.space import read_space

    Path("shown.toml").write_text(shown.stdout, encoding="utf-8")
    assert read_space(Path("shown.toml"), searchable()) == read_space(None, searchable())


def test_the_default_space_leaves_out_what_is_fixed_or_unknown_to_the_architecture() -> None:
    from fer_cli.training_flags import searchable
    from fer_cli.tuning.scope import fitted
    from fer_cli.tuning.space import read_space

    space = fitted(read_space(None, searchable()), {"lr": 0.1, "batch_size": 64}, "tiny", None)
    assert space.names == ("optimizer", "augment", "dropout")
