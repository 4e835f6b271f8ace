"""Small data with planted truth, and running the program in this process.

A planted face of class k is noise with a bright block at place k, so a network whose answers are known can be built
by hand and nothing needs training.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from click.testing import CliRunner, Result

from fer_cli.labels import EMOTIONS, SPLITS
from fer_cli.main import cli
from fer_cli.records import Records
from fer_cli.store.writer import create_dataset

SIDE = 24
BLOCK = 6


def run_fer(*arguments: object, env: dict[str, str] | None = None) -> Result:
    """`fer ARGUMENTS` in this process; the result has exit_code, stdout and stderr."""
    return CliRunner().invoke(cli, [str(a) for a in arguments], env=env, catch_exceptions=False)


def place(label: int) -> tuple[slice, slice]:
    """Where the bright block of a class is."""
    row, column = divmod(label, SIDE // BLOCK)
    return slice(row * BLOCK, (row + 1) * BLOCK), slice(column * BLOCK, (column + 1) * BLOCK)


def planted_faces(labels: npt.NDArray[np.uint8], seed: int = 0, channels: int = 1) -> npt.NDArray[np.uint8]:
    """uint8 (N, SIDE, SIDE, channels): noise below 100 with a block of 200..255 at the place of each label."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 100, (len(labels), SIDE, SIDE, channels), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[place(int(label))] = rng.integers(200, 256, (BLOCK, BLOCK, channels), np.uint8)
    return images


def planted_records(counts: tuple[int, int, int] = (70, 28, 28), seed: int = 0, channels: int = 1) -> Records:
    """Records with `counts` rows in train, val and test, the classes in turn, ten persons."""
    total = sum(counts)
    labels = (np.arange(total) % len(EMOTIONS)).astype(np.uint8)
    return Records(
        images=planted_faces(labels, seed, channels),
        labels=labels,
        split=np.repeat(np.arange(3, dtype=np.uint8), counts),
        source=[f"planted:{i}" for i in range(total)],
        subject=[f"P{i % 10}" for i in range(total)],
    )


def write_dataset(
    path: Path,
    records: Records | None = None,
    class_names: tuple[str, ...] = EMOTIONS,
    transforms: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """A dataset file of `records` (default: `planted_records()`); transforms: what it says was applied to them."""
    with create_dataset(path, class_names) as writer:
        writer.append(records if records is not None else planted_records())
        writer.finish({"command": "test"}, transforms)
    return path


def write_model(
    path: Path,
    wrong: tuple[int, ...] = (),
    class_names: tuple[str, ...] = EMOTIONS,
    transforms: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """A network built by hand that names planted faces rightly, but those of the classes `wrong` one class on.

    transforms: what its file says was applied to its training faces.
    """
    import keras

    from fer_cli.models import save_model

    inputs = keras.Input((SIDE, SIDE, 1))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Flatten(name="embedding")(x)
    logits = keras.layers.Dense(len(class_names), name="logits")
    outputs = keras.layers.Softmax(name="probabilities")(logits(x))
    kernel = np.zeros((SIDE, SIDE, len(class_names)), np.float32)
    for label in range(len(class_names)):
        target = (label + 1) % len(class_names) if label in wrong else label
        kernel[(*place(label), target)] += 10 / BLOCK**2
    logits.set_weights([kernel.reshape(SIDE * SIDE, -1), np.zeros(len(class_names), np.float32)])
    save_model(
        keras.Model(inputs, outputs),
        path,
        {
            "class_names": list(class_names),
            "input_shape": [SIDE, SIDE, 1],
            "architecture": {"name": "planted"},
            "transforms": list(transforms),
        },
    )
    return path


def splits_of(records: Records) -> list[str]:
    """Split names row by row."""
    return [SPLITS[code] for code in records.split]


def edit_zip(path: Path, change: Callable[[dict[str, bytes]], Any]) -> Path:
    """Let `change` do what it will to the members of a zip file (name -> content), and write it anew."""
    with zipfile.ZipFile(path) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return path
