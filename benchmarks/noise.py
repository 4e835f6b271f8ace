"""What corruption costs `fer noise`: corrupting and scoring 3,589 faces at one level against scoring them clean.

The network is `mini` with weights that were drawn, the faces are noise (48×48, grey; as many as PublicTest has). Clean
and corrupted passes take turns, so that other load on the machine meets all alike; the figures are medians.

    python benchmarks/noise.py        some minutes; goal: at most 1.3 times the clean pass
    python benchmarks/noise.py fog    Gaussian noise and one kind
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as fer itself does

import numpy as np

from fer_cli import catalog
from fer_cli.analysis.noise.images import Corrupted
from fer_cli.analysis.noise.levels import Level, levels
from fer_cli.analysis.predict import Images, predict
from fer_cli.architectures.residual import mini
from fer_cli.labels import EMOTIONS
from fer_cli.models import LoadedModel
from fer_cli.records import Records
from fer_cli.store.reader import open_dataset
from fer_cli.store.writer import create_dataset
from fer_cli.transform.corrupt import choose
from fer_cli.transform.crops import single

FACES = 3589
ROUNDS = 5
GOAL = 1.3


def main(kinds: list[str]) -> None:
    model = LoadedModel(Path("mini.keras"), mini((48, 48, 1), len(EMOTIONS)), EMOTIONS, (48, 48, 1), {})
    # The variance in the middle of the default ones, and the severity in the middle of each kind.
    found = {level.name: level for level in levels([0.1], choose(kinds, 1), 1) if level.value in (0.1, 3)}
    with tempfile.TemporaryDirectory() as folder, open_dataset(written(Path(folder) / "faces.h5")) as dataset:
        images = dataset.images("val")
        seconds: dict[str, list[tuple[float, float]]] = {"clean": [], **{name: [] for name in found}}
        for _ in range(ROUNDS + 1):
            for name, times in seconds.items():
                times.append(timed(model, corrupted(images, found.get(name))))
    # The first round traces the network's graph and is not counted.
    medians = {name: np.median(times[1:], axis=0) for name, times in seconds.items()}
    for name, (wall, cpu) in medians.items():
        ratio, work = (wall, cpu) / medians["clean"]
        print(f"{name:<18}{wall:>7.2f} s    / clean: {ratio:5.2f}  (goal {GOAL}; CPU seconds: {work:.2f})")


def written(path: Path) -> Path:
    """A dataset file of noise, of which the network neither knows nor cares."""
    with create_dataset(path, EMOTIONS) as writer:
        writer.append(
            Records(
                images=np.random.default_rng(0).integers(0, 256, (FACES, 48, 48, 1), np.uint8),
                labels=np.arange(FACES, dtype=np.uint8) % len(EMOTIONS),
                split=np.ones(FACES, np.uint8),
                source=[str(row) for row in range(FACES)],
            )
        )
        writer.finish({"command": "benchmark"})
    return path


def corrupted(images: Images, level: Level | None) -> Images:
    return images if level is None or level.corrupt is None else Corrupted(images, level.corrupt, level.kind, 0, 0)


def timed(model: LoadedModel, images: Images) -> tuple[float, float]:
    """Wall and CPU seconds of a pass."""
    wall, cpu = time.perf_counter(), time.process_time()
    predict(model, images, (), EMOTIONS, single, 128, lambda _: None)
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main(sys.argv[1:] or list(set(catalog.CORRUPTIONS) - {"saturate"}))
