"""What augmenting while training costs: step time of `mini` with policy default, against batches augmented beforehand.

Baseline: the same `model.fit` on batches that lie augmented in memory. The two take turns, so that other load on the
machine meets both alike; each run's figure is the median of its steps, and the result the median over the rounds. CPU
time is given too, since it depends less on what else runs; wall times mean little on a machine under load.

    python benchmarks/augment_in_training.py        under 90 s on two cores; goal: at most 5 % more
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as fer itself does

import keras
import numpy as np

from fer_cli.architectures import choose
from fer_cli.labels import EMOTIONS
from fer_cli.records import Records
from fer_cli.store.reader import ImageRows, open_dataset
from fer_cli.store.writer import create_dataset
from fer_cli.training import losses, schedules
from fer_cli.training.batches import Batch, TrainingBatches
from fer_cli.training.fused import fuse_batch_norm
from fer_cli.training.settings import Settings
from fer_cli.training.targets import one_hot
from fer_cli.transform.policy import parse_policy

BATCH = 128
ROUNDS = 6
STEPS = 12
#: Steps at the start of a run in which buffers fill.
FIRST = 2
GOAL = 0.05


class Clock(keras.callbacks.Callback):
    """Wall seconds and CPU seconds (of all threads) at the end of each step."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[tuple[float, float]] = []

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        """Called by Keras."""
        self.marks.append((time.perf_counter(), time.process_time()))


def main() -> None:
    labels = np.arange(32 * BATCH, dtype=np.uint8) % len(EMOTIONS)
    with tempfile.TemporaryDirectory() as folder:
        images = noise_faces(Path(folder) / "faces.h5", labels)
    batches = TrainingBatches(
        images,
        one_hot(labels, len(EMOTIONS)),
        np.arange(len(labels)),
        batch_size=BATCH,
        policy=parse_policy("default"),
    )
    ready = [batches.batch(0, step) for step in range(STEPS)]
    network = compiled_mini()
    rounds = []
    for number in range(ROUNDS + 1):
        # Each is first in turn, so that a load that rises or falls favours neither.
        sources = [again_and_again(ready), batches.stream()][:: (-1) ** number]
        rounds.append([step_time(network, source) for source in sources][:: (-1) ** number])
    report(np.array(rounds[1:]), cpu_to_make(batches))


def report(times: np.ndarray, making: float) -> None:
    """Print what was measured, in seconds.

    times: (rounds, before / while training, wall / CPU) of a step. making: CPU time of making one batch.
    """
    print(
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; medians of {len(times)} runs, {BATCH} faces a step"
    )
    medians = np.median(times, axis=0)
    for name, (wall, cpu) in zip(("beforehand", "while training"), medians, strict=True):
        print(f"augmented {name:16} {1000 * wall:7.1f} ms a step, {1000 * cpu:7.1f} ms of CPU")
    print(f"making one batch takes {1000 * making:.1f} ms of CPU, {making / medians[0, 1]:.1%} of a step's")
    wall, cpu = np.median(times[:, 1] / times[:, 0], axis=0) - 1
    verdict = "met" if wall <= GOAL else "missed"
    print(f"augmenting while training costs {wall:+.1%} time a step ({cpu:+.1%} CPU); goal {GOAL:.0%}: {verdict}")


def noise_faces(path: Path, labels: np.ndarray) -> ImageRows:
    """48×48 grey rows in memory, as `fer train` has them."""
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 48, 48, 1), np.uint8)
    with create_dataset(path, EMOTIONS) as writer:
        writer.append(Records(images, labels, np.zeros_like(labels), [str(i) for i in range(len(labels))]))
        writer.finish({})
    with open_dataset(path) as dataset:
        return dataset.images("train")


def again_and_again(batches: Sequence[Batch]) -> Iterator[Batch]:
    """A generator, since Keras takes no other iterator."""
    yield from itertools.cycle(batches)


def cpu_to_make(batches: TrainingBatches) -> float:
    """Median CPU seconds of drawing and augmenting a batch on one thread."""
    marks = [time.thread_time()]
    for step in range(STEPS):
        batches.batch(0, step)
        marks.append(time.thread_time())
    return float(np.median(np.diff(marks)))


def compiled_mini() -> keras.Model:
    """`mini` as `fer train` compiles it."""
    settings = Settings()
    network = choose.build(settings.architecture, (48, 48, 1), len(EMOTIONS), {})
    fuse_batch_norm(network)
    network.compile(
        optimizer=schedules.build_optimizer(settings, STEPS),
        loss=losses.build_loss(settings, len(EMOTIONS)),
        metrics=losses.metrics(len(EMOTIONS)),
        jit_compile=False,
    )
    return network


def step_time(network: keras.Model, source: Iterator[Batch]) -> np.ndarray:
    """Wall and CPU seconds of a step: medians of one short run."""
    clock = Clock()
    network.fit(source, steps_per_epoch=STEPS, shuffle=False, callbacks=[clock], verbose=0)
    return np.median(np.diff(clock.marks[FIRST:], axis=0), axis=0)


if __name__ == "__main__":
    main()
