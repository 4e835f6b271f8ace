"""Memory of `fer train` with `mini` on a data set of FER2013's size, above that of Keras on TensorFlow alone.

Baseline: a process that loads Keras, builds the network and takes one step on one batch. Each is a process of its own,
and the figure its peak of resident memory.

    python benchmarks/train_memory.py [DATASET.h5]        about 2 minutes on two cores; goal: at most 1.5 GB more
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from fer_cli.labels import EMOTIONS
from fer_cli.records import Records
from fer_cli.store.writer import create_dataset

TRAIN_ROWS, VAL_ROWS = 28_709, 3_589
GOAL = 1.5
BARE = """
from fer_cli import framework
framework.load()
import numpy as np
from fer_cli.architectures import choose
network = choose.build("mini", (48, 48, 1), 7, {})
network.compile("sgd", "categorical_crossentropy", jit_compile=False)
network.train_on_batch(np.zeros((128, 48, 48, 1), np.uint8), np.eye(7)[np.zeros(128, int)])
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        dataset = Path(sys.argv[1]) if sys.argv[1:] else write_noise(Path(folder) / "faces.h5")
        arguments = ["train", dataset, "--augment", "--epochs", "1", "-q", "-o", Path(folder) / "mini.keras"]
        training = peak([sys.executable, "-m", "fer_cli.main", *map(str, arguments)])
        bare = peak([sys.executable, "-c", BARE])
    verdict = "met" if training - bare <= GOAL else "missed"
    print(f"Keras alone {bare:.2f} GB, fer train {training:.2f} GB at its peak, {training / bare:.2f} of it")
    print(f"{training - bare:.2f} GB more; goal {GOAL} GB: {verdict}")


def peak(command: list[str]) -> float:
    """Peak resident memory of a process, in GB."""
    reader, writer = os.pipe()
    # A process between, since the operating system's figure for children is the maximum of all there were.
    if os.fork() == 0:
        code = subprocess.run(command, check=False).returncode
        used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        os.write(writer, f"{code} {used}".encode())
        os._exit(0)
    os.wait()
    code, used = map(int, os.read(reader, 100).split())
    if code:
        raise SystemExit(f"{' '.join(command[:4])} … ended with {code}")
    return used * 1024 / 1e9


def write_noise(path: Path) -> Path:
    """48×48 grey noise, as many rows as FER2013's Training and PublicTest."""
    total = TRAIN_ROWS + VAL_ROWS
    images = np.random.default_rng(0).integers(0, 256, (total, 48, 48, 1), np.uint8)
    labels = np.arange(total, dtype=np.uint8) % len(EMOTIONS)
    split = (np.arange(total) >= TRAIN_ROWS).astype(np.uint8)
    with create_dataset(path, EMOTIONS) as writer:
        writer.append(Records(images, labels, split, [str(i) for i in range(total)]))
        writer.finish({})
    return path


if __name__ == "__main__":
    main()
