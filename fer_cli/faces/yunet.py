"""Faces and five landmarks by YuNet, a small network that OpenCV runs; its weights are a file of the user's."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError, MissingError
from fer_cli.faces.detect import Face, Pixels, by_prominence

#: The environment's name for the model file.
VARIABLE = "FER_YUNET"
#: Longer side in pixels to which larger pictures are reduced: it bounds the time, and faces of 10 pixels are found.
_SIDE = 640
#: Faces below this confidence are false alarms as often as not; overlapping boxes above this share are one face.
_SURE, _OVERLAP = 0.6, 0.3
_COLUMNS = 15


class Yunet:
    """Wu, Peng and Yu, "YuNet: a tiny millisecond-level face detector", Machine Intelligence Research 20, 2023.

    The box reaches from the forehead to the chin. The confidence is the root of class score times objectness.
    model: an ONNX file such as face_detection_yunet_2023mar.onnx of OpenCV's model zoo; `$FER_YUNET` where it is None.
    Raises `MissingError` where neither is given, `InputError` for a file that OpenCV cannot use.
    """

    def __init__(self, model: Path | None = None) -> None:
        named = os.environ.get(VARIABLE)
        path = model or (Path(named) if named else None)
        if path is None:
            raise MissingError(
                f"the detector yunet needs a model file, such as face_detection_yunet_2023mar.onnx of OpenCV's model "
                f"zoo; set {VARIABLE} to its path"
            )
        self._path, self._network = path, _load(path)
        # The network keeps the size of its input while it works, and uses all cores by itself.
        self._turn = threading.Lock()

    def detect(self, image: Pixels, smallest: float = 0.0) -> list[Face]:
        """The faces in a picture uint8 (H, W, 3), RGB, the most prominent first; `smallest` saves nothing here."""
        height, width = image.shape[:2]
        scale = min(1.0, _SIDE / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        reduced = image if scale == 1.0 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        factors = np.array([width, height]) / size
        return by_prominence(_face(row, factors) for row in self._rows(cv2.cvtColor(reduced, cv2.COLOR_RGB2BGR), size))

    def _rows(self, image: Pixels, size: tuple[int, int]) -> npt.NDArray[np.float32]:
        """A row a face (N, 15): left, top, width, height, five times x and y, confidence."""
        try:
            with self._turn:
                self._network.setInputSize(size)
                _, rows = self._network.detect(image)
        except cv2.error as error:
            raise InputError(f"{self._path}: not a YuNet model that OpenCV can run ({error.err})") from error
        return np.empty((0, _COLUMNS), np.float32) if rows is None else rows


def _load(path: Path) -> cv2.FaceDetectorYN:
    if not path.is_file():
        raise InputError(f"{path}: no such model file")
    try:
        return cv2.FaceDetectorYN.create(str(path), "", (_SIDE, _SIDE), _SURE, _OVERLAP)
    except cv2.error as error:
        raise InputError(f"{path}: not a YuNet model that OpenCV can run ({error.err})") from error


def _face(row: npt.NDArray[np.float32], factors: npt.NDArray[np.float64]) -> Face:
    corner, extent = row[:2] * factors, row[2:4] * factors
    # It names the person's right eye first, which is the left one in the picture; so it is with the mouth.
    landmarks = ((row[4:14].reshape(5, 2) + 0.5) * factors - 0.5).astype(np.float32)
    box = (float(corner[0]), float(corner[1]), float(extent[0]), float(extent[1]))
    return Face(box, float(row[14]), landmarks[:2], landmarks)
