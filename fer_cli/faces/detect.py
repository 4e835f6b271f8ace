"""What finding faces means here: the face, the detector, and one detector of a kind for the whole process.

To add a detector: one file with one class of the shape of `Detector`, one line in `fer_cli.catalog.DETECTORS`.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fer_cli import catalog
from fer_cli.errors import UsageError

Pixels = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float32]
#: Left edge, top edge, width and height in pixels.
Box = tuple[float, float, float, float]

#: The smallest face looked for, as a fraction of the picture's shorter side: it bounds the time of a large photo.
MIN_FACE = 0.05


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a picture. Points are (x, y) in pixels; (0, 0) is the middle of the upper left pixel.

    box: left edge, top edge, width and height in pixels; it may reach beyond the picture.
    confidence: 0..1, to be compared only with others of the same detector.
    eyes: float32 (2, 2), the left and the right one as the picture shows them, or None where they were not found.
    landmarks: float32 (5, 2), those eyes, tip of the nose, left and right corner of the mouth, or None.
    """

    box: Box
    confidence: float
    eyes: Points | None = None
    landmarks: Points | None = None


class Detector(Protocol):
    """Finds faces; one instance may be called from several threads at once."""

    def detect(self, image: Pixels, smallest: float = 0.0) -> list[Face]:
        """The faces in a picture uint8 (H, W, 3), RGB, the most prominent first; an empty list where there is none.

        smallest: a part of the picture's shorter side; who asks wants none below it, which may save time. They may be
        among those found all the same.
        """


def by_prominence(faces: Iterable[Face]) -> list[Face]:
    """Faces from the most to the least prominent: area of the box times confidence.

    Neither alone will do: false alarms can be large, and a bystander's face can be the sharpest.
    """
    return sorted(faces, key=lambda face: face.box[2] * face.box[3] * face.confidence, reverse=True)


_BUILDING = threading.Lock()


def shared_detector(name: str, model: Path | None = None) -> Detector:
    """The detector of this name in `catalog.DETECTORS`, built when first asked for and then kept by the process.

    model: its model file, for yunet. Raises `UsageError` for a name that is unknown or takes no model file,
    `MissingError` where a part of the detector is not installed.
    """
    if model is not None and name != "yunet":
        raise UsageError(f"only the detector yunet takes a model file. Received: {name}")
    with _BUILDING:
        return _build(name, model)


@functools.cache
def _build(name: str, model: Path | None) -> Detector:
    kind = catalog.find(catalog.DETECTORS, name, "detector")
    detector: Detector = kind() if model is None else kind(model)
    return detector
