"""Where the parts of a face are in its picture: the projection, outlines, boxes and landmarks.

Pixel coordinates are (x, y); (0, 0) is the middle of the upper left pixel.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fer_cli.datasets.facs import eyes, head, mouth
from fer_cli.datasets.facs.columns import Columns, Points
from fer_cli.datasets.facs.face import Face, Faces, shapes

#: Half axes of the ellipsoid that the features lie on, in half head heights; the third is the person's width.
DEPTH = 0.8
HEIGHT = 1.04


class Box(NamedTuple):
    """Edges of a region in pixels; it may reach beyond the picture."""

    left: float
    top: float
    right: float
    bottom: float


def project(faces: Faces, points: Points, relief: Points, size: int) -> Points:
    """Pixel coordinates (N, P, 2) of points (N, P, 2) in the heads' frames, in pictures of side `size`.

    relief: (P,), how far a point stands out of the ellipsoid. Points outside the ellipsoid's outline lie in the plane
    through its middle. The projection is orthographic.
    """
    scene = faces.scene
    x, y = points[:, :, 0], points[:, :, 1]
    bulge = 1.0 - (x / faces.person.width) ** 2 - (y / HEIGHT) ** 2
    z = DEPTH * np.sqrt(np.maximum(bulge, 0.0)) + relief
    turn = _rotation(scene) * (scene.scale * size)[:, :, None]
    shift = np.stack([scene.shift_x, scene.shift_y], axis=1) * size + (0.5 * size - 0.5)
    flat: Points = turn @ np.stack((x, y, z), axis=1) + shift
    return flat.transpose(0, 2, 1)


def outlines(face: Face, size: int) -> dict[str, Points]:
    """Corners (M, 2) in pixels of the polygons of each part.

    Parts: face, mouth, nose, left_eye, right_eye, left_iris, right_iris, left_brow, right_brow, and beard where there
    is one. Left and right are the image's.
    """
    faces, found = Faces([face]), dict[str, list[Points]]()
    for shape in shapes(faces):
        if shape.part and (shape.drawn is None or shape.drawn[0]):
            polygons = shape.polygons[0]
            names = [shape.part] if len(polygons) == 1 else [f"left_{shape.part}", f"right_{shape.part}"]
            for name, polygon in zip(names, polygons, strict=True):
                corners = project(faces, polygon[None], np.array([shape.relief]), size)[0]
                found.setdefault(name, []).append(corners)
    return {name: np.concatenate(corners) for name, corners in found.items()}


def regions(face: Face, size: int) -> dict[str, Box]:
    """The box around each part that `outlines` names."""
    return {
        name: Box(*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
        for name, corners in outlines(face, size).items()
    }


def landmarks(face: Face, size: int) -> Points:
    """Left eye, right eye, tip of the nose, left and right corner of the mouth in pixels, (5, 2).

    Left and right are the image's; an eye's point is the middle between its corners.
    """
    faces = Faces([face])
    edges = mouth.lips(faces.person, faces.units)
    x, y, corner = face.person.eye_distance, edges.upper_inner[0, -1], edges.x[0, -1]
    tip = head.nose_tip(faces.person, faces.units).item()
    points = np.array([(-x, eyes.EYE_Y), (x, eyes.EYE_Y), (0.0, tip), (-corner, y), (corner, y)])
    relief = np.array([0.0, 0.0, head.NOSE_RELIEF, mouth.RELIEF, mouth.RELIEF])
    pixels: Points = project(faces, points[None], relief, size)[0]
    return pixels


def pupils(face: Face, size: int) -> Points:
    """Middle of the image's left and right pupil in pixels, (2, 2), lids or no lids."""
    faces = Faces([face])
    dx, dy = (shift.item() for shift in eyes.iris_shift(faces.scene))
    x, y = face.person.eye_distance, eyes.EYE_Y + dy
    pixels: Points = project(faces, np.array([[(dx - x, y), (dx + x, y)]]), np.zeros(2), size)[0]
    return pixels


def eye_openness(face: Face) -> float:
    """Greatest distance between the lids over the width of the eye: about 0.45 at rest, 0 for shut eyes."""
    faces = Faces([face])
    return eyes.openness(faces.person, faces.units).item()


def _rotation(scene: Columns) -> Points:
    """The upper two rows of roll · pitch · yaw, (N, 2, 3)."""
    angles = [np.radians(angle[:, 0]) for angle in (scene.yaw, scene.pitch, scene.roll)]
    (sy, sp, sr), (cy, cp, cr) = (list(map(wave, angles)) for wave in (np.sin, np.cos))
    across = np.stack([cy, np.zeros_like(cy), sy], axis=1)
    down = np.stack([-sy * sp, cp, cy * sp], axis=1)
    cr, sr = cr[:, None], sr[:, None]
    return np.stack([cr * across - sr * down, sr * across + cr * down], axis=1)
