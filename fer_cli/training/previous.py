"""What an earlier run has left where a new one is to go: this one's own, complete or not, or another's."""

from __future__ import annotations

from pathlib import Path

from fer_cli import files
from fer_cli.errors import InputError, UsageError
from fer_cli.models import read_metadata
from fer_cli.store.reader import Dataset
from fer_cli.training import checkpoint
from fer_cli.training.checkpoint import Earlier, RunSettings, RunState

#: Name of the teacher that a run trains for itself, in its folder, and of the checkpoint of that training.
TEACHER, OF_TEACHER = "teacher.keras", f"teacher.training/{checkpoint.NAME}"


def is_complete(output: Path, folder: Path, settings: RunSettings, dataset: Path, earlier: Earlier) -> bool:
    """Whether the model at `output` is that of this run and to be kept, so that there is nothing left to do.

    folder: of the run's checkpoint. settings, dataset: of the run. Raises `OutputExistsError` for an output that is
    neither to be resumed nor to be overwritten, `UsageError` that names the difference for another run that was to be
    resumed.
    """
    if not earlier.resume:
        files.refuse_existing(output, earlier.overwrite)
        return False
    run = RunState.fresh(settings, dataset)
    names = (checkpoint.NAME, OF_TEACHER) if run.settings.get("distill") else (checkpoint.NAME,)
    unfinished = [folder / name for name in names if (folder / name).exists()]
    if earlier.overwrite:
        unfinished = [path for path in unfinished if checkpoint.is_of(path, run)]
    if unfinished or not output.exists():
        return False
    difference = _of_model(output, run)
    if difference and not earlier.overwrite:
        raise UsageError(f"--resume: {output} {difference}; repeat its options, or start again with --overwrite")
    return not difference


def is_of_run(path: Path, settings: RunSettings, dataset: Dataset) -> bool:
    """Whether `path` is there and says that it was trained with these settings on this dataset."""
    return path.exists() and not _of_model(path, RunState.fresh(settings, dataset.path))


def _of_model(path: Path, run: RunState) -> str | None:
    """How the run of a model file differs from this one; a file that is not ours does."""
    try:
        metadata = read_metadata(path)
    except InputError:
        metadata = {}
    settings, dataset, others = (metadata.get(name) or {} for name in ("training", "dataset", "files"))
    if not (isinstance(settings, dict) and isinstance(dataset, dict) and isinstance(others, dict) and settings):
        return "was not trained by fer"
    return run.difference(settings, str(dataset.get("sha256")), others)
