"""Wall time of `fer --help` and of every `fer COMMAND --help`, against `python -c "import click"`.

All take turns, so that other load on the machine meets each alike; the figures are medians. What is above the baseline
is our own: finding the command, importing its module, and writing the text.

    python benchmarks/help_time.py        some 30 s; goal: at most 0.25 s each
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from fer_cli.main import COMMANDS

ROUNDS = 11
GOAL = 0.25
BASELINE = "python -c 'import click'"


def main() -> None:
    program = Path(sys.executable).with_name("fer")
    commands = {BASELINE: [sys.executable, "-c", "import click"], "fer --help": [str(program), "--help"]}
    commands |= {f"fer {name} --help": [str(program), name, "--help"] for name in COMMANDS}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            times[name].append(seconds(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; medians of {ROUNDS}")
    for name, median in medians.items():
        print(f"{name:26} {median:.3f} s  {median / medians[BASELINE]:5.2f} × the baseline")
    slowest = max(median for name, median in medians.items() if name != BASELINE)
    print(f"goal {GOAL} s: {'met' if slowest <= GOAL else 'missed'}, the slowest takes {slowest:.3f} s")


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
