"""Drawing synthetic faces on one core, against the floor that OpenCV sets.

Baseline: OpenCV alone filling the same polygons, computed beforehand, and reducing the picture. What is above it pays
for drawing the parameters, the geometry, the backdrop, the light and the noise. Both take turns, and processor time is
counted, so that other load on the machine weighs little; the figures are medians.

    python benchmarks/synthetic_faces.py        about 15 s; goal: about 1,000 faces a second at 48×48
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.facs.action_units import EMOTION_UNITS, sample_units
from fer_cli.datasets.facs.colors import LUMA
from fer_cli.datasets.facs.face import Face, Faces, shapes
from fer_cli.datasets.facs.geometry import project
from fer_cli.datasets.facs.person import sample_person
from fer_cli.datasets.facs.scene import sample_scene
from fer_cli.datasets.synthetic import SyntheticFaces

FACES = 980
ROUNDS = 5
SIZE = 48


def main() -> None:
    cv2.setNumThreads(1)
    floor = opencv_alone()
    runs: dict[str, Callable[[], None]] = {
        "ours, grey 48": lambda: ours("gray", SIZE),
        "ours, rgb 48": lambda: ours("rgb", SIZE),
        "ours, rgb 96": lambda: ours("rgb", 2 * SIZE),
        "OpenCV alone, grey 48": floor,
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            start = time.process_time()
            run()
            seconds[name].append(time.process_time() - start)
    rates = {name: FACES / statistics.median(times) for name, times in seconds.items()}
    for name, rate in rates.items():
        print(f"{name:<24}{rate:>8,.0f} faces/s")
    print(f"ours / OpenCV alone, grey 48: {rates['ours, grey 48'] / rates['OpenCV alone, grey 48']:.2f}")


def ours(color: str, size: int) -> None:
    for _ in SyntheticFaces(Path("synthetic"), ReadOptions(count=FACES, color=color, size=size)).records():
        pass


def opencv_alone() -> Callable[[], None]:
    """A run that fills ready polygons in grey and reduces the picture, for each of as many faces."""
    prepared = [fills(sample(index), 2 * SIZE) for index in range(FACES)]

    def run() -> None:
        for layers in prepared:
            canvas = np.zeros((2 * SIZE, 2 * SIZE), np.uint8)
            for polygons, ink in layers:
                cv2.fillPoly(canvas, polygons, ink, cv2.LINE_AA, 4)
            cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA)

    return run


def sample(index: int) -> Face:
    rng = np.random.default_rng(index)
    emotion = list(EMOTION_UNITS)[index % len(EMOTION_UNITS)]
    return Face(sample_person(rng), sample_units(rng, emotion), sample_scene(rng))


def fills(face: Face, side: int) -> list[tuple[list[np.ndarray], float]]:
    faces = Faces([face])
    return [
        (
            [
                np.rint(project(faces, p[None], np.array([shape.relief]), side)[0] * 16).astype(np.int32)
                for p in shape.polygons[0]
            ],
            float((np.atleast_2d(shape.color) @ LUMA)[0]),
        )
        for shape in shapes(faces)
        if shape.drawn is None or shape.drawn[0]
    ]


if __name__ == "__main__":
    main()
