"""From features to a saved and scored classifier: search on train, fit on all of train, score on other rows."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline

from fer_cli import files, provenance
from fer_cli.analysis import calibrate, scores
from fer_cli.analysis.evaluate import evaluate
from fer_cli.classical import accelerate
from fer_cli.classical.features import Features
from fer_cli.classical.folds import Folds, make_folds
from fer_cli.classical.grids import Setting
from fer_cli.classical.model import ClassicalModel, load_classical, save_classical
from fer_cli.classical.outcome import Outcome, Seconds
from fer_cli.classical.pipelines import classifier, logits, preparation
from fer_cli.classical.search import Plan, Search, fit_fold, prepare_fold, refusals, search
from fer_cli.datasets.splits import kept_together
from fer_cli.store.reader import Dataset

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Rows:
    """The rows of a split. x: float32 (N, D) features. labels: (N,). seconds: that the features took."""

    x: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8]
    seconds: float


@dataclass(frozen=True)
class Bench:
    """What all classifiers of a run share.

    whole: folds of all train rows, None where `folds` are. prepared: PCA and scaling, fitted on all train rows. z: the
    train rows through them. scored: the rows to be scored. split: their name. sha256: of the dataset file.
    """

    dataset: Dataset
    sha256: str
    features: Features
    train: Rows
    scored: Rows
    split: str
    folds: Folds
    whole: Folds | None
    plan: Plan
    prepared: Pipeline
    z: npt.NDArray[np.floating]
    preparing: float


def rows(dataset: Dataset, split: str, features: Features, advance: Advance = lambda _: None) -> Rows:
    """Compute the features of a split. advance: is called with the number of images just done."""
    started = time.perf_counter()
    x = features.compute(dataset.images(split), advance)
    return Rows(x, dataset.labels(split), time.perf_counter() - started)


def bench(
    dataset: Dataset, features: Features, split: str, folds: tuple[int, int | None], plan: Plan, advance: Advance
) -> Bench:
    """Compute features, divide the train rows into folds, and fit PCA and scaling.

    folds: their number, and of how many rows (None for all). Raises as `make_folds`, and `UsageError` for a PCA that
    cannot be.
    """
    train, scored = (rows(dataset, name, features, advance) for name in ("train", split))
    started = time.perf_counter()
    prepared = preparation(plan.pca, len(train.x), plan.seed)
    with refusals(features.text):
        z = prepared.fit_transform(train.x)
    preparing = time.perf_counter() - started
    (count, subsample), groups = folds, kept_together(dataset, "train")
    divided = make_folds(train.labels, *groups, count, subsample, plan.seed)
    part = len(divided.rows) < len(train.labels)
    whole = make_folds(train.labels, *groups, count, None, plan.seed) if part else None
    sha256 = files.sha256(dataset.path)
    return Bench(dataset, sha256, features, train, scored, split, divided, whole, plan, prepared, z, preparing)


def study(
    name: str, settings: Sequence[Setting], bench: Bench, folder: Path, published: Path, advance: Advance
) -> Outcome:
    """Search, fit, calibrate, save `folder/NAME.skops` and score that file.

    settings: to try, the first being the classifier as it comes. published: the folder that the file will be found in.
    advance: is called after each fit of the search.
    """
    classes = len(bench.dataset.class_names)
    found = search(name, settings, bench.train.x, bench.train.labels, classes, bench.folds, bench.plan, advance)
    tuned, fitting = _fit(name, settings[found.best], bench)
    untuned = tuned if found.best == 0 else _fit(name, settings[0], bench)[0]
    before = _score(untuned, bench)
    temperature = calibrate.fit_temperature(*_held_out(name, settings[found.best], bench, found))
    model = ClassicalModel(
        path=folder / f"{name}.skops",
        features=bench.features,
        pipeline=tuned,
        temperature=temperature,
        class_names=bench.dataset.class_names,
        input_shape=bench.dataset.image_shape,
        metadata=_metadata(name, settings[found.best], bench, found),
    )
    save_classical(model)
    # What is scored is what was saved.
    saved = dataclasses.replace(load_classical(model.path), path=published / model.path.name)
    started = time.perf_counter()
    evaluation = evaluate([saved], bench.dataset, bench.split, seed=bench.plan.seed)
    seconds = Seconds(
        features=bench.train.seconds,
        preparation=bench.preparing,
        search=found.seconds,
        fit=fitting,
        predict=time.perf_counter() - started,
    )
    return Outcome(saved, found, evaluation, before, len(bench.train.x), bench.z.shape[1], seconds)


def _fit(name: str, setting: Setting, bench: Bench) -> tuple[Pipeline, float]:
    """The pipeline with a classifier fitted on all train rows, and the seconds of that."""
    model = classifier(name, bench.plan.seed, setting, jobs=bench.plan.jobs or -1)
    if bench.plan.accelerated:
        model = accelerate.twin(model)
    started = time.perf_counter()
    model = accelerate.stock(model.fit(bench.z, bench.train.labels))
    return Pipeline([*bench.prepared.steps, ("classifier", model)]), time.perf_counter() - started


def _held_out(
    name: str, setting: Setting, bench: Bench, found: Search
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.integer]]:
    """Logits of rows that they were not fitted on, and their labels.

    Those of the search, where it was on all rows. Classifiers of fewer rows are less sure than the one of all rows has
    reason to be, so then one more is fitted on all folds but the first.
    """
    labels = bench.train.labels
    if bench.whole is None:
        return found.held_out, labels[bench.folds.rows]
    x, own, rest, given = prepare_fold(bench.train.x, labels, bench.whole, 0, None, bench.plan)
    _, outputs = fit_fold(name, setting, x, own, rest, given, len(bench.dataset.class_names), bench.plan, (0, 0, 0))
    return outputs, given


def _score(pipeline: Pipeline, bench: Bench) -> scores.Scores:
    found = logits(pipeline, bench.scored.x, len(bench.dataset.class_names))
    return scores.score(bench.scored.labels, calibrate.probabilities(found, 1.0), bench.plan.seed)


def _metadata(name: str, setting: Setting, bench: Bench, found: Search) -> dict[str, Any]:
    """What travels in the file beside the fields of the model."""
    return {
        "architecture": {"name": name, "options": setting},
        "training": {
            "rows": len(bench.train.x),
            "folds": bench.folds.count,
            "grouped_by": bench.folds.grouped_by,
            "fits": len(found.cells),
            "seed": bench.plan.seed,
            "components": int(bench.z.shape[1]),
        },
        "dataset": {"path": str(bench.dataset.path), "sha256": bench.sha256},
        "transforms": bench.dataset.transforms,
        "scores": {"cross_validation_accuracy": float(np.mean(found.accuracies(found.best)))},
        "versions": provenance.versions(),
    }
