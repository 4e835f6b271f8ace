"""A process that damages inputs and runs `fer` on them, many one after the other, and tells what came of each."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import re
import resource
import shutil
import signal
import time
import traceback
import zlib
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result

from fer_cli import catalog
from fer_cli.main import cli
from tests import tiny
from tests.knocks.damage import damage_file
from tests.knocks.formats import FORMATS, Format, files_of
from tests.knocks.plants import arguments, plant_sound

#: What a command may take: memory that it touches, and addresses beyond those that its libraries have reserved.
MEMORY, ADDRESSES = 2 << 30, 3 << 30
#: Exit statuses of DESIGN.md, "Commands"; 130 would be an interruption that nobody asked for.
_STATUSES = {0, 2, 3, 4, 5}
#: Keras keeps what it compiled; so many inputs of a process, and it is forgotten.
_CLEAR_EVERY = 20


@dataclass(frozen=True)
class Case:
    """One damaged input, by its format and its number in it; seed: of the whole run.

    Those of negative numbers are not damaged: each command of the format must read what is sound.
    """

    form: str
    number: int
    seed: int

    @property
    def command(self) -> str:
        """What reads it."""
        commands = FORMATS[self.form].commands
        return commands[self.number % len(commands)]

    def rng(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(self.form.encode()), abs(self.number)])


@dataclass(frozen=True)
class Outcome:
    """What came of a case.

    kind: of the damage, with the file that it befell. outcome: "read", for what is still sound or was passed over,
    "refused", or "breach". said: the last line on stderr. why: for a breach, what was wrong, with all that is known.
    """

    case: Case
    kind: str
    outcome: str
    said: str = ""
    why: str = ""
    seconds: float = 0.0
    peak: int = 0


def main(connection: Connection, scratch: Path, name: str) -> None:
    """Run the cases that come through the connection, until None comes. scratch: where samples are planted."""
    log = os.open(scratch / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 2)
    faulthandler.enable()
    # The one who waits asks where it hangs before it ends it.
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    catalog.ARCHITECTURES["tiny"] = tiny.REFERENCE
    os.environ.pop("DISPLAY", None)
    home = scratch / name
    home.mkdir(parents=True, exist_ok=True)
    os.chdir(home)
    _warm_up(scratch)
    done = 0
    connection.send(None)
    while (case := connection.recv()) is not None:
        connection.send(run_case(case, scratch, home))
        done += 1
        if done % _CLEAR_EVERY == 0:
            _clear()


def plant(scratch: Path, names: list[str]) -> None:
    """Write the sound models, and a sound sample of each of these formats, where they are not there yet."""
    os.chdir(scratch)
    sound = {"sound": plant_sound} if any(FORMATS[name].sound for name in names) else {}
    for name, write in {**sound, **{name: FORMATS[name].plant for name in names}}.items():
        if not _sample(scratch, name).exists():
            write(_made(_sample(scratch, name)))


def _sample(scratch: Path, name: str) -> Path:
    return scratch / name.replace(" ", "-")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _warm_up(scratch: Path) -> None:
    """Load what commands load, so that the limit on addresses is for what they do with an input."""
    from fer_cli import framework

    framework.load()
    sound = scratch / "sound"
    model = sound / "planted.keras"
    CliRunner().invoke(cli, ["predict", str(sound / "happy.png"), "--model", str(model), "--detector", "skip"])
    reserved = int(re.search(r"VmSize:\s+(\d+) kB", Path("/proc/self/status").read_text()).group(1)) << 10  # type: ignore[union-attr]
    resource.setrlimit(resource.RLIMIT_AS, (reserved + ADDRESSES, resource.RLIM_INFINITY))


def _clear() -> None:
    import keras

    keras.backend.clear_session()
    gc.collect()


def run_case(case: Case, scratch: Path, home: Path) -> Outcome:
    """Damage a sample of `scratch`, and run a command on it below `home`."""
    form, rng = FORMATS[case.form], case.rng()
    place = home / "case"
    shutil.rmtree(place, ignore_errors=True)
    sample, output = place / "in", _made(place / "out")
    shutil.copytree(_sample(scratch, case.form), sample)
    (place / "sound").symlink_to(scratch / "sound")
    paths = files_of(sample, form)
    path = paths[int(rng.integers(len(paths)))]
    kind = f"{damage_file(path, rng, len(paths) > 2)} of {path.relative_to(sample)}" if case.number >= 0 else "sound"
    before = _listing(place)
    _forget_peak()
    start = time.process_time()
    result = _invoke(arguments(case.command, sample, output))
    seconds, peak = time.process_time() - start, _peak()
    why = _breach(result, form, before, place) or ("" if peak < MEMORY else f"memory: {peak / 2**30:.1f} GB")
    said = (result.stderr.strip().splitlines() or [""])[-1]
    if case.number < 0 and not why and form.refused != bool(result.exit_code):
        why = f"a sound sample ends with {result.exit_code}: {said}"
    outcome = "breach" if why else "refused" if result.exit_code else "read"
    return Outcome(case, kind, outcome, said, why, seconds, peak)


def _invoke(words: list[str]) -> Result:
    previous = signal.getsignal(signal.SIGTERM)
    try:
        return CliRunner().invoke(cli, words)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _breach(result: Result, form: Format, before: dict[str, int], place: Path) -> str:
    """What the program must not do; "" where it did none of it."""
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return "traceback: " + "".join(traceback.format_exception(*result.exc_info))  # type: ignore[misc]
    if "Traceback" in result.stderr:
        return f"traceback on stderr: {result.stderr[-2000:]}"
    if result.exit_code not in _STATUSES:
        return f"exit status {result.exit_code}: {result.stderr[-500:]}"
    if result.exit_code and not re.search(r"^fer: .+", result.stderr, re.MULTILINE):
        return f"exit status {result.exit_code} without a word: {result.stderr[-500:]}"
    after = _listing(place)
    left = [name for name in after if Path(name).name.startswith(".") and name not in before]
    if result.exit_code:
        changed = [name for name in {*before, *after} if after.get(name) != before.get(name)]
        left += [name for name in changed if Path(name).name not in form.kept]
    return f"exit status {result.exit_code}, and left behind or changed: {sorted(set(left))}" if left else ""


def _listing(folder: Path) -> dict[str, int]:
    """Every file and folder below with its size."""
    found = {}
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            found[str(path.relative_to(folder))] = path.lstat().st_size if not path.is_dir() else 0
    return found


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    """Bytes that the process had in memory at most since it was last forgotten."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text()).group(1)) << 10  # type: ignore[union-attr]
