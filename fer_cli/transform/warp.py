"""All geometric operations of a face as one 3×3 matrix and one interpolation.

Interpolating once keeps the detail that a chain of warps would smear, and costs a fraction of it.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.transform.parameters import Floats, Parameters

Pixels = npt.NDArray[np.uint8]

#: What lies beyond the edge repeats the edge's pixels. Crops are tight, so a reflection would show a mouth or a brow a
#: second time, upside down, and a constant would draw a frame that tells the network how the face was moved.
BORDER = cv2.BORDER_REPLICATE


def warp(images: Pixels, parameters: Parameters) -> Pixels:
    """Move uint8 (N, H, W, C) faces by their matrices, bilinearly; `images` itself where no face moves."""
    height, width = images.shape[1:3]
    transforms = matrices(parameters, height, width)
    if (transforms == np.eye(3)).all():
        return images
    out = np.empty(images.shape, np.uint8)
    if parameters.tilt.any():
        for face, matrix, moved in zip(images, transforms, out, strict=True):
            cv2.warpPerspective(face, matrix, (width, height), moved, cv2.INTER_LINEAR, BORDER)
    else:
        for face, matrix, moved in zip(images, transforms[:, :2], out, strict=True):
            cv2.warpAffine(face, matrix, (width, height), moved, cv2.INTER_LINEAR, BORDER)
    return out


def matrices(parameters: Parameters, height: int, width: int) -> Floats:
    """The composed transforms (N, 3, 3): homogeneous source pixel (x, y, 1) to its place in the result.

    About the centre of the face: flip, then zoom, shear, rotation, tilt, and last the shift.
    """
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    linear = _rotation(parameters.angle) @ _shear(parameters.shear) @ _scale(parameters.zoom, parameters.flip)
    centred = _tilt(parameters.tilt / centre.clip(1)) @ linear
    return _translation(centre + parameters.shift) @ centred @ _translation(-centre[None])


def _identities(n: int) -> Floats:
    return np.tile(np.eye(3), (n, 1, 1))


def _rotation(degrees: Floats) -> Floats:
    matrix, radians = _identities(len(degrees)), np.deg2rad(degrees)
    matrix[:, 0, 0] = matrix[:, 1, 1] = np.cos(radians)
    # Rows point down, so a turn that the eye sees as counter-clockwise has its signs exchanged.
    matrix[:, 0, 1] = np.sin(radians)
    matrix[:, 1, 0] = -np.sin(radians)
    return matrix


def _shear(degrees: Floats) -> Floats:
    matrix = _identities(len(degrees))
    matrix[:, 0, 1] = np.tan(np.deg2rad(degrees))
    return matrix


def _scale(zoom: Floats, flip: npt.NDArray[np.bool_]) -> Floats:
    matrix = _identities(len(zoom))
    matrix[:, 0, 0] = np.where(flip, -zoom, zoom)
    matrix[:, 1, 1] = zoom
    return matrix


def _tilt(slope: Floats) -> Floats:
    matrix = _identities(len(slope))
    matrix[:, 2, :2] = slope
    return matrix


def _translation(offset: Floats) -> Floats:
    matrix = _identities(len(offset))
    matrix[:, :2, 2] = offset
    return matrix
