"""`fer train` on several devices and by several workers, all of them processes of this machine."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fer_cli import catalog
from fer_cli.training import distribute_peers
from tests import tiny
from tests.commands.test_train import read_history, start_fer
from tests.helpers import run_fer
from tests.training.test_distribute import free_addresses

#: What depends on the whole batch (batch statistics, mixup), on the history (plateau) and on the averages.
OPTIONS = (
    *("--arch", "tiny", "--batch-size", "14", "--lr", "0.1", "--schedule", "plateau", "--plateau-patience", "1"),
    *("--augment", "light", "--mixup", "0.2", "--ema", "0.6", "--seed", "7"),
)
SHORT = (*OPTIONS, "--epochs", "6")


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.ARCHITECTURES, "tiny", tiny.REFERENCE)


@contextlib.contextmanager
def started(*processes: subprocess.Popen[str]) -> Iterator[None]:
    """Processes that do not outlive the test."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def assert_same_curve(name: str, expected: str) -> None:
    got, wanted = read_history(Path(f"{name}.training")), read_history(Path(f"{expected}.training"))
    assert got.keys() == wanted.keys()
    for column in set(wanted) - {"seconds", "images_per_second"}:
        np.testing.assert_allclose(got[column], wanted[column], rtol=1e-3, atol=1e-4, err_msg=column)


def test_two_devices_and_two_workers_have_the_curve_of_one(dataset: Path) -> None:
    workers = ("--workers", ",".join(free_addresses(2)))
    train = ("train", dataset, *SHORT)
    devices = start_fer(*train, "-o", "devices.keras", "--devices", "2")
    chief = start_fer(*train, "-o", "chief.keras", *workers, "--rank", "0")
    other = start_fer(*train, "-o", "other.keras", *workers, "--rank", "1", "--json")
    with started(devices, chief, other):
        assert run_fer(*train, "-o", "one.keras").exit_code == 0
        for process in (devices, chief):
            errors = process.communicate()[1]
            assert process.returncode == 0, errors
        record, told = other.communicate()
    assert other.returncode == 0, told
    assert_same_curve("devices", "one")
    assert_same_curve("chief", "one")
    rates = read_history(Path("one.training"))["lr"]
    assert rates[-1] < rates[0]
    assert Path("chief.keras").exists()
    assert not list(Path().glob("other*"))
    assert "worker 0 has the model and its history" in told
    assert (
        json.loads(record)["results"]["val"]
        == json.loads(Path("chief.training/result.json").read_text())["results"]["val"]
    )


def test_two_devices_under_jax(dataset: Path) -> None:
    pytest.importorskip("jax")
    train = ("train", dataset, *SHORT)
    one = start_fer(*train, "-o", "one.keras", backend="jax")
    two = start_fer(*train, "-o", "two.keras", "--devices", "2", backend="jax")
    with started(one, two):
        for process in (one, two):
            errors = process.communicate()[1]
            assert process.returncode == 0, errors
    assert_same_curve("two", "one")


def test_a_killed_worker_ends_the_run_and_one_process_can_resume_it(dataset: Path) -> None:
    addresses = free_addresses(2)
    train = ("train", dataset, *OPTIONS, "--epochs", "40")
    together = ("--workers", ",".join(addresses), "-o", "killed.keras")
    chief = start_fer(*train, *together, "--rank", "0")
    victim = start_fer(*train, *together, "--rank", "1")
    with started(chief, victim):
        while not Path("killed.training/checkpoint.npz").exists():
            assert chief.poll() is None
            time.sleep(0.005)
        victim.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        whole = run_fer(*train, "-o", "whole.keras")
        assert whole.exit_code == 0, whole.stderr
        errors = chief.communicate()[1].splitlines()
    assert chief.returncode == 5, errors
    assert time.monotonic() - killed < 60
    done = len(read_history(Path("killed.training"))["epoch"])
    assert 0 < done < 40
    assert errors[-1] == (
        f"fer: worker 1 ({addresses[1]}) is lost; {done} of 40 epochs are saved in killed.training; "
        "the same command with --resume goes on from there"
    )
    assert sum(not line.startswith("epoch") for line in errors) == 2  # it waited for the other, and this
    resumed = run_fer(*train, "-o", "killed.keras", "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert_same_curve("killed", "whole")


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--workers", "127.0.0.1"), "expected HOST:PORT,HOST:PORT,… Received: 127.0.0.1"),
            (("--workers", "a:1,b:2"), "--workers needs --rank"),
            (("--workers", "a:1,b:2", "--rank", "2"), "--rank: expected 0 to 1 for 2 workers. Received: 2"),
            (("--rank", "0"), "--rank needs --workers"),
            (("--workers", "a:1,b:2", "--rank", "0", "--devices", "2"), "--devices is for one machine"),
            (("--devices", "0"), "0 is not in the range x>=1"),
        ],
    )
    def test_wrong_usage_is_one_line(self, dataset: Path, options: tuple[str, ...], message: str) -> None:
        result = run_fer("train", dataset, *SHORT, "-q", *options)
        assert result.exit_code == 2, result.stderr
        assert message in result.stderr
        assert result.stderr.count("\n") == 1
        assert not list(Path().glob("models/*"))

    @pytest.mark.parametrize(
        ("rank", "message"),
        [("0", "worker 1 ({1}) did not come within 0.2 s"), ("1", "worker 0 ({0}) did not answer within 0.2 s")],
    )
    def test_a_worker_that_does_not_come(
        self, dataset: Path, monkeypatch: pytest.MonkeyPatch, rank: str, message: str
    ) -> None:
        monkeypatch.setattr(distribute_peers, "START_WAIT", 0.2)
        addresses = free_addresses(2)
        result = run_fer("train", dataset, *SHORT, "-q", "--workers", ",".join(addresses), "--rank", rank)
        assert result.exit_code == 5
        assert message.format(*addresses) in result.stderr
        assert result.stderr.count("\n") == 1

    def test_a_port_that_is_taken(self, dataset: Path) -> None:
        addresses = free_addresses(2)
        with socket.create_server(("", int(addresses[0].split(":")[1]))):
            result = run_fer("train", dataset, *SHORT, "-q", "--workers", ",".join(addresses), "--rank", "0")
        assert result.exit_code == 2
        assert "cannot be used on this machine" in result.stderr
