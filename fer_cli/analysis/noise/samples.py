"""Faces at all levels of a sweep, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fer_cli.analysis.noise.images import Subject
from fer_cli.analysis.noise.levels import CLEAN, VARIANCE, Level
from fer_cli.analysis.predict import Pixels

#: Faces that are shown at the variances; of corruptions, which have a row each, one is.
FACES = 4

#: What a row shows, its faces (H, W, C), and the level of each.
Row = tuple[str, Sequence[Pixels], Sequence[str]]


def samples(subject: Subject, levels: Sequence[Level], seed: int) -> list[Row]:
    """Rows of a sheet: faces of different classes at each variance, then one of them at each severity of each kind.

    The faces are the first of the classes that have any. Each row begins with the face as it is.
    """
    _, first = np.unique(subject.labels, return_index=True)
    faces = subject.images.take(first[:FACES])
    clean, *others = levels
    rows: list[Row] = []
    for kind in dict.fromkeys(level.kind for level in others) or [CLEAN]:
        shown = [clean, *(level for level in others if level.kind == kind)]
        pictures = [_corrupted(faces, level, seed) for level in shown]
        for number in range(len(faces) if kind in (CLEAN, VARIANCE) else 1):
            rows.append((kind, [of_level[number] for of_level in pictures], [f"{level.value:g}" for level in shown]))
    return rows


def _corrupted(faces: Pixels, level: Level, seed: int) -> Pixels:
    return faces if level.corrupt is None else level.corrupt(faces, np.random.default_rng(seed))
