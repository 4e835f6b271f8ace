"""Two processes on one output: one has it, the other says so; and a killed one is in nobody's way."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from fer_cli import catalog, files, main
from fer_cli.claims import claimed
from fer_cli.commands import tune
from fer_cli.errors import OutputError, OutputExistsError
from tests import tiny
from tests.helpers import run_fer

#: Commands without an output of their own alone, and why.
SHARED = {
    "transfer": "is a group",
    "tune": "several processes share one search, and wait for each other to write its folder",
}
#: What makes each other command ask for its output, whose place is OUT, where that is not the last word after -o.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "prepare": ("planted.h5", "-o", "OUT.h5"),
    "eda": ("planted.h5", "-o", "OUT"),
    "augment": ("planted.h5", "-o", "OUT.h5"),
    "train": ("planted.h5", "--arch", "tiny", "-o", "OUT.keras"),
    "eval": ("net.keras", "planted.h5", "-o", "OUT"),
    "compare": ("results", "-o", "OUT"),
    "noise": ("net.keras", "planted.h5", "-o", "OUT"),
    "attack": ("net.keras", "planted.h5", "-o", "OUT"),
    "svm": ("planted.h5", "-o", "OUT"),
    "tsne": ("net.keras", "planted.h5", "-o", "OUT"),
    "saliency": ("net.keras", "planted.h5", "-o", "OUT"),
    "worst-labels": ("net.keras", "planted.h5", "-o", "OUT"),
    "bias": ("net.keras", "planted.h5", "--by", "gender", "-o", "OUT"),
    "transfer fit": ("planted.h5", "-o", "OUT.keras"),
    "transfer apply": ("net.keras", "planted.h5", "--to", "happy", "-o", "OUT"),
    "predict": ("photo.png", "--model", "net.keras", "-o", "OUT.csv"),
    "webcam": ("--model", "net.keras", "--log", "OUT.csv"),
    "aggregate": ("anna.csv", "-o", "OUT"),
    "export": ("net.keras", "planted.h5", "--format", "onnx", "-o", "OUT.onnx"),
    "report": ("results", "-o", "OUT.html"),
}
#: What a run locks, where that is not what it was asked for.
CLAIMED = {"train": "OUT.training", "transfer fit": "OUT.training"}


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.ARCHITECTURES, "tiny", tiny.REFERENCE)


def test_every_command_is_here() -> None:
    assert ARGUMENTS.keys() | SHARED.keys() == main.every_command().keys()


@pytest.mark.parametrize("command", ARGUMENTS)
def test_the_second_is_refused_whatever_it_is_told(command: str, dataset: Path) -> None:
    for name in ("net.keras", "photo.png", "anna.csv"):
        Path(name).touch()
    arguments = ARGUMENTS[command]
    place = Path(CLAIMED.get(command, arguments[-1]))
    with claimed(place):
        before = sorted(Path().rglob("*"))
        for further in ("--overwrite", *(["--resume"] if command in CLAIMED else [])):
            result = run_fer(*command.split(), *arguments, further)
            assert result.exit_code == 4, result.output
            assert result.stderr.startswith(f"fer: {place}: another fer is writing it (process ")
            assert result.stderr.count("\n") == 1
        assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(
    ("command", "work"),
    [("prepare", "fer_cli.datasets.prepare.prepare_dataset"), ("train", "fer_cli.training.fit.train")],
)
def test_an_output_is_claimed_until_the_end(
    command: str, work: str, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class DoneError(Exception):
        pass

    def meanwhile(*args: Any, **kwargs: Any) -> None:
        result = run_fer(command, *ARGUMENTS[command])
        assert result.exit_code == 4
        assert "another fer is writing it" in result.stderr
        raise DoneError

    monkeypatch.setattr(work, meanwhile)
    for _ in range(2):  # a failure gives it back
        with pytest.raises(DoneError):
            run_fer(command, *ARGUMENTS[command])
    assert list(Path().iterdir()) == [dataset.relative_to(Path.cwd())]


def test_workers_of_one_run_share_its_output(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise click.ClickException("as far as that")

    monkeypatch.setattr("fer_cli.training.distribute.cluster", refuse)
    with claimed(Path("OUT.training")):
        asked = (*ARGUMENTS["train"], "--workers", "localhost:9001,localhost:9002", "--rank")
        assert "another fer is writing it" in run_fer("train", *asked, 0).stderr
        assert "as far as that" in run_fer("train", *asked, 1).stderr


HOLD = """
import sys, time
from pathlib import Path
from fer_cli import files
from fer_cli.claims import claimed
path = Path(sys.argv[1])
with claimed(path), files.atomic_path(path) as temporary:
    temporary.touch()
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_process_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "models" / "net.keras"
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(OutputExistsError, match=rf"net\.keras: another fer .* \(process {other.pid} on "):
            claimed(path).__enter__()
        other.kill()
    assert sorted(each.name.split("-")[0] for each in path.parent.iterdir()) == [".net.keras.lock", ".net.unfinished"]
    with claimed(path):
        pass
    assert list(path.parent.iterdir()) == []


def test_what_others_have_not_finished_stays(tmp_path: Path) -> None:
    with claimed(tmp_path / "a.csv"), files.atomic_path(tmp_path / "a.csv") as other:
        other.touch()
        for path in (tmp_path / "a.h5", tmp_path / "b.csv", tmp_path):
            with claimed(path):
                assert other.exists()


def test_what_a_killed_process_left_in_a_folder_goes(tmp_path: Path) -> None:
    for name in (".result.unfinished-0abc_def.json", ".result.json", "result.unfinished-0abc_def.json"):
        (tmp_path / name).touch()
    (tmp_path / ".run.training.unfinished-0abc_def").mkdir()
    with claimed(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == {".result.json", "result.unfinished-0abc_def.json"}


def test_one_file_by_two_names_is_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for first, second in (("real/a.h5", "link/a.h5"), ("real", "link"), ("real", "real/../real")):
        with (
            claimed(tmp_path / first),
            pytest.raises(OutputExistsError, match="another fer is writing it"),
            claimed(Path(second)),
        ):
            pass


def test_those_who_wait_come_one_after_the_other(tmp_path: Path) -> None:
    count = tmp_path / "count"
    count.write_text("0")

    def add() -> None:
        for _ in range(50):
            with claimed(count, wait=True):
                count.write_text(str(int(count.read_text()) + 1))

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count.read_text() == "300"
    assert list(tmp_path.iterdir()) == [count]


def test_folders_made_for_a_claim_go_unless_they_are_used(tmp_path: Path) -> None:
    with claimed(tmp_path / "a" / "b" / "net.keras"):
        (tmp_path / "a" / "used").touch()
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "a", tmp_path / "a" / "used"]


def test_a_place_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file: cannot be written"), claimed(tmp_path / "file" / "net.keras"):
        pass


def test_a_device_is_for_all() -> None:
    with claimed(Path("/dev/null")), claimed(Path("/dev/null")):
        pass


class TestTune:
    """Its processes share a storage; what each finds in the folder at the end decides."""

    @pytest.fixture
    def meanwhile(self, dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        """`fer tune` on the storage "journal:a", during which the folder is filled with the result of a search."""

        def arrange(storage: str, study: str = "fer") -> Any:
            results = {"storage": storage, "study": study, "best": {"command": "fer train"}}
            record = {"command": "tune", "inputs": [], "parameters": {}, "results": results}

            def search(*args: Any) -> Any:
                Path("OUT").mkdir()
                Path("OUT/result.json").write_text(json.dumps(record))
                return SimpleNamespace(rows=[])

            plan = SimpleNamespace(storage="journal:a", study="fer")
            monkeypatch.setattr(tune, "_plan", lambda *args: plan)
            monkeypatch.setattr(tune, "_search", search)
            monkeypatch.setattr(tune, "_write", lambda *args: record)
            monkeypatch.setattr("fer_cli.reports.tune_view.show", lambda *args: None)
            return run_fer("tune", dataset, "--storage", "journal:a", "-o", "OUT")

        return arrange

    def test_another_process_of_the_search(self, meanwhile: Any) -> None:
        assert meanwhile("journal:a").exit_code == 0

    @pytest.mark.parametrize(("storage", "study"), [("journal:b", "fer"), ("journal:a", "other")])
    def test_another_search(self, storage: str, study: str, meanwhile: Any) -> None:
        result = meanwhile(storage, study)
        assert result.exit_code == 4
        assert "OUT: another search has written it meanwhile; the trials of this one are in journal:a" in result.stderr
