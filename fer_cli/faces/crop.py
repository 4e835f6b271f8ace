"""Cutting faces out of pictures."""

from __future__ import annotations

import math

import cv2
import numpy as np

from fer_cli.faces.align import Square, square_of
from fer_cli.faces.detect import Detector, Face, Pixels


def crop_face(image: Pixels, detector: Detector, margin: float, align: bool) -> Pixels | None:
    """The most prominent face of a picture uint8 (H, W, 1 or 3), as uint8 (S, S, same); None where there is no face.

    margin, align: see `square_of`. S is the size that the face has in the picture, so nothing is lost or made up.
    """
    faces = detector.detect(np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image)
    return view(image, faces[0], margin, align) if faces else None


def view(image: Pixels, face: Face, margin: float, align: bool) -> Pixels:
    """A face uint8 (S, S, C) of a picture uint8 (H, W, C); a face that fills the picture is that picture, uncut.

    margin, align: see `square_of`.
    """
    if face.eyes is None and face.box == (0.0, 0.0, image.shape[1], image.shape[0]):
        return image
    return cut(image, square_of(face, margin, align))


def cut(image: Pixels, square: Square) -> Pixels:
    """The pixels uint8 (S, S, C) of a square of a picture uint8 (H, W, C), S = its side rounded.

    An upright square is copied pixel by pixel, a turned one interpolated bilinearly. What lies beyond the picture
    repeats the pixels of its edge.
    """
    size = max(1, round(square.side))
    if square.angle == 0.0:
        return _window(image, round(square.x - (size - 1) / 2), round(square.y - (size - 1) / 2), size)
    # Only the neighbourhood is handed over: OpenCV warps no picture with a side of 32768 pixels or more.
    reach = math.ceil(size / math.sqrt(2.0)) + 1
    left, top = round(square.x) - reach, round(square.y) - reach
    neighbourhood = _window(image, left, top, 2 * reach + 1)
    moved = Square(square.x - left, square.y - top, square.side, square.angle)
    turned: Pixels = cv2.warpAffine(neighbourhood, moved.matrix(size), (size, size), flags=cv2.INTER_LINEAR)
    return turned.reshape(size, size, -1)


def _window(image: Pixels, left: int, top: int, size: int) -> Pixels:
    if 0 <= left <= image.shape[1] - size and 0 <= top <= image.shape[0] - size:
        return image[top : top + size, left : left + size].copy()
    rows = image.take(range(top, top + size), axis=0, mode="clip")
    return rows.take(range(left, left + size), axis=1, mode="clip")
