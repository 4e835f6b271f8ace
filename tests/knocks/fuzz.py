"""`python -m tests.knocks.fuzz`: thousands of damaged inputs, none of which may make the program misbehave.

Each input is a sound sample of a format with one file damaged. A command that reads it must end by itself, with exit
status 0, or with one of DESIGN.md's and a line that begins with `fer: `; no traceback, no crash, no more than 2 GB of
memory, and after a failure no file that was not there before. The inputs depend on the seed alone.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import multiprocessing as mp
import os
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, Queue
from typing import Any, TextIO

from tests.knocks import warm, worker
from tests.knocks.formats import FORMATS
from tests.knocks.worker import Case, Outcome

#: Seconds that a command may take: of the processor, and by the clock, on a machine that has other work as well.
CPU_LIMIT, WALL_LIMIT = 30.0, 300.0
#: A process is ended where it grows beyond this, for the machine's sake.
_LARGEST = 4 << 30
#: Inputs that a process has before a fresh one takes its place: libraries keep something of each.
_LIFE = 400


class Process:
    """A worker process; a fresh one takes its place where it dies."""

    def __init__(self, scratch: Path, name: str) -> None:
        self._scratch, self._name, self._starts = scratch, name, 0
        self._start()

    def run(self, case: Case) -> Outcome:
        """What came of a case, a crash and a hang included."""
        if self._done >= _LIFE:
            self.close()
            self._start()
        self._done += 1
        self._connection.send(case)
        why = self._wait()
        if not why:
            outcome: Outcome = self._connection.recv()
            return outcome
        if self._process.is_alive():
            os.kill(self._pid, signal.SIGUSR1)
            time.sleep(0.5)
            self._process.kill()
        self._process.join()
        if self._process.exitcode != -signal.SIGKILL:
            why = f"crash: the process ended with {self._process.exitcode}"
        tail = (self._scratch / f"{self._label}.log").read_text(errors="replace")[-3000:]
        self._start()
        return Outcome(case, "?", "breach", why=f"{why}\n{tail}")

    def close(self) -> None:
        self._connection.send(None)
        self._process.join(30)
        self._process.kill()

    def _start(self) -> None:
        self._starts, self._done = self._starts + 1, 0
        self._label = f"{self._name}-{self._starts}"
        self._connection, theirs = mp.Pipe()
        self._process = warm.CONTEXT.Process(target=worker.main, args=(theirs, self._scratch, self._label), daemon=True)
        self._process.start()
        theirs.close()
        self._connection.recv()
        self._pid = int(self._process.pid or 0)

    def _wait(self) -> str:
        """Wait for an answer; why there is none, "" where there is one."""
        began, cpu = time.monotonic(), _cpu_seconds(self._pid)
        while not self._connection.poll(0.05):
            if not self._process.is_alive():
                return "crash"
            if _cpu_seconds(self._pid) - cpu > CPU_LIMIT or time.monotonic() - began > WALL_LIMIT:
                return f"hang: no end after {CPU_LIMIT:.0f} s of the processor, or {WALL_LIMIT:.0f} s by the clock"
            if _resident(self._pid) > _LARGEST:
                return f"memory: above {_LARGEST / 2**30:.0f} GB"
        return "" if self._process.is_alive() else "crash"


def _cpu_seconds(pid: int) -> float:
    fields = _proc(pid, "stat").rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _resident(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", _proc(pid, "status"))
    return int(found[1]) << 10 if found else 0


def _proc(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return ""


def cases(inputs: int | None, seed: int, names: Sequence[str]) -> list[Case]:
    """Cases of these formats, in the full run's proportions, after the sound ones that the commands must read.

    inputs: how many damaged ones, about; None for the full run.
    """
    part = 1.0 if inputs is None else inputs / sum(FORMATS[name].inputs for name in names)
    found = []
    for name in names:
        count = max(1, round(FORMATS[name].inputs * part))
        found += [Case(name, number, seed) for number in range(-len(FORMATS[name].commands), count)]
    return found


def fuzz(todo: Sequence[Case], jobs: int, scratch: Path, tell: Callable[[Outcome], object]) -> Counter[tuple[str, str]]:
    """Run all cases; the count by format and outcome."""
    names = list(dict.fromkeys(case.form for case in todo))
    planter = warm.CONTEXT.Process(target=worker.plant, args=(scratch, names))
    planter.start()
    planter.join()
    if planter.exitcode:
        raise RuntimeError("the sound samples cannot be written")
    queue: Queue[Case] = Queue()
    for case in todo:
        queue.put(case)
    counts: Counter[tuple[str, str]] = Counter()
    with ThreadPoolExecutor(jobs) as pool:
        for outcomes in [pool.submit(lambda i=i: _drain(queue, scratch, f"worker-{i}", tell)) for i in range(jobs)]:
            counts += outcomes.result()
    return counts


def _drain(queue: Queue[Case], scratch: Path, name: str, tell: Callable[[Outcome], object]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    process = Process(scratch, name)
    for case in _taken(queue):
        outcome = process.run(case)
        # What is sound counts only where it was not read.
        counts[case.form, outcome.outcome] += case.number >= 0 or outcome.outcome == "breach"
        tell(outcome)
    process.close()
    return counts


def _taken(queue: Queue[Case]) -> Iterator[Case]:
    while True:
        try:
            yield queue.get_nowait()
        except Empty:
            return


def table(counts: Counter[tuple[str, str]]) -> str:
    """Formats and what came of their inputs, with the sum."""
    columns = ("read", "refused", "breach")
    names = list(dict.fromkeys(form for form, _ in counts))
    rows: list[tuple[Any, ...]] = [(name, *(counts[name, column] for column in columns)) for name in names]
    rows.append(("all", *(sum(row[i] for row in rows) for i in (1, 2, 3))))
    lines = [f"{'format':<18} {'inputs':>7} {'read':>7} {'refused':>8} {'breach':>7}"]
    lines += [f"{name:<18} {sum(found):>7} {found[0]:>7} {found[1]:>8} {found[2]:>7}" for name, *found in rows]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the table, and give the exit status: 1 where anything misbehaved."""
    parser = argparse.ArgumentParser(prog="python -m tests.knocks.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, metavar="N", help="how many, about; all by default")
    parser.add_argument("--seed", type=int, default=0, help="0 by default")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes; one a core by default")
    parser.add_argument("--format", action="append", choices=tuple(FORMATS), help="only this; may be repeated")
    parser.add_argument("--number", type=int, help="only this input of the format; below 0 it is not damaged")
    parser.add_argument("--scratch", type=Path, help="sound samples are taken from this folder, where it has them")
    parser.add_argument("--outcomes", type=Path, metavar="FILE", help="write what came of each input, as JSON lines")
    asked = parser.parse_args(arguments)
    todo = cases(asked.inputs, asked.seed, asked.format or list(FORMATS))
    todo = [case for case in todo if asked.number in (None, case.number)]
    with contextlib.ExitStack() as stack:
        scratch = asked.scratch or Path(stack.enter_context(_folder()))
        lines = stack.enter_context(asked.outcomes.open("w", encoding="utf-8")) if asked.outcomes else None
        counts = fuzz(todo, asked.jobs, scratch, lambda outcome: _tell(outcome, lines))
    print(table(counts))
    breaches = sum(count for (_, outcome), count in counts.items() if outcome == "breach")
    print(f"{sum(case.number >= 0 for case in todo):,} damaged inputs, {breaches:,} breaches (seed {asked.seed})")
    return 1 if breaches else 0


def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fer-fuzz-", ignore_cleanup_errors=True)


def _tell(outcome: Outcome, lines: TextIO | None) -> None:
    case = outcome.case
    if lines is not None:
        print(json.dumps(dataclasses.asdict(outcome)), file=lines, flush=True)
    if outcome.outcome == "breach":
        print(f"BREACH {case.form!r} number {case.number} ({outcome.kind}): {case.command}", flush=True)
        print(outcome.why, flush=True)


if __name__ == "__main__":
    sys.exit(main())
