"""Small raw data sets in the layouts that importers read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.datasets.base import Importer
from fer_cli.labels import FERPLUS_COLUMNS
from fer_cli.records import Records, concatenate

SIDE = 48
HEADER = ("emotion", "pixels", "Usage")

Pixels = npt.NDArray[np.uint8]


def draw_faces(count: int, seed: int = 0) -> Pixels:
    """uint8 (count, 48, 48, 1) of noise over the whole range: no two alike."""
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 1), np.uint8)


def pixel_text(face: Pixels) -> str:
    """The values of a face as fer2013.csv writes them."""
    return " ".join(map(str, face.ravel()))


def write_csv(path: Path, rows: Iterable[Sequence[object]], header: Sequence[str] = HEADER, end: str = "\n") -> Path:
    """A csv file of these rows."""
    lines = [",".join(header), *(",".join(map(str, row)) for row in rows)]
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def write_fer2013(path: Path, faces: Pixels, labels: Sequence[int], usages: Sequence[str]) -> Path:
    """fer2013.csv."""
    return write_csv(path, zip(labels, map(pixel_text, faces), usages, strict=True))


def write_votes(path: Path, usages: Sequence[str], votes: Sequence[dict[str, int]]) -> Path:
    """fer2013new.csv; each row is given as column -> votes."""
    rows = [
        (usage, "", *(row.get(name, 0) for name in FERPLUS_COLUMNS)) for usage, row in zip(usages, votes, strict=True)
    ]
    return write_csv(path, rows, ("Usage", "Image name", *FERPLUS_COLUMNS))


def write_image(path: Path, image: Pixels) -> Path:
    """An image file (RGB or grey) of the format that its ending names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _, data = cv2.imencode(path.suffix, image[..., ::-1] if image.shape[-1] == 3 else image)
    path.write_bytes(data.tobytes())
    return path


def read_all(importer: Importer) -> Records:
    """All records of an importer as one."""
    return concatenate(list(importer.records()))
