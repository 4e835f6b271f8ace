"""Data sets of image files as tiny trees, and what an importer makes of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from fer_cli.datasets.base import Importer
from fer_cli.records import Records
from tests.datasets.layouts import Pixels, draw_faces, read_all, write_image
from tests.helpers import run_fer, splits_of


def plant(root: Path, *names: str, color: bool = False) -> dict[str, Pixels]:
    """A different picture of noise, 48×48, at each of these paths below `root`."""
    faces = draw_faces(len(names) * (3 if color else 1)).reshape(len(names), -1, 48, 48).transpose(0, 2, 3, 1)
    for name, face in zip(names, faces, strict=True):
        write_image(root / name, face)
    return dict(zip(names, faces, strict=True))


def text(path: Path, content: str) -> Path:
    """A text file, and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def labels_of(importer: Importer, records: Records) -> dict[str, str]:
    """source -> class."""
    return dict(zip(records.source, (importer.class_names[label] for label in records.labels), strict=True))


def subjects_of(records: Records) -> dict[str, str]:
    """source -> subject."""
    assert records.subject is not None
    return dict(zip(records.source, records.subject, strict=True))


def values_of(importer: Importer, records: Records, name: str) -> dict[str, str]:
    """source -> the name of a coded attribute's value."""
    codes = records.attributes[name]
    assert codes.dtype == np.uint8
    return {s: importer.attribute_values[name][code] for s, code in zip(records.source, codes, strict=True)}


def table_of(importer: Importer) -> dict[tuple[str, str], int]:
    """(class, split) -> rows, without the empty ones."""
    records = read_all(importer)
    names = [importer.class_names[label] for label in records.labels]
    cells = list(zip(names, splits_of(records), strict=True))
    return {cell: cells.count(cell) for cell in cells}


def prepare(*arguments: object) -> dict[str, Any]:
    """The results of `fer prepare ARGUMENTS`, which must succeed."""
    done = run_fer("prepare", *arguments, "--json", "-o", "out.h5", "--overwrite")
    assert done.exit_code == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout)["results"]
    return results


def refusal(*arguments: object) -> str:
    """What `fer prepare ARGUMENTS` says when it exits with 3 and writes nothing."""
    done = run_fer("prepare", *arguments, "-o", "out.h5")
    assert done.exit_code == 3, done.stderr
    assert not Path("out.h5").exists()
    return done.stderr
