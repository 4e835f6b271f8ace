"""Drawn faces that look somewhere: pictures, landmarks and the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fer_cli.datasets.facs.action_units import ActionUnits
from fer_cli.datasets.facs.draw import draw_faces
from fer_cli.datasets.facs.eyes import EYEBALL
from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.facs.geometry import landmarks
from fer_cli.datasets.facs.person import sample_person
from fer_cli.datasets.facs.scene import Scene, sample_scene

#: Degrees (horizontal, vertical) in the middle of what a face of each direction looks at, and how far around it.
AIMS = {"left": (-20, 0), "right": (20, 0), "up": (0, -12.5), "down": (0, 12.5), "centre": (0, 0)}
AROUND = {"left": (5, 4), "right": (5, 4), "up": (4, 1.5), "down": (4, 1.5), "centre": (4, 3)}
#: Drawn eyes turn on a larger radius than real ones: in distances of the eyes, whose mean is twice 0.335.
EYE_RADIUS = EYEBALL / 0.67
DARK = {"exposure": 0.4, "noise": 5.0}
HARSH = {"light_azimuth": 60.0, "light_strength": 0.9}


@dataclass(frozen=True)
class Gazing:
    """images: uint8 (N, S, S, 3). landmarks: (N, 5, 2). directions: N names. angles: (N, 2) degrees."""

    faces: list[Face]
    images: npt.NDArray[np.uint8]
    landmarks: npt.NDArray[np.float64]
    directions: list[str]
    angles: npt.NDArray[np.float64]


def gazing(count: int, size: int, seed: int = 0, light: dict[str, float] | None = None) -> Gazing:
    """Other persons in other scenes (pose, place, light, blur, noise), each direction as often."""
    rng = np.random.default_rng(seed)
    faces, directions = [], []
    for number in range(count):
        direction = list(AIMS)[number % len(AIMS)]
        aim = np.array(AIMS[direction]) + rng.uniform(-1, 1, 2) * AROUND[direction]
        scene = replace(sample_scene(rng), gaze_x=float(aim[0]), gaze_y=float(aim[1]), **light or {})
        faces.append(Face(sample_person(rng), ActionUnits(), scene))
        directions.append(direction)
    return _drawn(faces, size, directions)


def one_person(scenes: list[Scene], size: int, seed: int = 0, closed: float = 0.0) -> Gazing:
    """A person in these scenes. closed: the lids, 0 (open) to 1."""
    who = sample_person(np.random.default_rng(seed))
    faces = [Face(who, ActionUnits(au43=closed), scene) for scene in scenes]
    return _drawn(faces, size, ["centre"] * len(faces))


def _drawn(faces: list[Face], size: int, directions: list[str]) -> Gazing:
    angles = np.array([(face.scene.gaze_x, face.scene.gaze_y) for face in faces])
    points = np.array([landmarks(face, size) for face in faces])
    return Gazing(faces, draw_faces(faces, size, "rgb"), points, directions, angles)
