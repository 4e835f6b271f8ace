"""The faces that rows of a drawn dataset show, from the seed that its file names: their parts are known then."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.facs.draw import draw_faces
from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.sources import SYNTHETIC
from fer_cli.datasets.synthetic import DEFAULT_SIZE, SyntheticFaces
from fer_cli.errors import InputError
from fer_cli.store.reader import Dataset

#: What the pictures of a file depend on.
_NAMES = ("count", "seed", "size", "color", "label_noise")


def redraw(dataset: Dataset, split: str, rows: Sequence[int]) -> list[Face]:
    """The face of each of `rows` (from 0 within the split) of a file that `fer prepare synthetic` wrote.

    Each is drawn again and held against the pixels of the file, so a wrong face cannot come back. Raises `InputError`,
    with the reason in one line, where the faces are not known: a file of photos, one made from another file, one whose
    pixels were changed.
    """
    asked = dataset.provenance.get("parameters", {})
    if asked.get("sources") != [SYNTHETIC]:
        raise InputError(
            f"{dataset.path}: its faces were not drawn by fer prepare synthetic, so their parts are unknown"
        )
    if dataset.transforms:
        names = ", ".join(str(step.get("name")) for step in dataset.transforms)
        raise InputError(f"{dataset.path}: its faces were changed after they were drawn ({names})")
    options = ReadOptions(**{name: asked[name] for name in _NAMES if asked.get(name) is not None})
    drawn, sources = SyntheticFaces(Path(SYNTHETIC), options), dataset.sources(split)
    faces = [drawn.face(int(sources[row].removeprefix(f"{SYNTHETIC}:"))) for row in rows]
    pictures = draw_faces(faces, options.size or DEFAULT_SIZE, options.color or "gray")
    if not np.array_equal(pictures, dataset.images(split).take(rows)):
        raise InputError(f"{dataset.path}: its faces are not those that this version draws; prepare the file again")
    return faces
