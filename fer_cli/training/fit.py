"""Training a network on a dataset: builds the parts, runs the epochs, resumes what was interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import keras

from fer_cli import files, models
from fer_cli.architectures import choose
from fer_cli.errors import DivergedError, InterruptedWorkError, MissingError, UsageError
from fer_cli.store.reader import Dataset
from fer_cli.training import adversarial, checkpoint, distill, freeze, losses, previous, schedules
from fer_cli.training import batches as batching
from fer_cli.training.averages import average_weights
from fer_cli.training.callbacks import EpochEnd, Observer, Validation
from fer_cli.training.checkpoint import ANEW, Earlier, RunState
from fer_cli.training.cluster import Cluster, OneDevice
from fer_cli.training.fused import fuse_batch_norm
from fer_cli.training.initialise import initialise
from fer_cli.training.result import DIVERGED, TrainingResult, model_metadata
from fer_cli.training.settings import Settings
from fer_cli.training.winograd import save_multiplications

#: The model so far, in the folder of its run.
_BEST = "best.keras"


@dataclass(frozen=True)
class _Run:
    """The parts of a run that its phases share."""

    settings: Settings
    state: RunState
    dataset: Dataset
    batches: batching.TrainingBatches
    network: keras.Model
    cluster: Cluster
    folder: Path
    observer: Observer


def train(
    dataset: Dataset,
    settings: Settings,
    output: Path,
    folder: Path,
    observer: Observer,
    earlier: Earlier = ANEW,
    cluster: Cluster | None = None,
    tell: Callable[[str], None] = lambda _: None,
    done: Callable[[TrainingResult], object] = lambda _: None,
) -> TrainingResult:
    """Fit a network and write the model of its best epoch to `output`.

    folder: for `history.csv`, the teachers' logits, the teacher that `distill` trains first and, until the end,
    `checkpoint.npz` and `best.keras`.
    earlier: what to do with a checkpoint there; without one, a run starts. cluster: the devices to use; one when None.
    tell: is given a line for whatever else the user should know. done: is given the result when the model is
    published, before the checkpoint goes, so that a run killed in between can be resumed.
    Raises `UsageError` where the checkpoint is of another run, `InterruptedWorkError` with what was saved when the
    user stops it, `DivergedError` where the very first epoch ends in numbers that are none.
    """
    cluster = cluster or OneDevice()
    dataset.require("train")
    if settings.distill:
        teacher = _train_teacher(dataset, settings, folder, observer, earlier, cluster, tell)
        settings = replace(settings, teachers=(str(teacher),))
    return _train(dataset, settings, output, folder, observer, earlier, cluster, tell, done)


def _train_teacher(
    dataset: Dataset,
    settings: Settings,
    folder: Path,
    observer: Observer,
    earlier: Earlier,
    cluster: Cluster,
    tell: Callable[[str], None],
) -> Path:
    """The model in `folder` whose answers defensive distillation learns: of the same settings, without a teacher."""
    if cluster.size > 1:
        raise UsageError(
            "--distill: expected one machine, as the others would not have its teacher. Received: --workers"
        )
    path = folder / previous.TEACHER
    if earlier == Earlier(overwrite=True) or not previous.is_of_run(path, settings, dataset):
        tell("first the teacher, then the network that learns its answers")
        where = path, path.with_suffix(".training")
        taught = _train(
            dataset,
            settings,
            *where,
            lambda now: observer(replace(now, teacher=True)),
            earlier,
            cluster,
            tell,
        )
        if taught.warning:
            tell(f"the teacher: {taught.warning}")
    return path


def _train(
    dataset: Dataset,
    settings: Settings,
    output: Path,
    folder: Path,
    observer: Observer,
    earlier: Earlier,
    cluster: Cluster,
    tell: Callable[[str], None],
    done: Callable[[TrainingResult], object] = lambda _: None,
) -> TrainingResult:
    """Fit one network."""
    fresh = RunState.fresh(settings, dataset.path)
    networks = folder / _BEST, output
    state = checkpoint.start_or_resume(folder, fresh, earlier, networks) if cluster.chief else fresh
    _share(state, cluster)
    teacher = None
    if settings.teachers:
        tell(f"asking the teachers ({len(settings.teachers)}) about {dataset.count('train'):,} faces")
        teacher = distill.teacher_logits(settings.teachers, dataset, folder)
    batches = batching.from_settings(dataset, settings, teacher)
    keras.utils.set_random_seed(settings.seed)
    with cluster.scope(), _precision(settings.precision):
        network = build(settings, dataset)
    if settings.init:
        loaded = initialise(network, settings.init, settings.architecture)
        state.loaded = loaded.as_dict()
        tell(loaded.describe())
    fuse_batch_norm(network)
    if cluster.devices == 1:
        save_multiplications(network, settings.epochs * batches.steps * batches.batch_size)
    if settings.adversarial:
        with cluster.scope():
            adversarial.harden(network, settings)
    if cluster.chief:
        folder.mkdir(parents=True, exist_ok=True)
    _run(_Run(settings, state, dataset, batches, network, cluster, folder, observer), tell)
    if not state.best_epoch:
        raise DivergedError(f"{DIVERGED.format(state.epochs_done)}; lower --lr (it was {settings.peak_lr:g})")
    result = TrainingResult(network.count_params(), state, batches.rows, dataset.count("val"))
    if cluster.chief:
        with files.writing(output):
            output.parent.mkdir(parents=True, exist_ok=True)
            # A kill may have come between this move and the end of the run, which goes on from here.
            if (folder / _BEST).exists():
                (folder / _BEST).replace(output)
            done(result)
            (folder / checkpoint.NAME).unlink()
    return result


def check(dataset: Dataset, settings: Settings) -> None:
    """Raise what `train` would raise before its first step; builds a network, and writes nothing."""
    batching.from_settings(dataset, settings)
    for teacher in settings.teachers:
        models.read_metadata(Path(teacher))
    with _precision(settings.precision):
        network = build(settings, dataset)
    if settings.init:
        initialise(network, settings.init, settings.architecture)
    if settings.freeze:
        freeze.freeze(network, settings.freeze)
    if settings.adversarial:
        adversarial.harden(network, settings)


def build(settings: Settings, dataset: Dataset) -> keras.Model:
    """The network that the settings name, for the dataset's images or for crops of them, and for its classes."""
    shape = batching.network_shape(dataset.image_shape, settings.crop)
    return choose.build(settings.architecture, shape, len(dataset.class_names), settings.architecture_options)


@contextmanager
def _precision(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _run(run: _Run, tell: Callable[[str], None]) -> None:
    """The phases that are left: the frozen epochs, then those in which everything learns."""
    settings, state = run.settings, run.state
    thaw = min(settings.unfreeze_after or settings.epochs, settings.epochs) if settings.freeze else 0
    for first, last in ((0, thaw), (thaw, settings.epochs)):
        if state.epochs_done >= last or state.diverged or schedules.should_stop(state.val_scores, settings.patience):
            continue
        if settings.freeze and last == thaw:
            tell(_freeze(run, thaw))
        else:
            freeze.unfreeze(run.network)
        _compile(run)
        if state.epochs_done and run.cluster.chief:
            # Between two phases too: where weights are averaged, Keras' `fit` ends with the averages in their place.
            optimizer = run.network.optimizer if state.epochs_done > first else None
            checkpoint.restore(run.folder / checkpoint.NAME, run.network, optimizer)
        if state.epochs_done == first > 0:
            _continue_optimizer(run.network, first * run.batches.steps)
        _fit(run, last)


def _freeze(run: _Run, epochs: int) -> str:
    """Freeze what the settings say; what that means, in a line."""
    count = freeze.freeze(run.network, str(run.settings.freeze))
    random = freeze.frozen_at_random(run.network, (run.state.loaded or {}).get("layers", ()))
    line = f"{count} layers keep their weights" + ("" if epochs == run.settings.epochs else f" for {epochs} epochs")
    return line + (f", of which {len(random)} are random: {', '.join(random[:4])}" if random else "")


def _compile(run: _Run) -> None:
    settings, network = run.settings, run.network
    slow = freeze.body_variables(network) if settings.body_lr != 1 else ()
    classes = len(run.dataset.class_names)
    with run.cluster.scope():
        network.compile(
            optimizer=schedules.build_optimizer(settings, run.batches.steps, slow),
            loss=losses.build_loss(settings, classes),
            metrics=losses.metrics(classes),
            # XLA makes TensorFlow's convolutions on a CPU slower by a third; the other backends need it.
            jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
        )
        network.optimizer.build(network.trainable_variables)


def _continue_optimizer(network: keras.Model, iterations: int) -> None:
    """Let a new optimizer go on at this step of the schedule, with the weights as they are for their average."""
    optimizer = getattr(network.optimizer, "inner_optimizer", network.optimizer)
    optimizer.iterations.assign(iterations)
    if optimizer.use_ema:
        # Keras starts the average from the weights at step 0 only.
        means = average_weights(network)
        for variable in network.trainable_variables:
            means[variable.path].assign(variable)


def _fit(run: _Run, epochs: int) -> None:
    """Run the epochs up to `epochs`."""
    settings, state, dataset = run.settings, run.state, run.dataset

    def save_best(best: keras.Model, scores: dict[str, float]) -> None:
        metadata = model_metadata(settings, dataset, state, scores)
        models.save_model(best, run.folder / _BEST, metadata)

    validation = None
    if dataset.count("val"):
        probe = adversarial.Probe(settings) if settings.adversarial else None
        validation = Validation(dataset.images("val"), dataset.labels("val"), probe)
    after_epoch = EpochEnd(settings, state, validation, run.folder, run.batches, save_best, run.observer, run.cluster)
    try:
        run.cluster.fit(run.network, run.batches, state.epochs_done, epochs, [after_epoch])
    except KeyboardInterrupt:
        raise InterruptedWorkError(f"interrupted; {_saved(run)}") from None
    except MissingError as error:
        raise MissingError(f"{error}; {_saved(run)}") from None
    _share(state, run.cluster)


def _share(state: RunState, cluster: Cluster) -> None:
    """Let every process have the chief's history, by which it goes on or ends."""
    vars(state).update(json.loads(cluster.share(json.dumps(vars(state)).encode())))


def _saved(run: _Run) -> str:
    if not run.cluster.chief:
        return "worker 0 has what is saved of the run"
    return (
        f"{run.state.epochs_done} of {run.settings.epochs} epochs are saved in {run.folder}; "
        "the same command with --resume goes on from there"
    )
