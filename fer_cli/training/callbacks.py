"""What happens after each epoch: validation, history, the best model, the checkpoint, the learning rate, stopping."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fer_cli import files, models
from fer_cli.analysis.scores import negative_log_likelihood, top_k
from fer_cli.store.reader import ImageRows
from fer_cli.training import averages, checkpoint, schedules
from fer_cli.training.adversarial import Probe
from fer_cli.training.batches import TrainingBatches
from fer_cli.training.checkpoint import History, RunState
from fer_cli.training.cluster import Cluster
from fer_cli.training.settings import Settings
from fer_cli.transform.crops import centre


@dataclass(frozen=True)
class Status:
    """What a run has to say now. metrics: running means of the epoch, or its full history row when `epoch_done`.

    teacher: whether this is the training of a teacher that the run itself learns from afterwards.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    metrics: dict[str, float]
    epoch_done: bool
    teacher: bool = False


Observer = Callable[[Status], None]


@dataclass(frozen=True)
class Validation:
    """The rows on which epochs are compared. labels: uint8 (N,). probe: for adversarial training, None for other."""

    images: ImageRows
    labels: npt.NDArray[np.uint8]
    probe: Probe | None = None

    def score(self, network: keras.Model) -> dict[str, float]:
        """val_loss (mean cross-entropy, nats), val_accuracy and val_top3 of a network; one of crops sees the centre.

        With a probe also val_robust, the accuracy under its attack. A network of NaN is never right, and its loss is
        NaN.
        """
        blocks = (centre(block, network.input_shape[1:3]) for block in self.images.blocks())
        outputs = np.concatenate([models.probabilities(network, block) for block in blocks])
        known = _has_numbers(network) and bool(np.isfinite(outputs).all())
        scores = {
            "val_loss": negative_log_likelihood(self.labels, outputs) if known else math.nan,
            checkpoint.ACCURACY: top_k(self.labels, outputs, 1) if known else 0.0,
            "val_top3": top_k(self.labels, outputs, 3) if known else 0.0,
        }
        if self.probe is not None:
            scores[checkpoint.ROBUST] = self.probe.accuracy(network, self.images, self.labels) if known else 0.0
        return scores


class EpochEnd(keras.callbacks.Callback):
    """Scores, records and saves each epoch.

    The order matters for a kill at any moment: the best model is written before the checkpoint that knows of it, so a
    resumed run repeats the epoch and writes the same model again.
    """

    def __init__(
        self,
        settings: Settings,
        state: RunState,
        validation: Validation | None,
        folder: Path,
        batches: TrainingBatches,
        save_best: Callable[[keras.Model, dict[str, float]], None],
        observer: Observer,
        cluster: Cluster,
    ) -> None:
        """Keep `history.csv` and `checkpoint.npz` in `folder`; batches: those that the run learns from."""
        super().__init__()
        self._settings, self._state, self._validation = settings, state, validation
        self._folder, self._batches = folder, batches
        self._steps, self._batch_size = batches.steps, batches.batch_size
        self._save_best, self._observer = save_best, observer
        self._cluster = cluster
        self._twin: keras.Model | None = None
        self._started = 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """End what another run has left there, now that this one is sure to begin."""
        if not self._state.epochs_done:
            (self._folder / checkpoint.NAME).unlink(missing_ok=True)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock, and set the learning rate that the history asks for."""
        self._started = time.perf_counter()
        if self._settings.schedule == "plateau":
            losses = self._state.history.get("val_loss", self._state.history.get("loss", []))
            self.model.optimizer.learning_rate = schedules.plateau_lr(losses, self._settings)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Tell the observer."""
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        metrics["lr"] = self._learning_rate()
        elapsed = time.perf_counter() - self._started
        metrics["images_per_second"] = (batch + 1) * self._batch_size / elapsed
        self._tell(batch + 1, metrics, False)
        # In float16 a step may overflow, and is left out then: only a network that is lost ends its epoch.
        if not math.isfinite(metrics.get("loss", 0.0)) and not _has_numbers(self.model):
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Validate, keep what is best, write history and checkpoint, and stop when it is time."""
        seconds = time.perf_counter() - self._started
        row = {"epoch": epoch + 1, **{name: float(value) for name, value in (logs or {}).items()}}
        with self._cluster.alone():
            network = self._scored_network(epoch)
            if self._validation is not None:
                row |= self._validation.score(network)
        row |= {
            "lr": self._learning_rate(),
            "images_per_second": self._steps * self._batch_size / seconds,
            "seconds": time.perf_counter() - self._started,
        }
        self._state.add(row)
        # Without validation rows there is nothing to select on: the last epoch counts.
        score = self._state.val_scores[-1] if self._state.val_scores else float(epoch)
        self._state.diverged = math.isnan(row["val_loss"]) if self._validation else not _has_numbers(network)
        if score > self._state.best_score and not self._state.diverged:
            self._state.best_score, self._state.best_epoch = score, epoch + 1
            self._save_best(network, row)
        write_history(self._folder / "history.csv", self._state.history)
        if not self._state.diverged:  # nothing can go on from such a network
            checkpoint.save(self._folder / checkpoint.NAME, self.model, self.model.optimizer, self._state)
        self._tell(self._steps, row, True)
        if self._state.diverged or schedules.should_stop(self._state.val_scores, self._settings.patience):
            self.model.stop_training = True

    def _scored_network(self, epoch: int) -> keras.Model:
        """The network itself, or a twin where the weights are to be averages or are spread over several devices."""
        averaged = self._settings.ema > 0
        if not averaged and self._cluster.devices == 1:
            return self.model
        if self._twin is None:
            self._twin = models.uncompiled_twin(self.model)
        means = averages.average_weights(self.model) if averaged else {}
        # With the seeds of random layers, so that the statistics do not depend on whether the run was resumed.
        for layer, twin in zip(self.model.layers, self._twin.layers, strict=True):
            for variable, own in zip(layer.variables, twin.variables, strict=True):
                own.assign(keras.ops.convert_to_numpy(means.get(variable.path, variable)))
        if averaged:
            steps = range(min(self._steps, -(-averages.IMAGES // self._batch_size)))
            averages.take_statistics(self._twin, (self._batches.batch(epoch, step)[0] for step in steps))
        return self._twin

    def _learning_rate(self) -> float:
        return float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def _tell(self, step: int, metrics: dict[str, float], epoch_done: bool) -> None:
        epoch = self._state.epochs_done + (0 if epoch_done else 1)
        self._observer(Status(epoch, self._settings.epochs, step, self._steps, metrics, epoch_done))


def _has_numbers(network: keras.Model) -> bool:
    """Whether all weights are finite; training cannot mend one that is not, and ReLU may hide it from the answers."""
    return all(np.isfinite(keras.ops.convert_to_numpy(weight)).all() for weight in network.weights)


def write_history(path: Path, history: History) -> None:
    """One row an epoch, a column a figure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(history)
    writer.writerows(zip(*history.values(), strict=True))
    files.write_text(path, text.getvalue())
