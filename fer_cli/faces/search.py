"""Looking for faces in a frame no finer than needed: in the whole of it, or where one is expected."""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.faces.assign import covered
from fer_cli.faces.detect import Box, Detector, Face, Pixels

#: Pixels of the smallest face wanted in the picture that the detector gets; all detectors find faces of 20.
_SMALLEST = 22
#: Pixels of a face that is looked for where it is expected: enough for its eyes. It is sought so far around, in sides.
_KNOWN, _AROUND = 72, 0.35
#: It is not expected to be smaller than this part of what it was; smaller windows are the many ones.
_SHRUNK = 0.7
#: A detection of which this part lies within a surer one is not another face.
_WITHIN = 0.6


def find_all(detector: Detector, image: Pixels, min_face: float) -> list[Face]:
    """The faces in a picture, which is reduced as far as the smallest face wanted allows."""
    return _find_reduced(detector, image, _SMALLEST / (min_face * min(image.shape[:2])), (0, 0), min_face)


def find_near(detector: Detector, image: Pixels, box: Box) -> list[Face]:
    """The faces in and around a box, most likely the one that is expected there."""
    x, y, width, height = box
    reach = _AROUND * max(width, height)
    left, top = max(0, math.floor(x - reach)), max(0, math.floor(y - reach))
    part = image[top : max(top, math.ceil(y + height + reach)), left : max(left, math.ceil(x + width + reach))]
    if not part.size:
        return []
    smallest = _SHRUNK * min(width, height) / min(part.shape[:2])
    return _find_reduced(detector, part, _KNOWN / max(width, height), (left, top), min(smallest, 1.0))


def _find_reduced(
    detector: Detector, image: Pixels, scale: float, corner: tuple[int, int], smallest: float
) -> list[Face]:
    """The faces in a part of a picture, found in a reduced copy of it.

    corner: left and top of the part. smallest: see `Detector.detect`.
    """
    height, width = image.shape[:2]
    if scale >= 1:
        return [_placed(face, np.ones(2), corner) for face in detector.detect(np.ascontiguousarray(image), smallest)]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    reduced = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return [_placed(face, np.array([width, height]) / size, corner) for face in detector.detect(reduced, smallest)]


def distinct(faces: Iterable[Face]) -> list[Face]:
    """Faces without those that lie within another, surer one: they are part of it, or it found twice."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: face.confidence, reverse=True):
        if not any(covered(face.box, other.box) > _WITHIN for other in kept):
            kept.append(face)
    return kept


def _placed(face: Face, factors: npt.NDArray[np.float64], corner: tuple[int, int]) -> Face:
    """A face of a part of a picture, reduced, in the picture; factors: of x and of y. corner: left and top."""
    (x, y), (left, top) = factors.tolist(), corner
    box: Box = (face.box[0] * x + left, face.box[1] * y + top, face.box[2] * x, face.box[3] * y)
    points = [
        None if p is None else ((p + 0.5) * factors - 0.5 + corner).astype(np.float32)
        for p in (face.eyes, face.landmarks)
    ]
    return Face(box, face.confidence, *points)
