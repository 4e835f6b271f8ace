"""Portraits with known truth: a drawn face somewhere on a larger canvas."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fer_cli.datasets.facs.draw import draw_face
from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.facs.geometry import landmarks, regions
from fer_cli.datasets.facs.person import sample_person
from fer_cli.datasets.facs.scene import Scene

Box = tuple[float, float, float, float]

HEIGHT, WIDTH, PATCH = 300, 400, 240


@dataclass(frozen=True)
class Portrait:
    """image: uint8 (300, 400, 3). box: x, y, width, height of the drawn head without its hair. landmarks: (5, 2)."""

    image: npt.NDArray[np.uint8]
    box: Box
    landmarks: npt.NDArray[np.float64]


def portrait(person: int, roll: float = 0.0) -> Portrait:
    """A clean-shaven person without glasses in front of grey, the head away from the canvas's middle."""
    who = replace(sample_person(np.random.default_rng(person)), glasses="none", beard="none")
    face = Face(who, scene=Scene(scale=0.32, roll=roll, blur=0.006))
    image = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    x, y = 20 * (person % 8), 50
    image[y : y + PATCH, x : x + PATCH] = draw_face(face, PATCH, "rgb")
    left, top, right, bottom = regions(face, PATCH)["face"]
    box = (left + x, top + y, right - left, bottom - top)
    return Portrait(image, box, landmarks(face, PATCH) + np.array([x, y]))


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes."""
    (x1, y1, w1, h1), (x2, y2, w2, h2) = first, second
    width = min(x1 + w1, x2 + w2) - max(x1, x2)
    height = min(y1 + h1, y2 + h2) - max(y1, y2)
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (w1 * h1 + w2 * h2 - shared)
