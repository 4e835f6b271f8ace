"""Other results of `fer attack`, to stand beside a new one in its graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_cli import provenance
from fer_cli.errors import InputError


@dataclass(frozen=True)
class Versus:
    """Another result. name: of its folder. attacks: its outcomes, as `Outcome` has them."""

    name: str
    attacks: Sequence[Mapping[str, Any]]


def read_versus(paths: Sequence[Path], split: str, n: int) -> list[Versus]:
    """The results in these folders, or `result.json` files.

    split, n: of the new result. Raises `InputError` for what is no result of `fer attack`, or one of other rows, whose
    accuracies would not compare.
    """
    found = []
    for path in paths:
        record = provenance.read_record(path)
        results = record["results"]
        if record["command"] != "attack":
            raise InputError(f"{path}: expected a result of fer attack. Received: one of fer {record['command']}")
        if (results["split"], results["n"]) != (split, n):
            raise InputError(
                f"{path}: expected a result on {n:,} rows of {split}. Received: {results['n']:,} of {results['split']}"
            )
        found.append(Versus(provenance.result_file(path).resolve().parent.name, results["attacks"]))
    return found
