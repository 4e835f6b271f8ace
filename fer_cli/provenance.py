"""Where a result came from: the command line, its parameters, the inputs' hashes, the versions."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import platform
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import fer_cli
from fer_cli import files
from fer_cli.errors import InputError

#: The file that a directory output holds first of all.
RESULT = "result.json"

_PACKAGES = ("numpy", "h5py", "opencv-python", "scikit-learn", "keras", "tensorflow", "jax", "torch")
_RECORD_KEYS = frozenset({"command", "inputs", "parameters", "results"})


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


def result_file(path: Path) -> Path:
    """The `result.json` of a folder; another path is taken to be such a file itself."""
    return path / RESULT if path.is_dir() else path


def read_record(path: Path) -> dict[str, Any]:
    """A record that `record` made, from its JSON file or from the folder that holds it as `result.json`.

    Raises `InputError` for a file that is no such record.
    """
    file = result_file(path)
    found = files.read_json(file)
    if not (isinstance(found, dict) and _RECORD_KEYS.issubset(found) and isinstance(found["results"], dict)):
        raise InputError(f"{file}: not a result of fer; expected a JSON object with {', '.join(sorted(_RECORD_KEYS))}")
    return found


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


@contextlib.contextmanager
def understood(place: object) -> Iterator[None]:
    """Make whatever fails in the block, because a record lacks or has what no record of ours does, an `InputError`.

    place: where the records are, for the error.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"{place}: expected a {RESULT} as fer writes it. Received: another ({reason})") from error
