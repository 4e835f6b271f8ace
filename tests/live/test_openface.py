"""Angles by OpenFace's convention, against its own definition of them and faces drawn at known angles."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fer_cli.faces.gaze import Gaze
from fer_cli.faces.head_pose import Pose, head_pose
from fer_cli.live.directions import Directions
from fer_cli.live.openface import ANGLES, angles_of, line_of_sight

SIZE = (480, 640)
MIDDLE = (300.0, 220.0, 40.0, 40.0)
AHEAD = Gaze("centre", 0.0, 0.0, 0.3, 0.3)
#: What faces the camera, along OpenFace's axes.
FACING = np.array([0.0, 0.0, -1.0])


def head(pose_rx: float, pose_ry: float, pose_rz: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Its documentation: R = Rx Ry Rz, each right-handed."""
    (a, b, c), (d, e, f) = np.cos([pose_rx, pose_ry, pose_rz]), np.sin([pose_rx, pose_ry, pose_rz])
    about_x = np.array([(1, 0, 0), (0, a, -d), (0, d, a)])
    about_y = np.array([(b, 0, e), (0, 1, 0), (-e, 0, b)])
    about_z = np.array([(c, -f, 0), (f, c, 0), (0, 0, 1)])
    return np.asarray(about_x @ about_y @ about_z)


def angles(pose: Pose, gaze: Gaze = AHEAD, box: tuple[float, float, float, float] = MIDDLE) -> dict[str, float]:
    found = angles_of(Directions(pose, gaze), box, SIZE)
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("pose", "direction"),
    [
        (Pose(30, 0, 0), (0.5, 0, -math.sqrt(0.75))),
        (Pose(0, 30, 0), (0, 0.5, -math.sqrt(0.75))),
        (Pose(0, 0, 30), (0, 0, -1)),
    ],
)
def test_a_head_is_turned_to_where_our_angles_say(pose: Pose, direction: tuple[float, ...]) -> None:
    found = angles(pose)
    turned = head(*(found[name] for name in ANGLES[2:]))
    np.testing.assert_allclose(turned @ FACING, direction, atol=1e-3)
    # Clockwise in the picture is from its right to its lower side.
    across = turned @ (1, 0, 0)
    assert math.degrees(math.atan2(across[1], across[0])) == pytest.approx(pose.roll, abs=0.05)


def test_all_three_angles_together_are_one_rotation() -> None:
    pose = Pose(25, -15, 10)
    found = angles(pose)
    turned = head(*(found[name] for name in ANGLES[2:]))
    # What the picture shows of a head by `head_pose`: the same five points, turned by OpenFace's angles.
    from fer_cli.faces.head_pose import _FACE

    points = (_FACE * (1, 1, -1)) @ turned.T
    np.testing.assert_allclose(head_pose(points[:, :2]), pose, atol=0.05)


def test_eyes_that_look_straight_ahead_look_where_the_head_does() -> None:
    found = angles(Pose(20, 0, 0))
    assert found["gaze_angle_x"] == pytest.approx(math.radians(20), abs=1e-3)
    assert found["gaze_angle_y"] == pytest.approx(0, abs=1e-3)
    back = angles(Pose(20, 0, 0), Gaze("left", -20.0, 0.0, 0.3, 0.3))
    assert back["gaze_angle_x"] == pytest.approx(0, abs=1e-3)


def test_who_looks_into_the_camera_from_its_side_is_turned_towards_it() -> None:
    # 500 pixels beside the middle of a picture with a focal length of 500 pixels.
    aside = (800.0, 220.0, 40.0, 40.0)
    np.testing.assert_allclose(line_of_sight(aside, SIZE) @ (0, 0, 1), (math.sqrt(0.5), 0, math.sqrt(0.5)))
    found = angles(Pose(0, 0, 0), box=aside)
    assert found["pose_Ry"] == pytest.approx(math.radians(45), abs=1e-3)
    assert found["gaze_angle_x"] == pytest.approx(-math.radians(45), abs=1e-3)


def test_without_landmarks_nothing_is_claimed() -> None:
    assert angles_of(Directions(None, AHEAD), MIDDLE, SIZE) == dict.fromkeys(ANGLES)
    assert angles_of(Directions(Pose(0, 0, 0), None), MIDDLE, SIZE)["gaze_angle_x"] is None
