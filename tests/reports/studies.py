"""Folders of results as studies leave them, written without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fer_cli import files, provenance
from fer_cli.labels import EMOTIONS


def write_result(folder: Path, command: str, **results: object) -> Path:
    """A result.json; the path of the file."""
    files.write_json(folder / "result.json", provenance.record(command, [], {"lr": 0.1, "seed": 3}, results))
    return folder / "result.json"


def write_score(folder: Path, dataset: Path, accuracy: float, **more: Any) -> Path:
    """What fer eval leaves of a model that bears the folder's name, on 28 val rows of a dataset."""
    classes = [{"class": name, "support": 4, "precision": accuracy, "recall": 0.5, "f1": 0.6} for name in EMOTIONS]
    found = {
        "models": [f"models/{folder.name}.keras"], "split": "val", "n": 28, "protocol": "single pass, one network",
        "accuracy": accuracy, "accuracy_interval": [accuracy - 0.05, accuracy + 0.04], "top3": 0.9, "macro_f1": 0.6,
        "macro_f1_interval": [0.5, 0.7], "balanced_accuracy": 0.6, "ece": 0.02, "nll": 1.1, "per_class": classes,
        "without_train_duplicates": {"reason": "no train rows"},
        "members": [{"path": f"models/{folder.name}.keras", "parameters": 1000}],
    }  # fmt: skip
    record = provenance.record("eval", [dataset], {"seed": 3}, {**found, **more})
    files.write_json(folder / "result.json", record)
    return folder / "result.json"
