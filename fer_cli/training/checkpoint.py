"""The state of a run between two epochs, written whole or not at all: all that `--resume` needs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fer_cli import files
from fer_cli.errors import InputError, OutputExistsError, UsageError

History = dict[str, list[float]]
#: Name of a part of a run -> its variables.
Variables = Mapping[str, Sequence[keras.Variable]]
#: Of the file, in the folder of its run.
NAME = "checkpoint.npz"
#: Columns of a history by which epochs are compared; the first where there is one.
ROBUST, ACCURACY = "val_robust", "val_accuracy"


@dataclass
class RunState:
    """Where a run stands.

    settings: of the run, JSON-able, compared on resume. dataset: SHA-256 of the dataset file.
    history: a list a column, one entry an epoch. best_epoch: from 1; 0 before the first.
    loaded: what came of `--init`, None without it. diverged: whether the last epoch ended with a network of NaN.
    """

    settings: dict[str, Any]
    dataset: str
    history: History = field(default_factory=dict)
    best_epoch: int = 0
    best_score: float = float("-inf")
    loaded: dict[str, Any] | None = None
    diverged: bool = False

    @classmethod
    def fresh(cls, settings: Mapping[str, Any], dataset: Path) -> RunState:
        """The state before the first epoch. settings: any; they are kept as JSON has them, which knows lists alone."""
        return cls(json.loads(json.dumps(settings)), files.sha256(dataset))

    @property
    def epochs_done(self) -> int:
        """Epochs that are complete."""
        return len(self.history.get("epoch", ()))

    @property
    def val_scores(self) -> list[float]:
        """By what epochs are compared (`score_of`); empty without val rows."""
        return self.history.get(ROBUST, self.history.get(ACCURACY, []))

    def add(self, row: dict[str, float]) -> None:
        """Append one epoch to the history."""
        for name, value in row.items():
            self.history.setdefault(name, []).append(value)

    def difference(self, settings: Mapping[str, Any], dataset: str | None) -> str | None:
        """What another run of these settings, on a dataset of this SHA-256, "has" that this has not; None if nothing.

        Where a run trains its teacher itself, it does not count where that lies.
        """
        if dataset != self.dataset:
            return "was made with another dataset file"
        for name, value in self.settings.items():
            own_teacher = name == "teachers" and self.settings.get("distill")
            if settings.get(name) != value and not own_teacher:
                return f"has {name}={settings.get(name)}, not {value}"
        return None


def score_of(metrics: Mapping[str, float]) -> float:
    """By what an epoch is compared with others: accuracy on val, under attack where training was."""
    return metrics[ROBUST] if ROBUST in metrics else metrics[ACCURACY]


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
    path = folder / NAME
    if not path.exists():
        return fresh
    if not resume:
        raise OutputExistsError(f"{folder} holds an unfinished run; --resume continues it, --overwrite starts again")
    state = load_state(path)
    difference = fresh.difference(state.settings, state.dataset)
    if difference:
        raise UsageError(
            f"--resume: the run in {folder} {difference}; repeat its options, or start again with --overwrite"
        )
    return state


def load_state(path: Path) -> RunState:
    """The run's state without its variables; `InputError` for what is no such state."""
    with _opened(path) as archive:
        state = RunState(**json.loads(str(archive["state"])))
        _check(state)
        return state


def _check(state: RunState) -> None:
    """Raise `ValueError` for a state that no run can have."""
    columns = state.history.values() if isinstance(state.history, dict) else (None,)
    numbers = all(isinstance(c, list) and all(isinstance(value, int | float) for value in c) for c in columns)
    even = numbers and len({len(column) for column in columns}) <= 1
    scores = isinstance(state.best_epoch, int) and isinstance(state.best_score, int | float)
    if not (even and scores and isinstance(state.settings, dict) and isinstance(state.loaded, dict | None)):
        raise ValueError("expected settings, a history of columns of numbers, and the best epoch with its score")


def restore(path: Path, network: keras.Model, optimizer: keras.optimizers.Optimizer | None = None) -> None:
    """Set the variables of a network, and of its built optimizer, to those saved."""
    optimizers = {} if optimizer is None else {"optimizer": optimizer.variables}
    restore_variables(path, {"network": network.variables, **optimizers})


def restore_variables(path: Path, parts: Variables) -> None:
    """Set the variables of a run's parts to those saved; `InputError` for a file that has others, or is damaged."""
    with _opened(path) as archive:
        for name, part in parts.items():
            for i, variable in enumerate(part):
                variable.assign(_fitting(archive[f"{name}_{i}"], variable))


def _fitting(values: npt.NDArray[Any], variable: keras.Variable) -> npt.NDArray[Any]:
    if values.shape != tuple(variable.shape) or values.dtype.kind not in "biuf":
        raise ValueError(f"expected numbers {tuple(variable.shape)}. Received: {values.dtype} {values.shape}")
    return values


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The arrays of a checkpoint; whatever cannot be read of them while the block lasts is an `InputError`."""
    try:
        # NumPy leaves a file of its own opening open when it finds it damaged.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            yield archive
    except Exception as error:  # NumPy reads headers by Python's own parser, and raises whatever that does
        raise InputError(f"{path}: not a checkpoint of `fer train` ({error})") from error
