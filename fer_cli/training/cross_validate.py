"""Answers to the train rows by networks that have not seen them: each fold by one that learnt from the others."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fer_cli import catalog
from fer_cli.analysis.labels.answers import Answers
from fer_cli.analysis.noise.images import Chosen
from fer_cli.analysis.predict import predict
from fer_cli.datasets import relabel
from fer_cli.datasets.splits import assign_folds, kept_together
from fer_cli.errors import OutputExistsError
from fer_cli.models import load_model
from fer_cli.store.reader import Dataset, open_dataset
from fer_cli.training import fit, previous
from fer_cli.training.callbacks import Observer
from fer_cli.training.checkpoint import Earlier
from fer_cli.training.settings import Settings


def cross_validate(
    dataset: Dataset,
    settings: Settings,
    folds: int,
    folder: Path,
    observe: Callable[[], AbstractContextManager[Observer]],
    resume: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    warn: Callable[[str], None] = lambda _: None,
) -> Answers:
    """Train a network on all train rows but those of a fold, let it answer for them, and so on for each fold.

    Folds have about equal class shares; the rows of a person, or else identical images, share theirs. The epoch of each
    network is chosen on the val rows of the dataset, where it has some. folder: of the runs, each beside its model;
    the caller may remove it. observe: gives an observer for each training. resume: go on with what is there. tell: is
    given a line for each fold, warn what is wrong with one.
    Raises `InputError` for fewer persons or images than folds, `OutputExistsError` where `folder` holds a run that is
    not to be resumed, and as `fit.train`.
    """
    if not resume and folder.is_dir() and any(folder.iterdir()):
        raise OutputExistsError(f"{folder} holds an unfinished run; --resume continues it, --overwrite starts again")
    dataset.require("train")
    groups, grouped_by = kept_together(dataset, "train")
    fold = assign_folds(dataset.labels("train"), groups, folds, settings.seed)
    answers = np.empty((len(fold), len(dataset.class_names)), np.float32)
    warnings: list[str] = []
    for number in range(folds):
        rows = np.flatnonzero(fold == number)
        tell(f"fold {number + 1} of {folds}: training on {len(fold) - len(rows):,} rows, for {len(rows):,} others")
        # Another number of folds divides the rows otherwise, so its runs bear other names.
        path = folder / f"fold-{number + 1}-of-{folds}.keras"
        with observe() as observer:
            warning = _train(dataset, settings, rows, path, observer, resume)
        if warning:
            warnings.append(f"fold {number + 1}: {warning}")
            warn(warnings[-1])
        answers[rows] = _ask(path, dataset, rows, settings.batch_size)
    labels = dataset.labels("train")
    right = answers.argmax(1) == labels
    return Answers(
        class_names=dataset.class_names,
        split="train",
        sources=dataset.sources("train"),
        labels=labels,
        probabilities=answers,
        protocol=f"{folds}-fold cross-validation grouped by {grouped_by}, {settings.architecture}",
        cross_validation={
            "folds": folds,
            "grouped_by": grouped_by,
            "accuracies": [float(right[fold == number].mean()) for number in range(folds)],
            "warnings": warnings,
        },
    )


def remove(folder: Path) -> None:
    """Remove the runs of a cross-validation."""
    shutil.rmtree(folder, ignore_errors=True)


def _train(
    dataset: Dataset, settings: Settings, held_out: npt.NDArray[np.intp], path: Path, observer: Observer, resume: bool
) -> str | None:
    """The model of a fold at `path`, unless it is there; its rows are in a file of their own meanwhile. A warning."""
    part = path.with_suffix(".h5")
    keep = np.zeros(len(dataset), np.bool_)
    keep[dataset.rows("train")] = ~np.isin(np.arange(dataset.count("train")), held_out)
    keep[dataset.rows("val")] = True
    # The same in every attempt, or the checkpoint would not know its dataset again.
    record = {"command": "cross-validate", "fold": path.stem}
    relabel.write(dataset, part, relabel.Changes(keep, dataset.labels(None)), record)
    with open_dataset(part) as opened:
        warning = None
        if not previous.is_of_run(path, settings, opened):
            warning = fit.train(
                opened, settings, path, path.with_suffix(".training"), observer, Earlier(resume)
            ).warning
    part.unlink()
    return warning


def _ask(path: Path, dataset: Dataset, rows: npt.NDArray[np.intp], batch_size: int) -> npt.NDArray[np.float32]:
    views = catalog.find(catalog.TEST_TIME, "none", "test-time augmentation")
    images = Chosen(dataset.images("train"), rows)
    return predict(load_model(path), images, dataset.transforms, dataset.class_names, views, batch_size, lambda _: None)
