"""`python -m tests.knocks.chaos`: kills and full disks at random moments, after which everything must go on.

A knock is either kill -9, after a drawn share of the processor time that the whole run takes or just before a drawn one
of its file operations, or a disk (a tmpfs, where one can be mounted, else a limit on the size of a file) that is full
after a drawn number of bytes. It is survived when what was complete before is complete still, nothing half-written
stands under the name of an output, and the next run ends well with the result of an unbroken one.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fer_cli import catalog
from tests import helpers, tiny
from tests.knocks import warm

Rng = np.random.Generator
#: What Python tells an audit hook of before it does it: the moments between which files are half of something.
_FILE_EVENTS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "shutil.rmtree"})
#: No run takes so many seconds, whatever else the machine does.
_PATIENCE = 900.0
#: Bytes for all that a run writes, and more.
_PLENTY = 256 << 20
_MANY = 1 << 62
#: Draws of a moment until a kill comes before the end.
_TRIES = 20


@dataclass(frozen=True)
class Scenario:
    """A command that is knocked at.

    words: of the command. again: words of the run after a knock. check: what is wrong with the folder right after a
    knock, "" for nothing; the folder of an unbroken run is its second argument. same: what is wrong with it after the
    next run. kills, disks: how many of each in a full run.
    """

    words: Sequence[str]
    again: Sequence[str]
    check: Callable[[Path, Path], str]
    same: Callable[[Path, Path], str]
    kills: int
    disks: int


def _columns(path: Path) -> dict[str, Any]:
    """All of a dataset file, as what can be compared; what is no sound file raises."""
    from fer_cli.store.reader import open_dataset

    with open_dataset(path) as dataset:
        images = np.concatenate(list(dataset.images(None).blocks())).tobytes()
        return {"images": images, "labels": dataset.labels(None).tolist(), "sources": dataset.sources(None)}


def _same_dataset(now: Path, whole: Path) -> str:
    return "" if _columns(now / "x.h5") == _columns(whole / "x.h5") else "the dataset is another"


def _old_or_new(now: Path, whole: Path) -> str:
    """The dataset that stood there before, or the whole new one."""
    if not (now / "x.h5").exists():
        return "the dataset that was there is gone"
    found = _columns(now / "x.h5")
    return "" if found in (_columns(whole / "x.h5"), _columns(now.parent / "sound" / "old.h5")) else "half a dataset"


def _history(folder: Path) -> list[dict[str, str]]:
    path = folder / "net.training" / "history.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            {k: v for k, v in row.items() if "second" not in k and "time" not in k} for row in csv.DictReader(stream)
        ]


def _trained(now: Path, whole: Path) -> str:
    """Epochs that are written down are those of an unbroken run, and a model that is there is whole."""
    from fer_cli.models import load_model

    expected = _history(whole)
    for row, other in zip(_history(now), expected, strict=False):
        if not all(np.isclose(float(row[name]), float(other[name]), atol=1e-4) for name in other if other[name]):
            return f"another history: {row} instead of {other}"
    if (now / "net.keras").exists():
        load_model(now / "net.keras")
    return ""


def _trained_whole(now: Path, whole: Path) -> str:
    lost = len(_history(whole)) - len(_history(now))
    return f"{lost} epochs are missing" if lost else _trained(now, whole) or _missing(now, "net.keras")


def _missing(folder: Path, name: str) -> str:
    return "" if (folder / name).exists() else f"{name} is missing"


def _complete_trials(folder: Path) -> int:
    import warnings

    import optuna

    path = folder / "trials.journal"
    if not path.exists() or not path.stat().st_size:
        return 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    studies = storage.get_all_studies()
    states = [trial.state for study in studies for trial in storage.get_all_trials(study._study_id)]
    return sum(state == optuna.trial.TrialState.COMPLETE for state in states)


def _searched(now: Path, whole: Path) -> str:
    (now / ".complete").write_text(str(_complete_trials(now)))
    return ""


def _searched_whole(now: Path, whole: Path) -> str:
    before, after = int((now / ".complete").read_text()), _complete_trials(now)
    if after < max(before, _complete_trials(whole)):
        return f"{after} complete trials, after {before}"
    return _missing(now, "out/result.json")


def _logged(now: Path, whole: Path) -> str:
    """The rows are the first of those of an unbroken run, and a video under its name can be read to the end."""
    from fer_cli.errors import InputError
    from fer_cli.live.log import read_log

    log = now / "log.csv"
    if not log.exists() or log.read_bytes().count(b"\n") < 2:
        return ""
    try:
        rows, expected = read_log(log).rows, read_log(whole / "log.csv").rows
    except InputError as error:
        return f"the log cannot be read: {error}"
    return "" if rows == expected[: len(rows)] else "the log has other rows"


def _logged_whole(now: Path, whole: Path) -> str:
    if (now / "log.csv").read_bytes() != (whole / "log.csv").read_bytes():
        return "the log is another"
    return _missing(now, "seen.mp4")


_TRAIN = shlex.split(
    "train ../sound/faces.h5 --arch tiny --epochs 4 --batch-size 7 --warmup 0 --lr 0.05 -q -o net.keras"
)
_TUNE = shlex.split(
    "tune ../sound/faces.h5 --arch tiny --epochs 1 --trials 2 --space ../sound/space.toml "
    "--storage journal:trials.journal -q -o out"
)
_WEBCAM = shlex.split(
    "webcam --source ../sound/faces.avi --model ../sound/planted.onnx --detector skip --headless "
    "--log log.csv --log-every 0s -o seen.mp4 -q"
)
_PREPARE = ["prepare", "../sound/fer2013.csv", "-o", "x.h5", "--overwrite", "-q"]
_AUGMENT = ["augment", "../sound/faces.h5", "-o", "x.h5", "--factor", "4", "--overwrite", "-q"]

SCENARIOS: dict[str, Scenario] = {
    "prepare": Scenario(_PREPARE, _PREPARE, _old_or_new, _same_dataset, 14, 4),
    "augment": Scenario(_AUGMENT, _AUGMENT, _old_or_new, _same_dataset, 14, 4),
    "train": Scenario(_TRAIN, [*_TRAIN, "--resume"], _trained, _trained_whole, 10, 3),
    "tune": Scenario(_TUNE, [*_TUNE, "--overwrite"], _searched, _searched_whole, 6, 2),
    "webcam": Scenario(_WEBCAM, [*_WEBCAM, "--overwrite"], _logged, _logged_whole, 12, 3),
}  # fmt: skip


def plant(scratch: Path) -> None:
    """What the commands read, where it is not there yet."""
    from tests.datasets.layouts import draw_faces, write_fer2013
    from tests.knocks.plants import EXPORTS, plant_sound

    sound = scratch / "sound"
    if not sound.exists():
        sound.mkdir()
        os.chdir(sound)
        plant_sound(sound, EXPORTS[:1])
    usages = ["Training"] * 300 + ["PublicTest"] * 100
    write_fer2013(sound / "fer2013.csv", draw_faces(400), [i % 7 for i in range(400)], usages)
    helpers.write_dataset(sound / "old.h5", helpers.planted_records((7, 7, 7)))
    (sound / "space.toml").write_text("lr = { choices = [1e-3, 0.05] }\n", encoding="utf-8")


def _begin(words: Sequence[str], folder: Path, at: int | None, limit: int | None, errors: Path) -> None:
    """The process that is knocked at. at: number of the file operation before which it kills itself."""
    os.chdir(folder)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    catalog.ARCHITECTURES["tiny"] = tiny.REFERENCE
    os.environ.pop("DISPLAY", None)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    left = [_MANY if at is None else at]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _FILE_EVENTS and arguments and _is_below(arguments[0], folder):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), 9)

    sys.addaudithook(hook)
    from fer_cli.main import cli

    try:
        cli(list(words))
    finally:
        if at is None and limit is None:
            errors.with_suffix(".events").write_text(str(_MANY - left[0]))


def _is_below(path: object, folder: Path) -> bool:
    """Whether a path that Python is about to touch, as it was given, lies in the folder that is worked in."""
    if not isinstance(path, str | os.PathLike):
        return False
    text = os.fspath(path)
    return isinstance(text, str) and (text.startswith(str(folder)) or not text.startswith(("/", "..")))


def _run(
    words: Sequence[str], folder: Path, cpu: float | None = None, at: int | None = None, limit: int | None = None
) -> tuple[int, str, float]:
    """Run a command in a folder, perhaps only for so many seconds of the processor; status, stderr and seconds."""
    from tests.knocks.fuzz import _cpu_seconds

    errors = folder.parent / f"{folder.name}.stderr"
    process = warm.CONTEXT.Process(target=_begin, args=(words, folder, at, limit, errors))
    process.start()
    began, pid, used, first = time.monotonic(), int(process.pid or 0), 0.0, None
    while process.is_alive():
        now = _cpu_seconds(pid)
        first = now if first is None else first
        used = max(used, now - first)
        if (cpu is not None and used >= cpu) or time.monotonic() - began > _PATIENCE:
            process.kill()
        time.sleep(0.005)
    process.join()
    # A kill may come before there is such a file.
    told = errors.read_text(errors="replace") if errors.exists() else ""
    return int(process.exitcode or 0), told, used


@contextlib.contextmanager
def _small_disk(folder: Path, size: int) -> Iterator[bool]:
    """A tmpfs of so many bytes at `folder`, where the system allows it."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


class Knocker:
    """Knocks at one scenario, whose unbroken run it sees first."""

    def __init__(self, name: str, scratch: Path, rng: Rng) -> None:
        self.name, self._scenario, self._scratch, self._rng = name, SCENARIOS[name], scratch, rng
        self._whole = self._folder("whole")
        status, errors, self._seconds = _run(self._scenario.words, self._whole)
        if status:
            raise RuntimeError(f"{name}: the unbroken run ends with {status}: {errors}")
        self._events = int((scratch / f"{self._whole.name}.events").read_text())
        self._bytes = sum(path.stat().st_size for path in self._whole.rglob("*") if path.is_file())

    def kill(self, number: int) -> str:
        """Kill one run, by time or at a file operation; what went wrong, "" for nothing."""
        folder = self._folder(f"kill-{number}")
        for _ in range(_TRIES):
            moment = self._moment(by_time=bool(number % 2))
            if _run(self._scenario.words, folder, **moment)[0] == -signal.SIGKILL:
                break
            # It had ended before.
            shutil.rmtree(folder)
            folder = self._folder(folder.name.removeprefix(f"{self.name}-"))
        else:
            raise RuntimeError(f"no kill came in time, the last one at {moment}")
        why = self._after(folder)
        shutil.rmtree(folder, ignore_errors=True)
        return why and f"killed at {moment}: {why}"

    def _moment(self, by_time: bool) -> dict[str, Any]:
        if by_time:
            return {"cpu": self._seconds * self._rng.random()}
        return {"at": int(self._rng.integers(self._events))}

    def fill_disk(self, number: int) -> str:
        """Run on a disk that is full after a part of what is written; what went wrong, "" for nothing."""
        folder = self._scratch / f"{self.name}-disk-{number}"
        folder.mkdir()
        size = 4096 + int(self._bytes * self._rng.random())
        with _small_disk(folder, size + (32 << 10)) as mounted:
            with contextlib.suppress(OSError):
                self._furnish(folder)
            status, errors, _ = _run(self._scenario.words, folder, limit=None if mounted else size)
            if status not in (0, 3) or "Traceback" in errors or (status and "fer: " not in errors):
                return f"full after {size} bytes: status {status}: {errors[-600:]}"
            if mounted:
                subprocess.run(["mount", "-o", f"remount,size={_PLENTY}", str(folder)], check=True)
            if not (folder / "x.h5").exists():
                self._furnish(folder)
            why = self._after(folder)
        shutil.rmtree(folder, ignore_errors=True)
        return why and f"full after {size} bytes: {why}"

    def _after(self, folder: Path) -> str:
        why = self._scenario.check(folder, self._whole)
        if why:
            return why
        status, errors, _ = _run(self._scenario.again, folder)
        if status:
            return f"the next run ends with {status}: {errors[-600:]}"
        return self._scenario.same(folder, self._whole)

    def _folder(self, name: str) -> Path:
        folder = self._scratch / f"{self.name}-{name}"
        folder.mkdir()
        self._furnish(folder)
        return folder

    def _furnish(self, folder: Path) -> None:
        """What stands where a dataset is to be written: one that is complete."""
        shutil.copy(self._scratch / "sound" / "old.h5", folder / "x.h5")


def knock(name: str, kills: int, disks: int, scratch: Path, seed: int) -> list[str]:
    """Knock at a command; for each knock what went wrong, "" for nothing."""
    knocker = Knocker(name, scratch, np.random.default_rng([seed, *name.encode()]))
    steps: list[Callable[[], str]] = [partial(knocker.kill, i) for i in range(kills)]
    steps += [partial(knocker.fill_disk, i) for i in range(disks)]
    found = []
    for step in steps:
        try:
            found.append(step())
        except Exception as error:  # a file that cannot be read is what is looked for
            found.append(f"{type(error).__name__}: {error}")
        if found[-1]:
            print(f"LOST {name}: {found[-1]}", flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Knock at every command, print how many knocks were survived, and give the exit status: 1 where one was not."""
    parser = argparse.ArgumentParser(prog="python -m tests.knocks.chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--command", action="append", choices=tuple(SCENARIOS), help="only this; may be repeated")
    parser.add_argument("--kills", type=int, metavar="N", help="of each command; the full run's number by default")
    parser.add_argument("--disks", type=int, metavar="N", help="full disks for each command; likewise")
    parser.add_argument("--seed", type=int, default=0, help="0 by default")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="commands at a time; one a core by default"
    )
    parser.add_argument("--scratch", type=Path, help="models and data are taken from this folder, where it has them")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fer-chaos-", ignore_cleanup_errors=True) as folder:
        scratch = asked.scratch or Path(folder)
        planter = warm.CONTEXT.Process(target=plant, args=(scratch,))
        planter.start()
        planter.join()
        with ThreadPoolExecutor(asked.jobs) as pool:
            print(f"{'command':<10} {'kills':>6} {'survived':>9} {'full disks':>11} {'survived':>9}", flush=True)
            rows = list(pool.map(lambda name: _row(name, asked, scratch), asked.command or SCENARIOS))
    done, survived = (sum(row[i] for row in rows) for i in (0, 1))
    print(f"{survived} of {done} knocks survived (seed {asked.seed})")
    return 0 if survived == done else 1


def _row(name: str, asked: argparse.Namespace, scratch: Path) -> tuple[int, int]:
    """Knock at a command and print its row; how many knocks there were, and how many were survived."""
    kills = SCENARIOS[name].kills if asked.kills is None else asked.kills
    disks = SCENARIOS[name].disks if asked.disks is None else asked.disks
    good = [not why for why in knock(name, kills, disks, scratch, asked.seed)]
    print(f"{name:<10} {kills:>6} {sum(good[:kills]):>9} {disks:>11} {sum(good[kills:]):>9}", flush=True)
    return len(good), sum(good)


if __name__ == "__main__":
    sys.exit(main())
