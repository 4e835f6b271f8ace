"""Images a second of `fer train`, beside other ways to train the same network on the same machine.

Baselines, each with SGD-Nesterov, weight decay and batches of the same size:
(a) bare:      `model.fit` on arrays in memory that were augmented beforehand, as Keras runs it;
(b) generator: `model.fit` on Keras' ImageDataGenerator, which most published student studies used;
(c) torch:     the same network in PyTorch, eager, where torch is installed;
(d) default:   (a) in a process of its own with the kernels that TensorFlow chooses by itself, the others having fer's.
`fer train` itself runs on a thread and pauses at the end of each epoch, so that all take turns and meet the same load.
The figures are medians of the epochs after the first, by the clock and in CPU seconds, which neighbours on the machine
change less; those of `fer train` have its validation and its checkpoint in them. The floor is the time that the
network's multiply-adds would take at the speed of a large float32 matrix product, measured in the same run.

    python benchmarks/train_throughput.py [ARCH ...]      mini, resnet18 and resnet34: about 10 minutes on two cores
    goals: at least 0.95 of (a), 1.3 of (b), 1.4 of (c), 1.5 of (d)
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.update({} if "--serve" in sys.argv else {"TF_ENABLE_ONEDNN_OPTS": "1"})  # as fer itself does, but for (d)

import keras
import numpy as np
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from fer_cli.architectures import choose
from fer_cli.architectures.cost import multiply_adds
from fer_cli.labels import EMOTIONS
from fer_cli.records import Records
from fer_cli.store.reader import Dataset, open_dataset
from fer_cli.store.writer import create_dataset
from fer_cli.training import batches, fit, schedules
from fer_cli.training.callbacks import Status
from fer_cli.training.settings import Settings

ROUNDS = 5
#: Of the settings, so that `fer train` takes its run, which ends after the rounds, for one of a study's length: it then
#: compiles kernels that are not worth their compilation in a short one.
EPOCHS = 10_000
#: Architecture -> images a step, steps an epoch.
WORK = {"mini": (128, 16), "resnet18": (32, 3), "resnet34": (32, 2)}
GOALS = {"bare": 0.95, "generator": 1.3, "torch": 1.4, "default": 1.5}
CLASSES = len(EMOTIONS)

#: Runs one epoch; its images a second, and how many CPU seconds it took.
Contender = Callable[[], tuple[float, float]]


def main() -> None:
    for arch in sys.argv[1:] or WORK:
        size, steps = WORK[arch]
        settings = settings_of(arch)
        with tempfile.TemporaryDirectory() as folder:
            write_noise(Path(folder) / "faces.h5", size * steps)
            with open_dataset(Path(folder) / "faces.h5") as dataset:
                report(arch, size, measure(contenders(settings, dataset, Path(folder))))


def settings_of(arch: str) -> Settings:
    """Of `fer train --augment`."""
    size, _ = WORK[arch]
    return Settings(architecture=arch, batch_size=size, epochs=EPOCHS, augment="default", label_smoothing=0.0)


def contenders(settings: Settings, dataset: Dataset, folder: Path) -> dict[str, Contender]:
    """Everything that takes part, the first being `fer train`."""
    images, targets = augmented(settings, dataset)
    found = {
        "fer train": paused_run(settings, dataset, folder),
        "bare": keras_fit(settings, images, targets),
        "generator": generator_fit(settings, dataset.images("train").take(range(len(images))), targets),
        "default": other_process(settings.architecture, dataset.path),
    }
    if torch_fit := find_torch():
        found["torch"] = torch_fit(settings, images, targets)
    return found


def augmented(settings: Settings, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """An epoch's images (N, H, W, C) and targets (N, K), as `fer train` would see them."""
    ready = batches.from_settings(dataset, settings)
    parts = [ready.batch(0, step) for step in range(ready.steps)]
    images, targets = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    return images, targets


def measure(found: dict[str, Contender]) -> dict[str, np.ndarray]:
    """(rounds, 2): images a second and CPU seconds of an epoch; the first round warms up."""
    names = list(found)
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for number in range(ROUNDS + 1):
        for name in names[:: (-1) ** number]:
            figures[name].append(found[name]())
    return {name: np.array(rows[1:]) for name, rows in figures.items()}


def report(arch: str, size: int, figures: dict[str, np.ndarray]) -> None:
    """Print the medians, the ratios round by round, and the distance from the floor."""
    flops = 6 * multiply_adds(choose.build(arch, (48, 48, 1), CLASSES, {}))
    peak = matmul_flops()
    ours, our_seconds = figures["fer train"].T
    print(f"{arch}, {size} images a step, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"  floor        {peak / flops:7.0f} images/s at {peak / 1e9:.0f} GFLOP/s, {flops / 1e9:.2f} GFLOP an image")
    for name, (rates, seconds) in ((name, rows.T) for name, rows in figures.items()):
        line = f"  {name:12} {np.median(rates):7.0f} images/s ({np.median(rates) * flops / peak:.0%} of the floor)"
        if name in GOALS:
            ratio = float(np.median(ours / rates))
            line += f"; fer train is {ratio:.2f} of it, {np.median(seconds / our_seconds):.2f} in CPU seconds, "
            line += f"goal {GOALS[name]}: {'met' if ratio >= GOALS[name] else 'missed'}"
        print(line, flush=True)


def paused_run(settings: Settings, dataset: Dataset, folder: Path) -> Contender:
    """`fer train`, one epoch a call; its rate is the one in history.csv, which leaves out validation."""
    turn, done, rates = threading.Semaphore(0), threading.Semaphore(0), []

    def observer(status: Status) -> None:
        if status.epoch_done:
            rates.append(status.metrics["images_per_second"])
            done.release()
            turn.acquire()

    def run() -> None:
        fit.train(dataset, settings, folder / "net.keras", folder / "net.training", observer)

    thread = threading.Thread(target=run, daemon=True)

    def epoch() -> tuple[float, float]:
        before = time.process_time()
        if thread.ident is None:
            thread.start()
        else:
            turn.release()
        done.acquire()
        return rates[-1], time.process_time() - before

    return epoch


def plain_network(settings: Settings, steps: int) -> keras.Model:
    """The network as Keras runs it."""
    network = choose.build(settings.architecture, (48, 48, 1), CLASSES, {})
    network.compile(
        optimizer=schedules.build_optimizer(settings, steps),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    return network


def keras_fit(settings: Settings, images: np.ndarray, targets: np.ndarray) -> Contender:
    """What (a) is timed on."""
    network = plain_network(settings, len(images) // settings.batch_size)
    return timed(len(images), lambda: network.fit(images, targets, batch_size=settings.batch_size, verbose=0))


def generator_fit(settings: Settings, images: np.ndarray, targets: np.ndarray) -> Contender:
    """(b), with the rotations, shifts, zooms and mirror images of the usual tutorial."""
    generator = ImageDataGenerator(
        rotation_range=10, width_shift_range=0.1, height_shift_range=0.1, zoom_range=0.1, horizontal_flip=True
    )
    network = plain_network(settings, len(images) // settings.batch_size)
    flow = generator.flow(images, targets, batch_size=settings.batch_size)
    return timed(len(images), lambda: network.fit(flow, verbose=0))


def find_torch() -> Callable[[Settings, np.ndarray, np.ndarray], Contender] | None:
    """(c), or None where torch is not installed."""
    try:
        from baselines import torch_residual
    except ModuleNotFoundError:
        print("torch is not installed: (c) is left out")
        return None

    def build(settings: Settings, images: np.ndarray, targets: np.ndarray) -> Contender:
        step = torch_residual.trainer(settings.architecture)
        size = settings.batch_size
        parts = [(images[i : i + size], targets[i : i + size].argmax(1)) for i in range(0, len(images), size)]
        return timed(len(images), lambda: [step(*part) for part in parts])

    return build


def timed(count: int, epoch: Callable[[], object]) -> Contender:
    """Turn a call that trains on `count` images into their rate and its CPU seconds."""

    def run() -> tuple[float, float]:
        started, before = time.perf_counter(), time.process_time()
        epoch()
        return count / (time.perf_counter() - started), time.process_time() - before

    return run


def other_process(arch: str, path: Path) -> Contender:
    """(d): each line that the process is given has it train for an epoch and print its figures."""
    environment = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", arch, str(path)],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip
    asked, answered = process.stdin, process.stdout
    assert asked is not None
    assert answered is not None

    def epoch() -> tuple[float, float]:
        asked.write("epoch\n")
        rate, seconds = map(float, answered.readline().split())
        return rate, seconds

    return epoch


def serve(arch: str, path: Path) -> None:
    """What `other_process` runs."""
    settings = settings_of(arch)
    with open_dataset(path) as dataset:
        epoch = keras_fit(settings, *augmented(settings, dataset))
    for _ in sys.stdin:
        print(*epoch(), flush=True)


def matmul_flops(side: int = 2048) -> float:
    """Floating-point operations a second of the best of a few float32 matrix products."""
    product = keras.random.normal((side, side))
    times = []
    for _ in range(8):
        started = time.perf_counter()
        keras.ops.convert_to_numpy(keras.ops.matmul(product, product))
        times.append(time.perf_counter() - started)
    return 2 * side**3 / min(times)


def write_noise(path: Path, count: int) -> None:
    """A dataset of 48×48 grey noise, with a few val rows."""
    total = count + CLASSES
    images = np.random.default_rng(0).integers(0, 256, (total, 48, 48, 1), np.uint8)
    labels = np.arange(total, dtype=np.uint8) % CLASSES
    split = (np.arange(total) >= count).astype(np.uint8)
    with create_dataset(path, EMOTIONS) as writer:
        writer.append(Records(images, labels, split, [str(i) for i in range(total)]))
        writer.finish({})


if __name__ == "__main__":
    serve(sys.argv[2], Path(sys.argv[3])) if "--serve" in sys.argv else main()
