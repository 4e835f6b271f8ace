"""A folder with tiny files under the names that the examples of the documentation use."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.synthetic import SyntheticFaces
from fer_cli.labels import EMOTIONS, FERPLUS_COLUMNS
from fer_cli.records import Records, concatenate
from fer_cli.store.writer import create_dataset
from tests.datasets.layouts import write_fer2013, write_image, write_votes
from tests.faces.clips import write_clip
from tests.faces.drawn import portrait
from tests.faces.moving import actor, video
from tests.helpers import run_fer
from tests.live.lectures import write_viewer

#: Ten persons in fourteen pictures each: 84 rows of train, 28 of val and 28 of test.
COUNT = 140
USAGES = ("Training", "PublicTest", "PrivateTest")
MODELS = ("models/mini", "mini", "plain", "a", "b", "c", "big")


def fill(folder: Path) -> None:
    """Datasets, raw data, models, results, pictures, videos, logs and decisions."""
    for name in ("data", "models", "viewers"):
        (folder / name).mkdir()
    records, values = draw()
    for path in ("data/fer2013.h5", "faces.h5", "noisy.h5"):
        with create_dataset(folder / path, EMOTIONS, values) as writer:
            writer.append(records)
            writer.finish({"command": "test"})
    write_raw(folder, records)
    write_media(folder, records)
    write_models(folder)
    for name in ("anna.csv", "viewers/anna.csv", "viewers/ben.csv"):
        write_viewer(folder / name, seed=len(name))
    source, label = records.source[-1], EMOTIONS[records.labels[-1]]
    (folder / "decisions.csv").write_text(f"source,given,decision,label\n{source},{label},drop,\n", encoding="utf-8")


def draw() -> tuple[Records, dict[str, tuple[str, ...]]]:
    """Drawn faces with votes and the columns of the examples of fer bias, and the names of coded columns."""
    faces = SyntheticFaces(Path("synthetic"), ReadOptions(count=COUNT))
    records = concatenate(list(faces.records()))
    groups = {"gender": ("female", "male"), "race": ("first", "second")}
    codes = {name: (np.arange(COUNT) // (1 + i) % 2).astype(np.uint8) for i, name in enumerate(groups)}
    votes = (0.3 / 7 + 0.7 * np.eye(7, dtype=np.float32)[records.labels]).astype(np.float32)
    records = dataclasses.replace(records, votes=votes, attributes={**records.attributes, **codes})
    return records, faces.attribute_values | groups


def write_raw(folder: Path, records: Records) -> None:
    """fer2013.csv with its votes, and pictures in one folder a class."""
    usages = [USAGES[code] for code in records.split]
    write_fer2013(folder / "fer2013.csv", records.images, records.labels.tolist(), usages)
    columns = [name for name in FERPLUS_COLUMNS if name not in ("unknown", "NF")]
    votes = [{columns[row % len(columns)]: 10} for row in range(COUNT)]
    write_votes(folder / "fer2013new.csv", usages, votes)


def write_media(folder: Path, records: Records) -> None:
    """A photo and a folder of photos by class, all drawn; a clip of half a second."""
    image = portrait(1).image
    write_image(folder / "photo.jpg", image)
    write_image(folder / "photo.png", image)
    for row, name in enumerate(EMOTIONS * 3):
        write_image(folder / "photos" / name / f"{row}.jpg", portrait(row % 8).image)
    clip = [frame for _, frame in video([actor(1, lambda t: (40 + 60 * t, 50))], 0.5)]
    write_clip(folder / "clip.mp4", clip)
    write_clip(folder / "lecture.mp4", clip)


def write_models(folder: Path) -> None:
    """Copies of one narrow network that has learnt for an epoch, with the folder of its training and of its scores."""
    architecture = ("--arch", "pattern:CPCPF", "--widths", "4,8", "--optimizer", "adam", "--lr", 0.01)
    first, *others = (folder / f"{name}.keras" for name in MODELS)
    done = run_fer("train", folder / "faces.h5", *architecture, "--epochs", 3, "--batch-size", 12, "-o", first, "-q")
    assert done.exit_code == 0, done.stderr
    for path in others:
        shutil.copy(first, path)
        shutil.copytree(first.with_suffix(".training"), path.with_suffix(".training"))
    scored = folder / "results" / "mini-val"
    assert run_fer("eval", first, folder / "faces.h5", "-o", scored, "-q").exit_code == 0
