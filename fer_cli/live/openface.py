"""Angles of head and eyes as OpenFace tells them: in radians, counted from the axis of the camera.

OpenFace's axes are the picture's right, down, and away from the camera. pose_Rx, pose_Ry and pose_Rz turn a head that
faces the camera by R = Rx Ry Rz; so pose_Ry is positive for a face turned to the picture's left, unlike our yaw. A gaze
g has gaze_angle_x = atan2(g_x, -g_z) and gaze_angle_y = atan2(g_y, -g_z), positive to the right and down.

Ours are measured from the line of sight, on which the face lies. What lies between the two depends on the camera's
focal length, which is taken to be what OpenFace takes where nobody says: 500 pixels for a picture of 640 by 480, and in
proportion for others (Baltrušaitis, Zadeh, Lim and Morency, "OpenFace 2.0", 2018).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from fer_cli.faces.detect import Box
from fer_cli.faces.head_pose import Pose
from fer_cli.live.directions import Directions

ANGLES = ("gaze_angle_x", "gaze_angle_y", "pose_Rx", "pose_Ry", "pose_Rz")
_DECIMALS = 4

Matrix = npt.NDArray[np.float64]


def angles_of(found: Directions, box: Box, size: tuple[int, int]) -> dict[str, float | None]:
    """The columns `ANGLES` of a face, None without the five landmarks, which a head's pose and so a line of sight need.

    box: of the face, and size: height and width of the picture, in pixels.
    """
    if found.pose is None:
        return dict.fromkeys(ANGLES)
    turned = line_of_sight(box, size) @ rotation(found.pose)
    pose = [
        math.atan2(-turned[1, 2], turned[2, 2]),
        math.asin(min(max(turned[0, 2], -1.0), 1.0)),
        math.atan2(-turned[0, 1], turned[0, 0]),
    ]
    values: list[float | None] = [None, None, *pose]
    if found.gaze is not None:
        aside, down = math.radians(found.gaze.horizontal), math.radians(found.gaze.vertical)
        x, y, z = turned @ (math.sin(aside) * math.cos(down), math.sin(down), -math.cos(aside) * math.cos(down))
        values[:2] = math.atan2(x, -z), math.atan2(y, -z)
    return {
        name: None if value is None else round(value, _DECIMALS) for name, value in zip(ANGLES, values, strict=True)
    }


def rotation(pose: Pose) -> Matrix:
    """(3, 3): how a pose turns a head, along OpenFace's axes."""
    return _about(2, pose.roll) @ _about(0, pose.pitch) @ _about(1, -pose.yaw)


def line_of_sight(box: Box, size: tuple[int, int]) -> Matrix:
    """(3, 3): the least rotation that turns the camera's axis to the middle of a box."""
    height, width = size
    focal = (500 * width / 640 + 500 * height / 480) / 2
    x, y = box[0] + box[2] / 2 - width / 2, box[1] + box[3] / 2 - height / 2
    aside = math.hypot(x, y)
    if not aside:
        return np.eye(3)
    # Rodrigues' formula about the axis (-y, x, 0), which is square to both directions.
    along, angle = np.array([-y, x, 0.0]) / aside, math.atan2(aside, focal)
    cross = np.array([(0, 0, along[1]), (0, 0, -along[0]), (-along[1], along[0], 0)])
    turned: Matrix = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return turned


def _about(axis: int, degrees: float) -> Matrix:
    """(3, 3): a right-handed rotation about x (0), y (1) or z (2)."""
    found, angle = np.eye(3), math.radians(degrees)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    found[first, first] = found[second, second] = math.cos(angle)
    found[first, second], found[second, first] = -math.sin(angle), math.sin(angle)
    return found
