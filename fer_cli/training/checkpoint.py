"""The state of a run between two epochs, written whole or not at all: all that `--resume` needs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

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


class RunSettings(Protocol):
    """What decides how something is trained: `training.settings`, or `translation.settings`."""

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of what the run reads besides the dataset."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""


@dataclass
class RunState:
    """Where a run stands.

    settings: of the run, JSON-able, compared on resume. dataset: SHA-256 of the dataset file. files: path -> SHA-256 of
    what else the run reads, weights to start from and teachers.
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
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def fresh(cls, settings: RunSettings, dataset: Path) -> RunState:
        """The state before the first epoch."""
        # As a checkpoint has them, which knows lists alone.
        as_kept = json.loads(json.dumps(settings.as_dict()))
        digests = {path: files.sha256(Path(path)) for path in settings.files if Path(path).is_file()}
        return cls(as_kept, files.sha256(dataset), files=digests)

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

    def difference(self, settings: Mapping[str, Any], dataset: str, files: Mapping[str, str]) -> str | None:
        """In what another run, of these settings and files, differs from this one, as a predicate; None if in nothing.

        Where a run trains its teacher itself, it does not count where that lies.
        """
        if dataset != self.dataset:
            return "was made with another dataset file"
        for name, value in self.settings.items():
            own_teacher = name == "teachers" and self.settings.get("distill")
            if settings.get(name) != value and not own_teacher:
                return f"has {name}={settings.get(name)}, not {value}"
        for path, digest in self.files.items():
            if files.get(path) != digest:
                return f"was made with another {path}"
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


class Earlier(NamedTuple):
    """What to do with an earlier run in the same place.

    resume: go on with it. overwrite: start afresh in its stead; with `resume` only where it is another run.
    """

    resume: bool = False
    overwrite: bool = False


#: Start; refuse where there is an earlier run.
ANEW = Earlier()


def start_or_resume(folder: Path, fresh: RunState, earlier: Earlier, networks: Sequence[Path]) -> RunState:
    """The state of the unfinished run in `folder`, or a fresh one where there is none to go on with.

    networks: where the network so far may be; a run that has lost it starts afresh. The checkpoint of a run that is not
    gone on with stays until the caller begins.
    Raises `OutputExistsError` for an unfinished run that was neither to be resumed nor to be overwritten, `UsageError`
    for one that was started otherwise, `InputError` for a damaged checkpoint.
    """
    path = folder / NAME
    if not path.exists() or earlier == Earlier(overwrite=True):
        return fresh
    if not earlier.resume:
        raise OutputExistsError(f"{folder} holds an unfinished run; --resume continues it, --overwrite starts again")
    if earlier.overwrite and not is_of(path, fresh):
        return fresh
    state = load_state(path)
    difference = fresh.difference(state.settings, state.dataset, state.files)
    if difference:
        raise UsageError(
            f"--resume: the run in {folder} {difference}; repeat its options, or start again with --overwrite"
        )
    return state if any(network.exists() for network in networks) else fresh


def is_of(path: Path, run: RunState) -> bool:
    """Whether the checkpoint at `path` is of this run, and sound."""
    try:
        state = load_state(path)
    except InputError:
        return False
    return not run.difference(state.settings, state.dataset, state.files)


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
    mappings = isinstance(state.settings, dict) and isinstance(state.files, dict)
    if not (even and scores and mappings and isinstance(state.loaded, dict | None)):
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
