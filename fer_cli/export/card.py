"""What a file says of its own worth: the scores of an evaluation of just this network.

Mitchell et al., "Model cards for model reporting", FAT* 2019: a model travels with the data, the protocol and the
uncertainty of its figures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fer_cli import files, provenance
from fer_cli.errors import InputError

_SCORES = ("n", "accuracy", "accuracy_interval", "top3", "macro_f1", "balanced_accuracy", "ece", "nll")


def read_card(evaluation: Path, model: Path) -> dict[str, Any]:
    """Dataset, split, protocol and scores, with and without rows that the train split holds too, as JSON.

    evaluation: the output of `fer eval`, or its `result.json`. Probabilities, and so ece and nll, are those before
    calibration. Raises `InputError` where that is no evaluation, or one of another network than `model`.
    """
    record = provenance.read_record(evaluation)
    with provenance.understood(evaluation):
        found = record["results"]
        if record["command"] != "eval" or len(found["models"]) != 1:
            raise InputError(f"{evaluation}: expected the result of fer eval of one network. Received: another result")
        if files.sha256(model) != record["inputs"][0]["sha256"]:
            raise InputError(f"{evaluation}: expected an evaluation of {model}. Received: one of another file")
        without = found["without_train_duplicates"]
        return {
            "dataset_sha256": record["inputs"][-1]["sha256"],
            "split": found["split"],
            "protocol": found["protocol"],
            **_scores(found),
            "without_train_duplicates": without and _scores(without),
        }


def _scores(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in _SCORES}
