"""Faces and eyes by boosted cascades of Haar-like features: quick to start, no network; frontal faces only."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np

from fer_cli.errors import MissingError
from fer_cli.faces.align import EYE_DISTANCE, EYE_HEIGHT
from fer_cli.faces.detect import MIN_FACE, Face, Pixels, Points, by_prominence

_FACE, _EYE = "haarcascade_frontalface_alt2.xml", "haarcascade_eye.xml"
#: Side in pixels of the windows that the face cascade was trained on: it finds nothing smaller.
_WINDOW = 20
#: Ratio of one scale to the next, and how many windows must agree on a face or an eye.
_FACE_STEP, _EYE_STEP, _AGREEING = 1.1, 1.05, 3
#: So many agreeing windows are a confidence of one half.
_HALF_SURE = 10
#: An eye is sought so far around its usual place, and is so large at least: fractions of the box's side.
_EYE_REACH, _EYE_SIDE = 0.22, 0.12


class Haar:
    """The cascades of OpenCV (Viola and Jones 2001; Lienhart and Maydt 2002).

    The box is a square from the brows to the chin. The confidence is n / (n + 10) for n windows that agree on the
    face; it is no probability. Both eyes or none are given, and no other landmarks.
    min_face: the smallest face looked for, as a fraction of the picture's shorter side, but no less than 20 pixels.
    Raises `MissingError` where OpenCV came without its cascades.
    """

    def __init__(self, min_face: float = MIN_FACE) -> None:
        self._min_face = min_face
        self._own = threading.local()
        self._cascades()

    def detect(self, image: Pixels, smallest: float = 0.0) -> list[Face]:
        """The faces in a picture uint8 (H, W, 3), RGB, the most prominent first; `smallest` is kept to exactly."""
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        least = max(_WINDOW, round(max(self._min_face, smallest) * min(gray.shape)))
        finder, eye_finder = self._cascades()
        boxes, agreeing = finder.detectMultiScale2(
            gray, scaleFactor=_FACE_STEP, minNeighbors=_AGREEING, minSize=(least, least)
        )
        faces = []
        for (x, y, width, height), count in zip(boxes, agreeing, strict=True):
            eyes = _find_eyes(gray, (int(x), int(y), int(width)), eye_finder)
            box = (float(x), float(y), float(width), float(height))
            faces.append(Face(box, float(count / (count + _HALF_SURE)), eyes))
        return by_prominence(faces)

    def _cascades(self) -> tuple[cv2.CascadeClassifier, cv2.CascadeClassifier]:
        """The cascades of the calling thread; they keep state while they work."""
        if not hasattr(self._own, "cascades"):
            self._own.cascades = (_load(_FACE), _load(_EYE))
        found: tuple[cv2.CascadeClassifier, cv2.CascadeClassifier] = self._own.cascades
        return found


def _load(name: str) -> cv2.CascadeClassifier:
    folder = Path(cv2.__file__).parent / "data"
    if not (folder / name).is_file() or not hasattr(cv2, "CascadeClassifier"):
        raise MissingError(f"OpenCV {cv2.__version__} has no {name}; install one: pip install 'opencv-python<5'")
    return cv2.CascadeClassifier(str(folder / name))


def _find_eyes(gray: Pixels, box: tuple[int, int, int], finder: cv2.CascadeClassifier) -> Points | None:
    """Both eyes (2, 2) in the box (left, top, side), each the nearest to where eyes usually are."""
    left, top, side = box
    found = []
    for offset in (-EYE_DISTANCE / 2, EYE_DISTANCE / 2):
        usual = np.array([left + (0.5 + offset) * side, top + EYE_HEIGHT * side])
        corner = np.maximum(np.rint(usual - _EYE_REACH * side).astype(int), 0)
        end = np.rint(usual + _EYE_REACH * side).astype(int)
        smallest = max(1, round(_EYE_SIDE * side))
        boxes = finder.detectMultiScale(
            gray[corner[1] : end[1], corner[0] : end[0]],
            scaleFactor=_EYE_STEP,
            minNeighbors=_AGREEING,
            minSize=(smallest, smallest),
        )
        if not len(boxes):
            return None
        corners, sides = np.hsplit(np.array(boxes), 2)
        middles = corner + corners + (sides - 1) / 2
        found.append(middles[np.linalg.norm(middles - usual, axis=1).argmin()])
    return np.array(found, np.float32)
