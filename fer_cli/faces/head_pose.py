"""Which way a head is turned, from five landmarks: yaw, pitch and roll.

A rigid head seen from far away: the five points of an average face are turned, scaled and moved until they lie on those
of the picture. The answer has a closed form, needs no camera matrix, and is measured from the line of sight, so a face
that looks into the camera from the corner of the picture has angles of 0 too.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fer_cli.faces.landmarks import USUAL

#: How far eyes, tip of the nose and corners of the mouth stand out towards the viewer, in distances of the eyes: from
#: the mean face of OpenFace's point distribution model (Baltrušaitis, Zadeh, Lim and Morency, "OpenFace 2.0", 2018).
_DEPTH = (0.0, 0.0, 0.585, 0.064, 0.064)
#: Across and down the average face is what MTCNN finds in FER2013's faces, in distances of the eyes: (5, 3).
_FACE = np.column_stack([USUAL / (USUAL[1, 0] - USUAL[0, 0]), _DEPTH])
_FACE -= _FACE.mean(axis=0)
#: (5, 3): coordinates of five points times this are the affine map that takes the average face nearest to them.
_SOLVE = np.linalg.pinv(_FACE).T


class Pose(NamedTuple):
    """Rotation of a head in degrees; positive turns the face to the picture's right, down, and clockwise as seen."""

    yaw: float
    pitch: float
    roll: float


def head_pose(landmarks: npt.NDArray[np.floating[Any]]) -> Pose:
    """The pose of a head from its landmarks (5, 2), (x, y) in pixels, in the order of `Face.landmarks`.

    The least-squares affine map from the average face (Ullman and Basri, "Recognition by linear combinations of
    models", 1991) is brought to the nearest scaled rotation by a singular value decomposition.

    Yaw and pitch live on how far the tip of the nose is from where it would be on a flat face. A longer nose is
    therefore indistinguishable from a lowered head: pitch is off by some degrees from person to person, which
    `faces.calibration` takes away. Beyond about 45° detectors no longer place the far eye and corner of the mouth well.
    """
    affine = (landmarks - landmarks.mean(axis=0)).T @ _SOLVE
    left, _, right = np.linalg.svd(affine, full_matrices=False)
    across, down = left @ right
    away = np.cross(across, down)
    return Pose(
        yaw=math.degrees(math.atan2(-away[0], away[2])),
        pitch=math.degrees(math.asin(min(max(-away[1], -1.0), 1.0))),
        roll=math.degrees(math.atan2(-across[1], down[1])),
    )
