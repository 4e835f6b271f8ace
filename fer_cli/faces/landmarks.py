"""Five landmarks of faces that are cut out already: the eyes, the tip of the nose, the corners of the mouth.

The last network of MTCNN's cascade takes crops of 48×48 pixels and says where these are; on crops it needs no cascade
before it, and a face takes milliseconds.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.faces.mtcnn import load_stages
from fer_cli.transform.adapt import Pixels, adapt

Points = npt.NDArray[np.float32]
Confidences = npt.NDArray[np.float32]

#: Side in pixels of the network's input.
_SIDE = 48
#: Where the points usually are, (x, y) as parts of an image's sides from its upper left corner: medians of FER2013.
USUAL: Points = np.array([(0.314, 0.387), (0.686, 0.387), (0.5, 0.597), (0.343, 0.778), (0.657, 0.778)], np.float32)
#: For the second look a face is brought to where the network is at its best: so many times as large, and so much higher
#: (a part of the side) as in the usual crop. Of some layouts tried, mirror images agree best with this one.
_ENLARGED, _RAISED = 1.2, 0.04
_LAYOUT = (((USUAL - 0.5) * _ENLARGED + (0.5, 0.5 - _RAISED)) * _SIDE - 0.5).astype(np.float64)
#: Below this confidence the points mean nothing.
SURE = 0.5
#: Points of a first look that lie closer together than this (root mean square in pixels from their middle) are no face.
_SMALLEST_SPREAD = 2.0
_BATCH = 256


class LandmarkFinder:
    """The output network of MTCNN, with the weights that come in the package mtcnn.

    Zhang, Zhang, Li and Qiao, "Joint face detection and alignment using multitask cascaded convolutional networks",
    2016. It looks twice: at the crop as it is, and at the crop turned, scaled and shifted so that the points found
    first come to standard places.
    Raises `MissingError` where the package is not installed, `UsageError` with a backend other than TensorFlow.
    """

    def __init__(self) -> None:
        (stage,) = load_stages("finding landmarks", ["StageONet"])
        self._network: Any = stage._model

    def find(self, images: Pixels) -> tuple[Points, Confidences]:
        """Points float32 (N, 5, 2) and confidences float32 (N,), 0..1, of face crops uint8 (N, H, W, 1 or 3).

        Points are (x, y) in pixels of the images, (0, 0) being the middle of the upper left one: the left and the right
        eye as the picture shows them, the tip of the nose, the left and right corner of the mouth. They may lie beyond
        the image. Where the confidence is below `SURE` they are at their usual places.
        """
        height, width = images.shape[1:3]
        scale = np.array([width, height], np.float32) / _SIDE
        points = np.empty((len(images), 5, 2), np.float32)
        confidences = np.empty(len(images), np.float32)
        for start in range(0, len(images), _BATCH):
            part = slice(start, start + _BATCH)
            found, confidences[part] = self._look_twice(adapt(images[part], (_SIDE, _SIDE, 3)))
            points[part] = (found + 0.5) * scale - 0.5
        points[confidences < SURE] = USUAL * scale * _SIDE - 0.5
        return points, confidences

    def _look_twice(self, faces: Pixels) -> tuple[npt.NDArray[np.float64], Confidences]:
        """Points (N, 5, 2) and confidences (N,) of faces uint8 (N, 48, 48, 3)."""
        first, _ = self._look(faces)
        turns, shifts = similarities(first, _LAYOUT)
        moved = np.empty_like(faces)
        for face, turn, shift, place in zip(faces, turns, shifts, moved, strict=True):
            matrix = np.column_stack([turn, shift])
            cv2.warpAffine(face, matrix, (_SIDE, _SIDE), place, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
        second, confidences = self._look(moved)
        return (second - shifts[:, None]) @ np.linalg.inv(turns).transpose(0, 2, 1), confidences

    def _look(self, faces: Pixels) -> tuple[npt.NDArray[np.float64], Confidences]:
        """Where the network sees the points of faces uint8 (N, 48, 48, 3), and its probability of a face."""
        _, points, probabilities = self._network.predict_on_batch((faces.astype(np.float32) - 127.5) / 128)
        # It names all x and then all y, as parts of the side. Mirror images show that 0 is the edge of the first pixel.
        places = np.asarray(points, np.float64).reshape(-1, 2, 5).transpose(0, 2, 1) * _SIDE - 0.5
        return places, np.asarray(probabilities, np.float32)[:, 1]


def similarities(
    points: npt.NDArray[np.floating[Any]], layout: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Turns with scale (N, 2, 2) and shifts (N, 2) that take points (N, P, 2) nearest to `layout` (P, 2).

    x' = turn x + shift, by least squares. Points that (almost) coincide stay as large as they are.
    """
    middles, target = points.mean(1).astype(np.float64), layout.mean(0)
    centred, aim = points - middles[:, None], layout - target
    spread = (centred**2).sum((1, 2))
    along = (centred * aim).sum((1, 2))
    across = (centred[:, :, 0] * aim[:, 1] - centred[:, :, 1] * aim[:, 0]).sum(1)
    degenerate = spread < points.shape[1] * _SMALLEST_SPREAD**2
    # A complex number a + ib is a turn with a scale.
    a, b = (
        np.where(degenerate, whole, part / np.maximum(spread, 1e-9)) for whole, part in ((1.0, along), (0.0, across))
    )
    turns = np.stack([np.stack([a, -b], 1), np.stack([b, a], 1)], 1)
    return turns, target - (turns @ middles[:, :, None])[:, :, 0]
