"""The state of a run between two epochs, written whole or not at all: all that `--resume` needs."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fer_cli import files
from fer_cli.errors import InputError, OutputExistsError, UsageError

History = dict[str, list[float]]
#: Name of a part of a run -> its variables.
Variables = Mapping[str, Sequence[keras.Variable]]


@dataclass
class RunState:
    """Where a run stands.

    settings: of the run, JSON-able, compared on resume. dataset: SHA-256 of the dataset file.
    history: a list a column, one entry an epoch. best_epoch: from 1; 0 before the first.
    loaded: what came of `--init`, None without it.
    """

    settings: dict[str, Any]
    dataset: str
    history: History = field(default_factory=dict)
    best_epoch: int = 0
    best_score: float = float("-inf")
    loaded: dict[str, Any] | None = None

    @property
    def epochs_done(self) -> int:
        """Epochs that are complete."""
        return len(self.history.get("epoch", ()))

    @property
    def val_scores(self) -> list[float]:
        """By what epochs are compared: accuracy on val, under attack where training was; empty without val rows."""
        return self.history.get("val_robust", self.history.get("val_accuracy", []))

    def add(self, row: dict[str, float]) -> None:
        """Append one epoch to the history."""
        for name, value in row.items():
            self.history.setdefault(name, []).append(value)


def save(path: Path, network: keras.Model, optimizer: keras.optimizers.Optimizer, state: RunState) -> None:
    """Write the run's state with every variable of the network (random seeds included) and of the optimizer."""
    save_variables(path, {"network": network.variables, "optimizer": optimizer.variables}, state)


def save_variables(path: Path, parts: Variables, state: RunState) -> None:
    """Write the run's state with the variables of its parts, by their names and their order."""
    arrays = {f"{name}_{i}": keras.ops.convert_to_numpy(v) for name, part in parts.items() for i, v in enumerate(part)}
    with files.atomic_path(path) as temporary:
        np.savez(temporary, allow_pickle=False, state=np.array(json.dumps(vars(state))), **arrays)


def start_or_resume(folder: Path, fresh: RunState, resume: bool) -> RunState:
    """The state of the unfinished run in `folder`, or a fresh one where there is none.

    Raises `OutputExistsError` for an unfinished run that was not to be resumed, `UsageError` for one that was started
    otherwise.
    """
    path = folder / "checkpoint.npz"
    if not path.exists():
        return fresh
    if not resume:
        raise OutputExistsError(f"{folder} holds an unfinished run; --resume continues it, --overwrite starts again")
    state = load_state(path)
    if state.dataset != fresh.dataset:
        raise UsageError(f"--resume: the run in {folder} was made with another dataset file")
    for name, value in fresh.settings.items():
        if state.settings.get(name) != value:
            raise UsageError(
                f"--resume: the run in {folder} has {name}={state.settings.get(name)}, not {value}; "
                "repeat its options, or start again with --overwrite"
            )
    return state


def load_state(path: Path) -> RunState:
    """The run's state without its variables."""
    try:
        # NumPy leaves a file of its own opening open when it finds it damaged.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return RunState(**json.loads(str(archive["state"])))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a checkpoint of `fer train` ({error})") from error


def restore(path: Path, network: keras.Model, optimizer: keras.optimizers.Optimizer | None = None) -> None:
    """Set the variables of a network, and of its built optimizer, to those saved."""
    optimizers = {} if optimizer is None else {"optimizer": optimizer.variables}
    restore_variables(path, {"network": network.variables, **optimizers})


def restore_variables(path: Path, parts: Variables) -> None:
    """Set the variables of a run's parts to those saved."""
    with np.load(path, allow_pickle=False) as archive:
        for name, part in parts.items():
            for i, variable in enumerate(part):
                variable.assign(archive[f"{name}_{i}"])
