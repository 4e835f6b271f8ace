"""Training a generator on a dataset: batches, epochs, what is watched and saved, and resuming what was interrupted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fer_cli import files, models, provenance
from fer_cli.errors import DivergedError, InterruptedWorkError
from fer_cli.store.reader import Dataset
from fer_cli.training import checkpoint
from fer_cli.training.batches import TrainingBatches
from fer_cli.training.callbacks import Observer, Status, write_history
from fer_cli.training.checkpoint import ANEW, Earlier, RunState
from fer_cli.training.targets import one_hot
from fer_cli.transform.policy import parse_policy
from fer_cli.translation import samples
from fer_cli.translation.game import Game
from fer_cli.translation.guide import load_guide, load_identity_guide
from fer_cli.translation.model import KIND, Generator
from fer_cli.translation.samples import Samples
from fer_cli.translation.settings import Settings

#: Called after each epoch with its number, from 1.
Show = Callable[[int, Samples], None]

#: What a history has of a step, by Keras' names (`translation.game`). `hit`: how often the discriminator finds the
#: wanted emotion; `guided`: how often the classifiers do; `accuracy`: how often the former is right of real faces;
#: `person`: how far the identity guide finds a face moved.
_COLUMNS = {
    "loss": "loss",
    "d_loss": "d_loss",
    "hit": "wanted_hit",
    "guided": "guided_hit",
    "accuracy": "d_emotion_hit",
    "cycle": "cycle_loss",
    "kept": "kept_loss",
    "person": "person_loss",
    "mask": "mask_loss",
    "roughness": "change_loss",
    "realness": "realness_loss",
}
#: The generator so far, in the folder of its run.
_LAST = "last.keras"
#: Held-out faces whose translations are scored after each epoch.
_WATCHED = 256


@dataclass(frozen=True)
class Outcome:
    """What a finished run found. parameters: of the generator; rows: train faces."""

    state: RunState
    parameters: int
    rows: int

    @property
    def scores(self) -> dict[str, float]:
        """The history's last row."""
        return {name: column[-1] for name, column in self.state.history.items()}

    def summary(self, output: Path) -> dict[str, Any]:
        """The results for the record, JSON-able."""
        seconds = sum(self.state.history["seconds"])
        rest = {"epochs": self.state.epochs_done, "seconds": seconds, "scores": self.scores}
        return {"generator": str(output), "parameters": self.parameters, "train_rows": self.rows, **rest}


def begin(dataset: Dataset, settings: Settings, folder: Path, output: Path, earlier: Earlier = ANEW) -> RunState:
    """Where a run stands that is to go on in `folder`; without a checkpoint there, at its start.

    output: where its generator is to lie in the end. Raises as `checkpoint.start_or_resume`.
    """
    dataset.require("train")
    networks = folder / _LAST, output
    return checkpoint.start_or_resume(folder, RunState.fresh(settings, dataset.path), earlier, networks)


def fit(
    dataset: Dataset,
    settings: Settings,
    state: RunState,
    folder: Path,
    observer: Observer,
    show: Show = lambda _epoch, _shown: None,
    identity_guide: Path | None = None,
) -> Outcome:
    """Train a generator on the train rows of a dataset, to be found by `publishing`.

    state: of `begin`. folder: for `history.csv`, `checkpoint.npz` and `last.keras`, the generator so far. show: is
    given held-out faces with their translations after each epoch. identity_guide: the file of the network that
    `settings` speak of. Every emotion is drawn as often, and wanted as often. Raises `InterruptedWorkError` with what
    was saved when the user stops it, `DivergedError` where a loss is no number any more.
    """
    run = _Run(dataset, settings, state, folder, observer, show, identity_guide)
    if state.epochs_done:
        checkpoint.restore_variables(folder / checkpoint.NAME, {"game": run.game.variables})
    else:  # what another run has left there ends here, as this one is sure to begin
        (folder / checkpoint.NAME).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        run.finish()
    except KeyboardInterrupt:
        raise InterruptedWorkError(
            f"interrupted; {state.epochs_done} of {settings.epochs} epochs are saved in {folder}; "
            "the same command with --resume goes on from there"
        ) from None
    return Outcome(state, run.game.generator.count_params(), run.batches.rows)


@contextmanager
def publishing(folder: Path, output: Path) -> Iterator[None]:
    """The generator of a finished run lies at `output` within the block, and the run is complete after it.

    What ends the block early, a judge that is interrupted for instance, leaves a run to resume, which comes here again.
    """
    with files.writing(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        if (folder / _LAST).exists():
            (folder / _LAST).replace(output)
    yield
    (folder / checkpoint.NAME).unlink()


class _Run:
    """The parts of a run."""

    def __init__(
        self,
        dataset: Dataset,
        settings: Settings,
        state: RunState,
        folder: Path,
        observer: Observer,
        show: Show,
        identity_guide: Path | None,
    ) -> None:
        self._dataset, self._settings, self._state, self._folder = dataset, settings, state, folder
        self._observer, self._show = observer, show
        self._classes = len(dataset.class_names)
        labels = dataset.labels("train")
        self.batches = TrainingBatches(
            dataset.images("train"),
            one_hot(labels, self._classes),
            np.arange(len(labels)),
            batch_size=settings.batch_size,
            policy=parse_policy(settings.augment),
            sampler="balanced",
            seed=settings.seed,
        )
        guides = [load_guide(Path(path), dataset) for path in settings.classifiers]
        likeness = load_identity_guide(identity_guide, dataset) if identity_guide else None
        self._identity_guide = identity_guide and {"path": str(identity_guide), "sha256": files.sha256(identity_guide)}
        steps = settings.epochs * settings.steps
        self.game = Game(dataset.image_shape, self._classes, settings, steps, guides, likeness)
        self._watch = samples.held_out(dataset)

    def finish(self) -> None:
        """The epochs that are left."""
        for epoch in range(self._state.epochs_done, self._settings.epochs):
            started = time.perf_counter()
            row = self._play(epoch, started)
            if not all(map(math.isfinite, row.values())):
                saved = f"; {self._folder} holds what was before" if epoch else ""
                raise DivergedError(
                    f"the training diverged in epoch {epoch + 1}: a loss is no number any more; lower --lr "
                    f"(it was {self._settings.lr:g}){saved}"
                )
            generator = self._generator()
            row |= {"epoch": epoch + 1, **self._look(generator), "seconds": time.perf_counter() - started}
            self._state.add(row)
            self._save(generator, row)
            self._show(epoch + 1, self._samples(generator))
            self._tell(epoch, self._settings.steps, row, done=True)

    def _play(self, epoch: int, started: float) -> dict[str, float]:
        """An epoch's steps; the means of their figures."""
        totals: dict[str, float] = {}
        for step in range(self._settings.steps):
            number = epoch * self._settings.steps + step
            images, own, _ = self.batches.batch(*divmod(number, self.batches.steps))
            rng = np.random.default_rng((self._settings.seed, number, 1))
            wanted = np.eye(self._classes, dtype=np.float32)[rng.integers(self._classes, size=len(images))]
            found = self.game.step(images, own, wanted)
            for name, key in _COLUMNS.items():
                if key in found:
                    totals[name] = totals.get(name, 0.0) + found[key]
            means = {name: total / (step + 1) for name, total in totals.items()}
            means["lr"] = float(keras.ops.convert_to_numpy(self.game.optimizer.learning_rate))
            means["images_per_second"] = (step + 1) * self.batches.batch_size / (time.perf_counter() - started)
            self._tell(epoch, step + 1, means)
        return means

    def _generator(self) -> Generator:
        dataset = self._dataset
        metadata = {
            "kind": KIND,
            "class_names": list(dataset.class_names),
            "input_shape": list(dataset.image_shape),
            "training": self._settings.as_dict(),
            "identity_guide": self._identity_guide,
            "dataset": {"path": str(dataset.path), "sha256": self._state.dataset},
            "files": self._state.files,
            "transforms": dataset.transforms,
            "versions": provenance.versions(),
        }
        path = self._folder / _LAST
        return Generator(path, self.game.averaged(), dataset.class_names, dataset.image_shape, metadata)

    def _look(self, generator: Generator) -> dict[str, float]:
        """How often the discriminator, asked for an emotion, finds the wanted one in held-out faces."""
        count = self._dataset.count(self._watch)
        rng = np.random.default_rng(self._settings.seed)
        rows = rng.permutation(count)[:_WATCHED]
        wanted = rng.integers(self._classes, size=len(rows))
        faces = self._dataset.images(self._watch).take(rows)
        made, masks = generator.translate(faces, one_hot(wanted.astype(np.uint8), self._classes))
        found = self.game.discriminator.predict(made, batch_size=_WATCHED, verbose=0)["classes"][:, : self._classes]
        return {"val_hit": float((found.argmax(1) == wanted).mean()), "val_changed": float(masks.mean())}

    def _samples(self, generator: Generator) -> Samples:
        rows = samples.choose(self._dataset, self._watch, self._settings.seed)
        faces = self._dataset.images(self._watch).take(rows)
        each = np.repeat(faces, self._classes, axis=0)
        wanted = np.tile(np.eye(self._classes, dtype=np.float32), (len(faces), 1))
        made = generator.translate(each, wanted)[0].reshape(len(faces), self._classes, *faces.shape[1:])
        return Samples(self._dataset.class_names, faces, self._dataset.labels(self._watch)[rows], made)

    def _save(self, generator: Generator, row: dict[str, float]) -> None:
        # The generator before the checkpoint that knows of it: a kill between the two costs a repeated epoch.
        models.save_model(generator.network, generator.path, {**generator.metadata, "scores": row})
        write_history(self._folder / "history.csv", self._state.history)
        variables = {"game": self.game.variables}
        checkpoint.save_variables(self._folder / checkpoint.NAME, variables, self._state)

    def _tell(self, epoch: int, step: int, metrics: dict[str, float], done: bool = False) -> None:
        status = Status(epoch + 1, self._settings.epochs, step, self._settings.steps, metrics, done)
        self._observer(status)
