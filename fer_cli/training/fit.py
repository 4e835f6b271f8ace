"""Training a network on a dataset: builds the parts, runs `model.fit`, resumes what was interrupted."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from fer_cli import catalog, files, models, provenance
from fer_cli.errors import InterruptedWorkError, OutputExistsError, UsageError
from fer_cli.store.reader import Dataset
from fer_cli.training import batches as batching
from fer_cli.training import checkpoint, schedules
from fer_cli.training.callbacks import EpochEnd, Observer, Validation
from fer_cli.training.checkpoint import RunState
from fer_cli.training.settings import Settings
from fer_cli.transform.policy import parse_policy


@dataclass(frozen=True)
class TrainingResult:
    """What a finished run found.

    parameters: of the network. train_rows, val_rows: how many rows were used.
    """

    parameters: int
    state: RunState
    train_rows: int
    val_rows: int

    @property
    def scores(self) -> dict[str, float]:
        """The history row of the best epoch."""
        return {name: column[self.state.best_epoch - 1] for name, column in self.state.history.items()}

    def summary(self, output: Path) -> dict[str, Any]:
        """The results for the record, JSON-able."""
        history, scores = self.state.history, self.scores
        val = {"n": self.val_rows, **{k[4:]: v for k, v in scores.items() if k.startswith("val_")}}
        return {
            "model": str(output),
            "parameters": self.parameters,
            "train_rows": self.train_rows,
            "epochs": self.state.epochs_done,
            "best_epoch": self.state.best_epoch,
            "train": {name: scores[name] for name in ("loss", "accuracy", "top3")},
            "val": val if self.val_rows else None,
            "seconds": sum(history["seconds"]),
            "images_per_second": statistics.median(history["images_per_second"]),
        }

    def describe(self) -> str:
        """The outcome in one line."""
        epochs = f"best epoch {self.state.best_epoch} of {self.state.epochs_done}"
        if not self.val_rows:
            return f"{epochs}, not validated"
        scores = self.scores
        return (
            f"val accuracy {scores['val_accuracy']:.4f}, top-3 {scores['val_top3']:.4f} "
            f"(n = {self.val_rows:,}, {epochs}, which was chosen on these rows)"
        )


def train(
    dataset: Dataset, settings: Settings, output: Path, folder: Path, observer: Observer, resume: bool = False
) -> TrainingResult:
    """Fit a network and write the model of its best epoch to `output`.

    folder: for `history.csv` and, until the end, `checkpoint.npz` and `best.keras`. resume: continue from a checkpoint
    there; without one, start. Raises `UsageError` where the checkpoint is of another run, `InterruptedWorkError` with
    what was saved when the user stops it.
    """
    dataset.require("train")
    state = _start_or_resume(folder, settings, files.sha256(dataset.path), resume)
    keras.utils.set_random_seed(settings.seed)
    batches = _training_batches(dataset, settings)
    with _precision(settings.precision):
        network = build(settings, dataset.image_shape, len(dataset.class_names))
    _compile(network, settings, batches.steps)
    if state.epochs_done:
        checkpoint.restore(folder / "checkpoint.npz", network, network.optimizer)
    if not _finished(state, settings):
        _run(network, settings, state, dataset, batches, folder, observer)
    with files.writing(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        (folder / "best.keras").replace(output)
        (folder / "checkpoint.npz").unlink()
    return TrainingResult(network.count_params(), state, batches.rows, dataset.count("val"))


def build(settings: Settings, input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """The network that the settings name."""
    builder = catalog.find(catalog.ARCHITECTURES, settings.architecture, "architecture")
    network: keras.Model = builder(input_shape, num_classes, **settings.architecture_options)
    return network


def _start_or_resume(folder: Path, settings: Settings, dataset: str, resume: bool) -> RunState:
    path = folder / "checkpoint.npz"
    fresh = RunState(settings.as_dict(), dataset)
    if not path.exists():
        return fresh
    if not resume:
        raise OutputExistsError(f"{folder} holds an unfinished run; --resume continues it, --overwrite starts again")
    state = checkpoint.load_state(path)
    if state.dataset != dataset:
        raise UsageError(f"--resume: the run in {folder} was made with another dataset file")
    for name, value in fresh.settings.items():
        if state.settings.get(name) != value:
            raise UsageError(
                f"--resume: the run in {folder} has {name}={state.settings.get(name)}, not {value}; "
                "repeat its options, or start again with --overwrite"
            )
    return state


def _finished(state: RunState, settings: Settings) -> bool:
    stopped = schedules.should_stop(state.history.get("val_accuracy", []), settings.patience)
    return state.epochs_done >= settings.epochs or stopped


def _training_batches(dataset: Dataset, settings: Settings) -> batching.TrainingBatches:
    classes, labels = len(dataset.class_names), dataset.labels("train")
    rows = batching.choose_fraction(labels, settings.fraction, settings.seed)
    weights = batching.balanced_weights(labels[rows], classes) if settings.class_weight == "balanced" else None
    return batching.TrainingBatches(
        dataset.images("train"),
        batching.one_hot(labels, classes),
        rows,
        batch_size=settings.batch_size,
        policy=parse_policy(settings.augment),
        mixup=settings.mixup,
        class_weights=weights,
        seed=settings.seed,
    )


@contextmanager
def _precision(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _compile(network: keras.Model, settings: Settings, steps: int) -> None:
    network.compile(
        optimizer=schedules.build_optimizer(settings, steps),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing),
        metrics=[
            keras.metrics.CategoricalAccuracy(name="accuracy"),
            keras.metrics.TopKCategoricalAccuracy(k=3, name="top3"),
        ],
        # XLA makes TensorFlow's convolutions on a CPU slower by a third; the other backends need it.
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )
    network.optimizer.build(network.trainable_variables)


def _run(
    network: keras.Model,
    settings: Settings,
    state: RunState,
    dataset: Dataset,
    batches: batching.TrainingBatches,
    folder: Path,
    observer: Observer,
) -> None:
    validation = Validation(dataset.images("val"), dataset.labels("val")) if dataset.count("val") else None
    folder.mkdir(parents=True, exist_ok=True)

    def save_best(best: keras.Model, scores: dict[str, float]) -> None:
        models.save_model(best, folder / "best.keras", describe(settings, dataset, state.dataset, scores))

    after_epoch = EpochEnd(
        settings, state, validation, folder, (batches.steps, batches.batch_size), save_best, observer
    )
    try:
        network.fit(
            batches.stream(state.epochs_done),
            steps_per_epoch=batches.steps,
            epochs=settings.epochs,
            initial_epoch=state.epochs_done,
            shuffle=False,  # the batches are shuffled already; Keras could not, and would warn
            callbacks=[after_epoch],
            verbose=0,
        )
    except KeyboardInterrupt:
        raise InterruptedWorkError(
            f"interrupted; {state.epochs_done} of {settings.epochs} epochs are saved in {folder}; "
            "the same command with --resume goes on from there"
        ) from None


def describe(settings: Settings, dataset: Dataset, dataset_sha256: str, scores: dict[str, float]) -> dict[str, Any]:
    """The metadata that travels inside the model file."""
    return {
        "class_names": list(dataset.class_names),
        "input_shape": list(dataset.image_shape),
        "architecture": {"name": settings.architecture, "options": dict(settings.architecture_options)},
        "training": settings.as_dict(),
        "dataset": {"path": str(dataset.path), "sha256": dataset_sha256},
        "transforms": dataset.transforms,
        "scores": scores,
        "versions": provenance.versions(),
    }
