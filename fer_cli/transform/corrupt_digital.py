"""What processing does to pictures: elastic distortion, coarse pixels, JPEG."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.transform.corrupt import Pixels, corruption, each
from fer_cli.transform.warp import BORDER

#: Half the side of the square whose corners an affine jitter moves, as a part of the face's side.
_SQUARE = 1 / 3


@corruption(levels=((0.04, 0.01), (0.07, 0.015), (0.1, 0.02), (0.14, 0.025), (0.2, 0.03)))
def elastic(images: Pixels, rubber: tuple[float, float], rng: np.random.Generator) -> Pixels:
    """Move pixels by a smooth random field and an affine jitter, in one interpolation.

    rubber: strength of the field and reach of the jitter as parts of the side; the field is uniform noise smoothed by a
    Gaussian of 3 % of the side. The severities are ours: the authors' trade jitter for field, so that their first moves
    faces farther than their last.
    """
    strength, reach = rubber
    n, height, width, _ = images.shape
    side = min(height, width)
    noise = rng.uniform(-1, 1, (n, height, width, 2)).astype(np.float32)
    corners = np.array([[1, 1], [1, -1], [-1, -1]]) * side * _SQUARE + (width / 2, height / 2)
    moved = corners + side * reach * rng.uniform(-1, 1, (n, 3, 2))
    places = np.indices((height, width), np.float32)[::-1].transpose(1, 2, 0)

    def stretch(face: Pixels, row: int) -> npt.NDArray[np.uint8]:
        field = cv2.GaussianBlur(noise[row], (0, 0), 0.03 * side) * np.float32(strength * side)
        affine = cv2.getAffineTransform(corners.astype(np.float32), moved[row].astype(np.float32))
        sources = cv2.transform(places, affine).astype(np.float32) + field
        return np.asarray(cv2.remap(face, sources, None, cv2.INTER_LINEAR, borderMode=BORDER), np.uint8)

    return each(images, stretch)


@corruption(levels=(0.9, 0.8, 0.7, 0.6, 0.5), chance=False)
def pixelate(images: Pixels, part: float, _rng: np.random.Generator) -> Pixels:
    """Reduce the sides to a part, then enlarge again without smoothing."""
    height, width = images.shape[1:3]
    size = max(1, int(width * part)), max(1, int(height * part))

    def coarsen(face: Pixels, _row: int) -> npt.NDArray[np.uint8]:
        small = cv2.resize(face, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)

    return each(images, coarsen)


@corruption(levels=(65, 58, 50, 40, 25), chance=False)
def jpeg(images: Pixels, quality: int, _rng: np.random.Generator) -> Pixels:
    """Encode as JPEG of a quality (1 to 100) and decode again."""
    flags = cv2.IMREAD_GRAYSCALE if images.shape[3] == 1 else cv2.IMREAD_COLOR

    def through_file(face: Pixels, _row: int) -> npt.NDArray[np.uint8]:
        # OpenCV's files hold BGR; of one channel this order is no change.
        _, data = cv2.imencode(".jpg", face[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, quality))
        decoded = np.asarray(cv2.imdecode(data, flags), np.uint8)
        return decoded.reshape(face.shape)[..., ::-1]

    return each(images, through_file)
