"""What an attack costs beside the gradients that it needs: PGD of 20 steps on `mini`, against 20 bare ones.

Baseline: 20 times the gradient of the cross-entropy by the input, compiled, on the same batch, written out in
TensorFlow as a study would. The two take turns, so that other load on the machine meets both alike; figures are medians
over the rounds, of wall time and of CPU time (of all threads), which depends less on what else runs.

    python benchmarks/attack.py        under 3 minutes on two cores; goal: at most 1.2 times the baseline
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as fer itself does

import keras
import numpy as np
import tensorflow as tf

from fer_cli.architectures import choose
from fer_cli.attacks.base import Aim, Victim
from fer_cli.attacks.fgsm import Pgd
from fer_cli.labels import EMOTIONS

BATCH = 128
STEPS = 20
ROUNDS = 5
GOAL = 1.2
EPSILON = 8.0


def main() -> None:
    network = choose.build("mini", (48, 48, 1), len(EMOTIONS), {})
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (BATCH, 48, 48, 1)).astype(np.float32)
    labels = rng.integers(0, len(EMOTIONS), BATCH)
    attack, bare = Pgd(Victim(network), steps=STEPS), bare_gradients(network)
    contenders: list[Callable[[], object]] = [
        lambda: bare(tf.constant(images), tf.constant(labels)),
        lambda: next(attack.sweep(images, Aim(labels), [EPSILON])),
    ]
    rounds = []
    for number in range(ROUNDS + 1):
        # Each is first in turn, so that a load that rises or falls favours neither.
        order = slice(None, None, (-1) ** number)
        rounds.append([seconds(contender) for contender in contenders[order]][order])
    report(np.array(rounds[1:]))


def bare_gradients(network: keras.Model) -> Callable[[tf.Tensor, tf.Tensor], None]:
    """`STEPS` forward-backward passes, one after the other."""

    @tf.function
    def gradient(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            loss = keras.losses.sparse_categorical_crossentropy(labels, network(images, training=False))
        return tape.gradient(loss, images)

    def run(images: tf.Tensor, labels: tf.Tensor) -> None:
        for _ in range(STEPS):
            gradient(images, labels)

    return run


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def report(times: np.ndarray) -> None:
    """Print what was measured. times: (rounds, bare / PGD, wall / CPU), in seconds."""
    print(
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; medians of {len(times)} rounds, {BATCH} faces, "
        f"{STEPS} steps"
    )
    for name, (wall, cpu) in zip(("bare", "PGD"), np.median(times, axis=0), strict=True):
        print(f"{name:5} {wall:6.2f} s, {cpu:6.2f} s of CPU")
    wall, cpu = np.median(times[:, 1] / times[:, 0], axis=0)
    print(f"PGD costs {wall:.2f} of the bare passes ({cpu:.2f} of CPU); goal {GOAL}: {verdict(wall)}")


def verdict(ratio: float) -> str:
    """Whether the goal is met."""
    return "met" if ratio <= GOAL else "missed"


if __name__ == "__main__":
    main()
