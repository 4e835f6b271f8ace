"""The shape of an expression: distances and angles between facial landmarks, and edges around brows and mouth.

Lengths are in eye distances (the landmarks of the eyes lie one apart) and places in the head's own axes (from the
middle between the eyes; x along the line from the left to the right eye, y down), so that size, place and tilt of a
face in its picture drop out.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.classical.hog import cell_names, histograms
from fer_cli.classical.kinds import Floats, Pixels, Shape
from fer_cli.faces.landmarks import SURE, USUAL, LandmarkFinder
from fer_cli.transform.adapt import adapt

Doubles = npt.NDArray[np.float64]

#: Side in pixels that images are brought to: that of FER2013, and of what the network sees that finds the landmarks.
_SIDE = 48
#: Eyes nearer than this many pixels belong to a profile, of which the other measures say nothing.
_NEAREST_EYES = 4.0


class _Patch(NamedTuple):
    """A level rectangle of a face, `down` × `across` cells.

    Its middle is `offset` (x, y) in eye distances from the mean of the landmarks `anchors`.
    """

    anchors: tuple[int, ...]
    offset: tuple[float, float]
    down: int
    across: int


#: Pixels a side of a cell, and cells an eye distance: about as many pixels as the eyes are apart in a face of 48×48.
_CELL, _CELLS_AN_EYE_DISTANCE = 6, 4
_PATCHES = {
    "left brow": _Patch((0,), (-0.05, -0.2), 3, 4),
    "right brow": _Patch((1,), (0.05, -0.2), 3, 4),
    "mouth": _Patch((3, 4), (0.0, 0.05), 4, 6),
}

GEOMETRY = (
    *(
        f"{point} {axis}, eye distances"
        for point in ("nose", "left mouth corner", "right mouth corner")
        for axis in "xy"
    ),
    "mouth width, eye distances",
    "nose to mouth, eye distances",
    "nose off the midline, eye distances",
    "mouth width over eyes to mouth",
    "mouth as seen from the nose, degrees",
    "mouth against eyes, degrees",
    "head tilt, degrees",
    "eye distance, parts of the side",
)
_APPEARANCE = ("mouth's middle against its surroundings, standard deviations", "landmarks unsure, 0 or 1")


class Keypoints:
    """Geometry of five landmarks (`fer_cli.faces.landmarks`), and gradients around brows and mouth.

    These are histograms of oriented gradients of three patches, which are cut out level and scaled by the eyes. Images
    are brought to 48×48 pixels first. A face whose landmarks are unsure, or whose eyes all but coincide, is described
    as if its landmarks were at their usual places, and the column `landmarks unsure` says so.
    Raises as `LandmarkFinder`.
    """

    def __init__(self) -> None:
        self._finder = LandmarkFinder()

    def names(self, shape: Shape) -> list[str]:
        """Each measure with its unit, then `PATCH edges …` as for `hog`, 0..1."""
        edges = [f"{name} edges {c}" for name, p in _PATCHES.items() for c in cell_names(p.down, p.across)]
        return [*GEOMETRY, *_APPEARANCE, *edges]

    def compute(self, images: Pixels) -> Floats:
        """float32 (N, 988)."""
        points, confidences = self._finder.find(adapt(images, (_SIDE, _SIDE, 3)))
        unsure = (confidences < SURE) | (np.linalg.norm(points[:, 1] - points[:, 0], axis=1) < _NEAREST_EYES)
        points[unsure] = USUAL * _SIDE - 0.5
        # A network rounds differently in every batch, and patches that are cut from grey levels would tell.
        points = np.round(points, 2)
        faces = adapt(images, (_SIDE, _SIDE, 1))
        patches = {name: _cut(faces, points, patch) for name, patch in _PATCHES.items()}
        edges = [histograms(patch, (_CELL, _CELL)) for patch in patches.values()]
        measures = np.column_stack([geometry(points, _SIDE), _middle_tone(patches["mouth"]), unsure])
        return np.concatenate([measures.astype(np.float32), *edges], axis=1)


def geometry(points: Floats, side: int) -> Doubles:
    """The measures `GEOMETRY`, (N, 14), of landmarks (N, 5, 2) in images of this side; both in pixels.

    The eyes must not coincide. Angles grow clockwise; the midline runs from between the eyes to the mouth's middle.
    """
    eyes = (points[:, 1] - points[:, 0]).astype(np.float64)
    distance = np.hypot(*eyes.T)
    placed = (points[:, 2:] - points[:, :2].mean(1, keepdims=True)) @ _axes(eyes)
    nose, left, right = placed.transpose(1, 0, 2)
    mouth, middle = right - left, (left + right) / 2
    # A mouth between the eyes would be infinitely wide.
    down = np.maximum(np.hypot(*middle.T), 0.1)
    columns = (
        placed.reshape(len(points), -1),
        np.hypot(*mouth.T),
        np.hypot(*(middle - nose).T),
        _cross(nose, middle) / down,
        np.hypot(*mouth.T) / down,
        _degrees(np.abs(_cross(left - nose, right - nose)), ((left - nose) * (right - nose)).sum(1)),
        _degrees(mouth[:, 1], mouth[:, 0]),
        _degrees(eyes[:, 1], eyes[:, 0]),
        distance / side,
    )
    return np.column_stack(columns)


def _axes(eyes: Doubles) -> Doubles:
    """Matrices (N, 2, 2) that take rows (x, y) in pixels to the head's axes, in eye distances; eyes: (N, 2)."""
    x, y = (eyes / (eyes**2).sum(1, keepdims=True)).T
    return np.stack([np.stack([x, -y], 1), np.stack([y, x], 1)], 1)


def _cross(first: Doubles, second: Doubles) -> Doubles:
    product: Doubles = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    return product


def _degrees(across: Doubles, along: Doubles) -> Doubles:
    return np.degrees(np.arctan2(across, along))


def _cut(faces: Pixels, points: Floats, patch: _Patch) -> Pixels:
    """The patch of each face uint8 (N, H, W, 1) by its landmarks (N, 5, 2): uint8 (N, h, w)."""
    size = np.array([patch.across, patch.down]) * _CELL
    pixel = 1 / (_CELL * _CELLS_AN_EYE_DISTANCE)
    out = np.empty((len(faces), size[1], size[0]), np.uint8)
    for face, five, place in zip(faces, points.astype(np.float64), out, strict=True):
        right = (five[1] - five[0]) * pixel
        step = np.array([[right[0], -right[1]], [right[1], right[0]]])
        middle = five[list(patch.anchors)].mean(0) + step @ (np.array(patch.offset) / pixel)
        matrix = np.column_stack([step, middle - step @ (size / 2 - 0.5)])
        # The matrix leads from the patch to the face.
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cv2.warpAffine(face, matrix, tuple(size.tolist()), place, flags, cv2.BORDER_REPLICATE)
    return out


def _middle_tone(mouths: Pixels) -> Doubles:
    """(N,): how much brighter the middle third of each patch is than the whole, in its standard deviations.

    An open mouth is dark there, bared teeth are bright. 0 where the patch is flat.
    """
    high, wide = mouths.shape[1] // 3, mouths.shape[2] // 3
    difference = mouths[:, high:-high, wide:-wide].mean((1, 2)) - mouths.mean((1, 2))
    # Half a grey level is noise.
    tone: Doubles = difference / np.maximum(mouths.std((1, 2)), 0.5)
    return tone
