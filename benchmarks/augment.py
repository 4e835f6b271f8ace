"""Augmentation speed: ours against two usual ways, on the same 48×48 faces with the same ranges.

Baselines: keras' ImageDataGenerator (one scipy.ndimage transform a face), and keras.layers in a tf.data pipeline with a
parallel map over batches. They take turns, so that other load on the machine meets all alike; the figures are medians.

    python benchmarks/augment.py        under a minute; goals: 15 times the first, 5 times the second
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as fer itself does

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from fer_cli.transform.augment import augment
from fer_cli.transform.policy import Policy, parse_policy

Faces = npt.NDArray[np.uint8]
Run = Callable[[Faces], None]

BATCH = 128
ROUNDS = 5
#: Faces in one timed run: enough for some tenths of a second each.
FACES = {"ours": 64 * BATCH, "scipy": 8 * BATCH, "layers": 16 * BATCH}
SAME_RANGES = parse_policy("flip:0.5 zoom:0.1 rotate:10 shift:0.1")


def main() -> None:
    faces = np.random.default_rng(0).integers(0, 256, (max(FACES.values()), 48, 48, 1), np.uint8)
    runs: dict[str, Run] = {
        "ours, 1 thread": ours(SAME_RANGES, 1),
        "ours, 2 threads": ours(SAME_RANGES, 2),
        "ours, 1 thread, policy default": ours(parse_policy("default"), 1),
        "scipy, 1 thread": scipy_generator(1),
        "scipy, 2 threads": scipy_generator(2),
        "layers, tf.data": layer_pipeline(),
    }
    rates = measure(runs, faces)
    for name, rate in rates.items():
        print(f"{name:<32}{rate:>10,.0f} faces/s")
    ours_best = max(rates["ours, 1 thread"], rates["ours, 2 threads"])
    scipy_best = max(rates["scipy, 1 thread"], rates["scipy, 2 threads"])
    print(f"ours / ImageDataGenerator (scipy), best of each:  {ours_best / scipy_best:5.1f}  (goal 15)")
    print(f"ours / keras.layers in tf.data, best of each:     {ours_best / rates['layers, tf.data']:5.1f}  (goal 5)")


def measure(runs: dict[str, Run], faces: Faces) -> dict[str, float]:
    """Median faces a second of each run over ROUNDS rounds, after one round that is not counted."""
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS + 1):
        for name, run in runs.items():
            share = faces[: FACES[name.split(",")[0]]]
            start = time.perf_counter()
            run(share)
            rates[name].append(len(share) / (time.perf_counter() - start))
    return {name: statistics.median(found[1:]) for name, found in rates.items()}


def in_threads(work: Run, threads: int) -> Run:
    """Divide the faces among threads."""

    def run(faces: Faces) -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, np.array_split(faces, threads)))

    return run


def ours(policy: Policy, threads: int) -> Run:
    def work(faces: Faces) -> None:
        rng = np.random.default_rng(0)
        for start in range(0, len(faces), BATCH):
            augment(faces[start : start + BATCH], policy, rng)

    return in_threads(work, threads)


def scipy_generator(threads: int) -> Run:
    generator = tf.keras.preprocessing.image.ImageDataGenerator(
        rotation_range=10, width_shift_range=0.1, height_shift_range=0.1, zoom_range=0.1, horizontal_flip=True
    )

    def work(faces: Faces) -> None:
        batches = generator.flow(faces, batch_size=BATCH, shuffle=False)
        for number in range(len(batches)):
            batches[number]

    return in_threads(work, threads)


def layer_pipeline() -> Run:
    layers = keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomRotation(10 / 360),
            keras.layers.RandomTranslation(0.1, 0.1),
            keras.layers.RandomZoom(0.1),
        ]
    )

    def run(faces: Faces) -> None:
        batches = tf.data.Dataset.from_tensor_slices(faces).batch(BATCH)
        batches = batches.map(lambda batch: layers(batch, training=True), num_parallel_calls=tf.data.AUTOTUNE)
        for _ in batches.prefetch(tf.data.AUTOTUNE):
            pass

    return run


if __name__ == "__main__":
    main()
