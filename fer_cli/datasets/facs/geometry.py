"""Where the parts of a face are in its picture: the projection, outlines, boxes and landmarks.

Pixel coordinates are (x, y); (0, 0) is the middle of the upper left pixel.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from fer_cli.datasets.facs import eyes, head, mouth
from fer_cli.datasets.facs.face import Face, shapes
from fer_cli.datasets.facs.scene import Scene
from fer_cli.datasets.facs.shapes import Points

#: Half axes of the ellipsoid that the features lie on, in half head heights; the third is the person's width.
DEPTH = 0.8
HEIGHT = 1.04


class Box(NamedTuple):
    """Edges of a region in pixels; it may reach beyond the picture."""

    left: float
    top: float
    right: float
    bottom: float


def project(face: Face, points: Points, relief: Points | float, size: int) -> Points:
    """Pixel coordinates (N, 2) of points (N, 2) in the head's frame, in a picture of side `size`.

    relief: float64 (N,) or one number: how far a point stands out of the ellipsoid. Points outside the ellipsoid's
    outline lie in the plane through its middle. The projection is orthographic.
    """
    scene, (x, y) = face.scene, points.T
    solid = np.empty((3, len(points)))
    solid[:2] = points.T
    bulge = 1.0 - np.square(x / face.person.width) - np.square(y / HEIGHT)
    solid[2] = DEPTH * np.sqrt(np.maximum(bulge, 0.0)) + relief
    flat: Points = (_rotation(scene) * (scene.scale * size)) @ solid
    return flat.T + (np.array([scene.shift_x, scene.shift_y]) * size + (0.5 * size - 0.5))


def outlines(face: Face, size: int) -> dict[str, Points]:
    """Corners (N, 2) in pixels of the polygons of each part.

    Parts: face, mouth, nose, left_eye, right_eye, left_iris, right_iris, left_brow, right_brow, and beard where there
    is one. Left and right are the image's.
    """
    found: dict[str, list[Points]] = {}
    for shape in shapes(face):
        if shape.part:
            names = [shape.part] if len(shape.polygons) == 1 else [f"left_{shape.part}", f"right_{shape.part}"]
            for name, polygon in zip(names, shape.polygons, strict=True):
                found.setdefault(name, []).append(project(face, polygon, shape.relief, size))
    return {name: np.concatenate(polygons) for name, polygons in found.items()}


def regions(face: Face, size: int) -> dict[str, Box]:
    """The box around each part that `outlines` names."""
    return {
        name: Box(*points.min(axis=0).tolist(), *points.max(axis=0).tolist())
        for name, points in outlines(face, size).items()
    }


def landmarks(face: Face, size: int) -> Points:
    """Left eye, right eye, tip of the nose, left and right corner of the mouth in pixels, (5, 2).

    Left and right are the image's; an eye's point is the middle between its corners.
    """
    person, edges = face.person, mouth.lips(face.person, face.units)
    x, y, corner = person.eye_distance, edges.upper_inner[-1], edges.x[-1]
    tip = head.nose_tip(person, face.units)
    points = np.array([(-x, eyes.EYE_Y), (x, eyes.EYE_Y), (0.0, tip), (-corner, y), (corner, y)])
    return project(face, points, np.array([0.0, 0.0, head.NOSE_RELIEF, mouth.RELIEF, mouth.RELIEF]), size)


def pupils(face: Face, size: int) -> Points:
    """Middle of the image's left and right pupil in pixels, (2, 2), lids or no lids."""
    dx, dy = eyes.iris_shift(face.scene)
    x, y = face.person.eye_distance, eyes.EYE_Y + dy
    return project(face, np.array([(dx - x, y), (dx + x, y)]), 0.0, size)


def _rotation(scene: Scene) -> Points:
    """The upper two rows of roll · pitch · yaw, (2, 3)."""
    angles = [math.radians(angle) for angle in (scene.yaw, scene.pitch, scene.roll)]
    sy, sp, sr = map(math.sin, angles)
    cy, cp, cr = map(math.cos, angles)
    across, down = np.array([[cy, 0.0, sy], [-sy * sp, cp, cy * sp]])
    return np.array([cr * across - sr * down, sr * across + cr * down])
