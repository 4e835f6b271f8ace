"""Faces and five landmarks by the package mtcnn: accurate also for small, tilted and half-turned faces."""

from __future__ import annotations

import importlib.resources
import os
import threading
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli import framework
from fer_cli.errors import MissingError, UsageError
from fer_cli.faces.detect import MIN_FACE, Face, Pixels, by_prominence

#: Smallest face in pixels that the package looks for by default. Its pyramid is wrong for any other number.
_SMALLEST = 20
#: The networks in the order of their use, and the files of their weights.
_STAGES = {"StagePNet": "pnet.lz4", "StageRNet": "rnet.lz4", "StageONet": "onet.lz4"}


class Mtcnn:
    """Three cascaded networks (Zhang, Zhang, Li and Qiao 2016), whose weights come with the package.

    The box reaches from the forehead to the chin and is higher than wide. The confidence is the last network's
    probability of a face.
    min_face: the smallest face looked for, as a fraction of the picture's shorter side, but no less than 20 pixels;
    pictures that are larger than this needs are reduced first.
    Raises `MissingError` where the package is not installed, `UsageError` with a backend other than TensorFlow.
    """

    def __init__(self, min_face: float = MIN_FACE) -> None:
        self._stages = load_stages("the detector mtcnn", instead="; the detector haar runs with any")
        self._min_face = min_face
        # The networks use all cores by themselves.
        self._turn = threading.Lock()

    def detect(self, image: Pixels, smallest: float = 0.0) -> list[Face]:
        """The faces in a picture uint8 (H, W, 3), RGB, the most prominent first; `smallest` saves nothing here."""
        reduced, factors = self._reduce(image)
        with self._turn:
            rows = self._cascade(reduced)
        return by_prominence(_face(row, factors) for row in rows)

    def _reduce(self, image: Pixels) -> tuple[Pixels, npt.NDArray[np.float64]]:
        """The picture so small that the smallest face has `_SMALLEST` pixels, and the factors (x, y) back."""
        height, width = image.shape[:2]
        ratio = _SMALLEST / (self._min_face * min(height, width))
        if ratio >= 1:
            return image, np.ones(2)
        size = max(1, round(width * ratio)), max(1, round(height * ratio))
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.array([width, height]) / size

    def _cascade(self, image: Pixels) -> npt.NDArray[np.floating[Any]]:
        """A row a face (N, 16): 0, left, top, right, bottom, confidence, five x, five y.

        The package's own loop hands empty arrays to TensorFlow where a stage finds nothing, which then complains on
        stderr; and it rounds landmarks to pixels.
        """
        from mtcnn.utils.images import standarize_batch

        pixels, shapes, _ = standarize_batch([image])
        rows: npt.NDArray[np.floating[Any]] | None = None
        for stage in self._stages:
            rows = stage(bboxes_batch=rows, images_normalized=pixels, images_oshapes=shapes)
            if not len(rows):
                break
        return np.empty((0, 16)) if rows is None else rows


def load_stages(user: str, names: Sequence[str] = tuple(_STAGES), instead: str = "") -> list[Any]:
    """Stages of the package's cascade, with its weights, in the order of `names`.

    user: who needs them, and instead: what runs with any backend, for the errors. Raises `MissingError` where the
    package is not installed, `UsageError` with a backend other than TensorFlow.
    """
    framework.load()
    if os.environ["KERAS_BACKEND"] != "tensorflow":
        raise UsageError(f"{user} needs KERAS_BACKEND=tensorflow. Received: {os.environ['KERAS_BACKEND']}{instead}")
    try:
        import mtcnn.stages as stages
    except ModuleNotFoundError as error:
        raise MissingError(f"{user} needs the package mtcnn; install it with: pip install mtcnn") from error
    # Left to itself the package takes a file of the same name in the working folder, and runs what is in it.
    weights = importlib.resources.files("mtcnn.assets.weights")
    return [getattr(stages, name)(weights=str(weights / _STAGES[name])) for name in names]


def _face(row: npt.NDArray[np.floating[Any]], factors: npt.NDArray[np.float64]) -> Face:
    (left, top), (right, bottom) = (row[1:5].reshape(2, 2) * factors).tolist()
    # From the middles of pixels in the reduced picture to those in the picture.
    landmarks = ((row[6:16].reshape(2, 5).T + 0.5) * factors - 0.5).astype(np.float32)
    return Face((left, top, right - left, bottom - top), float(row[5]), landmarks[:2], landmarks)
