"""What an earlier run has left where a new one is to go: to go on with, done already, or to make way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fer_cli import files
from fer_cli.errors import InputError, UsageError
from fer_cli.models import read_metadata
from fer_cli.store.reader import Dataset
from fer_cli.training import checkpoint
from fer_cli.training.checkpoint import RunState
from fer_cli.training.settings import Settings

#: Name of the teacher that a run trains for itself, in its folder, and of the checkpoint of that training.
TEACHER, OF_TEACHER = "teacher.keras", f"teacher.training/{checkpoint.NAME}"


def is_complete(
    output: Path, folder: Path, settings: Mapping[str, Any], dataset: Path, resume: bool, overwrite: bool
) -> bool:
    """Whether the model at `output` is this run's already; if not, what is in its way makes way.

    folder: of the run's checkpoint. settings, dataset: of the run. resume: go on with what there is of it, and start
    where there is nothing. overwrite: leave nothing of another run, and without `resume` nothing of this one. An
    existing output stays until a new one takes its place.
    Raises `OutputExistsError` for an output that is neither to be resumed nor to be overwritten, `UsageError` that
    names the difference for another run that was to be resumed.
    """
    if not resume:
        files.refuse_existing(output, overwrite)
        for name in (checkpoint.NAME, TEACHER, OF_TEACHER) if overwrite else ():
            (folder / name).unlink(missing_ok=True)
        return False
    run = RunState.fresh(settings, dataset)
    names = (checkpoint.NAME, OF_TEACHER) if run.settings.get("distill") else (checkpoint.NAME,)
    for path in (folder / name for name in names if overwrite):
        if path.exists() and _of_checkpoint(path, run):
            path.unlink()
    if not output.exists() or any((folder / name).exists() for name in names):
        return False
    difference = _of_model(output, run)
    if difference and not overwrite:
        raise UsageError(f"--resume: {output} {difference}; repeat its options, or start again with --overwrite")
    return not difference


def is_of_run(path: Path, settings: Settings, dataset: Dataset) -> bool:
    """Whether `path` is there and says that it was trained with these settings on this dataset."""
    return path.exists() and not _of_model(path, RunState.fresh(settings.as_dict(), dataset.path))


def _of_checkpoint(path: Path, run: RunState) -> str | None:
    """How the run of a checkpoint differs from this one; a damaged one does."""
    try:
        state = checkpoint.load_state(path)
    except InputError as error:
        return str(error)
    return run.difference(state.settings, state.dataset)


def _of_model(path: Path, run: RunState) -> str | None:
    """How the run of a model file differs from this one; a file that is not ours does."""
    try:
        metadata = read_metadata(path)
    except InputError:
        metadata = {}
    settings, dataset = metadata.get("training"), metadata.get("dataset")
    if not (isinstance(settings, Mapping) and isinstance(dataset, Mapping)):
        return "was not trained by fer"
    made: Any = dataset.get("sha256")
    return run.difference(settings, made)
