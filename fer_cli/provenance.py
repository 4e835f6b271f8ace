"""Where a result came from: the command line, its parameters, the inputs' hashes, the versions."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import fer_cli
from fer_cli import files

_PACKAGES = ("numpy", "h5py", "opencv-python", "scikit-learn", "keras", "tensorflow", "jax", "torch")


def command_line() -> str:
    """The command as typed, quoted for a shell, with the program's bare name."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def versions() -> dict[str, str]:
    """Versions of fer, Python and the packages that decide figures; those not installed are left out."""
    found = {"fer-cli": fer_cli.__version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def describe_inputs(paths: Iterable[Path]) -> list[dict[str, str]]:
    """Path and SHA-256 of each input file."""
    return [{"path": str(path), "sha256": files.sha256(path)} for path in paths]


def record(
    command: str, inputs: Iterable[Path], parameters: Mapping[str, Any], results: Mapping[str, Any]
) -> dict[str, Any]:
    """The object that `--json` prints and `result.json` holds.

    command: the subcommand's name. parameters: what it was asked, seed included. results: what it found.
    """
    return {
        "command": command,
        "command_line": command_line(),
        "inputs": describe_inputs(inputs),
        "parameters": dict(parameters),
        "results": dict(results),
        "versions": versions(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
