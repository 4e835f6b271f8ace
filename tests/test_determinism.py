"""The same command with the same seed gives the same result.json, times aside: every command, in two processes.

`python -m tests.test_determinism RECORDS.json` runs the commands in the folder in which it is called.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_cli import catalog, main
from tests import helpers, tiny
from tests.helpers import run_fer
from tests.live import lectures, streams

TRAINING = ("--arch", "tiny", "--epochs", "2", "--batch-size", "14", "--warmup", "0", "--lr", "0.01")
#: Command -> arguments, with all that it draws by chance; outputs are called out-NAME.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "prepare": ("synthetic", "--count", "42", "--size", "24", "--label-noise", "0.2", "--split", "random"),
    "eda": ("faces.h5",),
    "augment": ("faces.h5", "--policy", "strong", "--factor", "2"),
    "train": ("faces.h5", *TRAINING, "--augment", "strong", "--mixup", "0.2", "--dropout", "0.3"),
    "tune": ("faces.h5", *TRAINING, "--trials", "2"),
    "eval": ("net.keras", "other.keras", "faces.h5", "--search-weights"),
    "compare": ("results/net",),
    "noise": ("net.keras", "faces.h5", "--variances", "0,0.01", "--repeats", "2", "--limit", "2"),
    "attack": ("net.keras", "faces.h5", "--method", "pgd", "--epsilon", "0.1", "--limit", "1", "--no-checks"),
    "svm": ("faces.h5", "--model", "forest", "--features", "pixels", "--grid", "none", "--folds", "2", "--jobs", "2"),
    "tsne": ("net.keras", "faces.h5", "--perplexity", "5"),
    "saliency": ("net.keras", "faces.h5", "--method", "rise", "--evidence", "0", "--per-class", "1"),
    "worst-labels": ("net.keras", "faces.h5"),
    "bias": ("net.keras", "faces.h5", "--by", "glasses", "--min-rows", "10"),
    "transfer fit": (
        *("faces.h5", "--epochs", "1", "--steps", "2", "--batch-size", "7", "--width", "4", "--blocks", "1"),
        *("--augment", "strong"),
    ),
    "transfer apply": ("faces.h5", "--method", "optimize", "--model", "net.keras", "--to", "fear", "--limit", "1"),
    "predict": ("faces.avi", "--model", "net.keras", "--detector", "skip"),
    "webcam": ("--source", "faces.avi", "--model", "net.keras", "--detector", "skip", "--headless"),
    "aggregate": ("anna.csv", "berta.csv"),
    "export": ("net.keras", "faces.h5", "--format", "saved_model"),
    "report": ("results", "faces.h5"),
}
#: How the output of a command ends that is no folder, and its option where that is another than -o.
ENDINGS = {
    "prepare": ".h5", "augment": ".h5", "train": ".keras", "transfer fit": ".keras", "predict": ".csv",
    "webcam": ".csv", "report": ".html",
}  # fmt: skip
OPTIONS = {"webcam": "--log"}
#: Keys of what a clock measures, and of an exported file's size: TensorFlow writes a random number into a SavedModel.
TIMES = re.compile(r"date|.*seconds.*|.*_per_second|frames_a_second|command_line|bytes")


def test_every_command_is_here() -> None:
    groups = {name.split()[0] for name in ARGUMENTS if " " in name}
    assert ARGUMENTS.keys() == main.every_command().keys() - groups


def test_the_same_command_gives_the_same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = []
    (tmp_path / "files").mkdir()
    monkeypatch.chdir(tmp_path / "files")
    plant()
    processes = [start(tmp_path / name, seed) for name, seed in (("first", "1"), ("second", "2"))]
    for process, folder in processes:
        told = process.communicate()[0]
        assert process.returncode == 0, told
        text = (folder / "records.json").read_text(encoding="utf-8")
        records.append(json.loads(text.replace(str(folder), "FOLDER")))
    first, second = records
    assert first.keys() == ARGUMENTS.keys()
    different = {name: list(differences(first[name], second[name])) for name in first}
    assert {name: found for name, found in different.items() if found} == {}


def start(folder: Path, hash_seed: str) -> tuple[subprocess.Popen[str], Path]:
    """All commands in a process of its own, in a folder with the same files; sets are ordered by `hash_seed`."""
    shutil.copytree(folder.with_name("files"), folder)
    path = os.pathsep.join([str(Path(main.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.test_determinism", "records.json"],
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": hash_seed},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return process, folder


def plant() -> None:
    """Write what the commands are given."""
    records = helpers.planted_records()
    records.attributes["glasses"] = (np.arange(len(records)) // 7 % 2).astype(np.uint8)
    helpers.write_dataset(Path("faces.h5"), records)
    helpers.write_model(Path("net.keras"), wrong=(2,))
    helpers.write_model(Path("other.keras"), wrong=(4,))
    streams.write_video(Path("faces.avi"), [3, 3, 5, 5, 5])
    for number, name in enumerate(("anna", "berta")):
        lectures.write_viewer(Path(f"{name}.csv"), number, lectures.Sitting(end=60.0, every=2.0))
    assert run_fer("eval", "net.keras", "faces.h5", "-o", "results/net", "-q").exit_code == 0


def differences(first: Any, second: Any, where: str = "") -> list[str]:
    """Where two records differ, but for times."""
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        return [
            line
            for key in first
            if not TIMES.fullmatch(key)
            for line in differences(first[key], second[key], f"{where}.{key}")
        ]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        pairs = enumerate(zip(first, second, strict=True))
        return [line for i, (a, b) in pairs for line in differences(a, b, f"{where}[{i}]")]
    return [] if first == second else [f"{where}: {str(first)[:60]} / {str(second)[:60]}"]


def run_all() -> dict[str, Any]:
    """The record of each command, run here with the files of `plant`."""
    catalog.ARCHITECTURES["tiny"] = tiny.REFERENCE
    records = {}
    for name, arguments in ARGUMENTS.items():
        output = f"out-{name.replace(' ', '-')}{ENDINGS.get(name, '')}"
        asked = (*arguments, OPTIONS.get(name, "-o"), output, "--seed", "7", "--json")
        result = run_fer(*name.split(), *asked)
        if result.exit_code:
            raise SystemExit(f"fer {name}: {result.output}")
        records[name] = json.loads(result.stdout)
    return records


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(run_all()), encoding="utf-8")
