"""The result of another model, to stand beside a classifier's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fer_cli import files, provenance
from fer_cli.analysis import results


def read_versus(path: Path | None, dataset: Path, split: str) -> dict[str, Any] | None:
    """Model, accuracy, interval and n of a result with an accuracy, and notes where it is not of the same rows.

    path: a result.json or its folder; None for None. dataset, split: what it is to be compared on. Raises `InputError`
    for what is no such result.
    """
    if path is None:
        return None
    record = provenance.read_record(path)
    (row,) = results.rows({path: record})
    notes = []
    if row.split != split:
        notes.append(f"{path}: is of the split {row.split}, not of {split}: compare it with care")
    if files.sha256(dataset) not in {entry["sha256"] for entry in results.datasets(record)}:
        notes.append(f"{path}: is of another dataset file than {dataset}: compare it with care")
    return {
        "model": row.model,
        "accuracy": row.accuracy,
        "accuracy_interval": row.accuracy_interval,
        "n": row.n,
        "split": row.split,
        "notes": notes,
    }
