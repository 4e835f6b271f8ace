"""Head pose from five landmarks, on the model itself and on drawn heads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.facs.geometry import landmarks
from fer_cli.datasets.facs.person import sample_person
from fer_cli.datasets.facs.scene import Scene, sample_scene
from fer_cli.faces import head_pose as module
from fer_cli.faces.head_pose import Pose, head_pose
from fer_cli.faces.landmarks import USUAL


def turned(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """The model's points, turned about the upright axis, then the level one, then the line of sight; (5, 2)."""
    sin_y, sin_p, sin_r = np.sin(np.radians([yaw, pitch, roll]))
    cos_y, cos_p, cos_r = np.cos(np.radians([yaw, pitch, roll]))
    about_y = np.array([[cos_y, 0, sin_y], [0, 1, 0], [-sin_y, 0, cos_y]])
    about_x = np.array([[1, 0, 0], [0, cos_p, sin_p], [0, -sin_p, cos_p]])
    about_z = np.array([[cos_r, -sin_r, 0], [sin_r, cos_r, 0], [0, 0, 1]])
    return (module._FACE @ (about_z @ about_x @ about_y).T)[:, :2] * 37.0 + (200.0, 90.0)


@pytest.mark.parametrize("pose", [(0, 0, 0), (30, 0, 0), (0, -25, 0), (0, 0, 40), (-35, 15, -20), (60, 20, 5)])
def test_turning_the_model_is_found_exactly(pose: tuple[float, float, float]) -> None:
    assert head_pose(turned(*pose)) == pytest.approx(pose, abs=1e-6)


def test_the_usual_face_looks_straight_ahead() -> None:
    assert head_pose(USUAL * 48) == pytest.approx((0, 0, 0), abs=0.1)


def test_signs_are_those_of_drawn_scenes() -> None:
    who = sample_person(np.random.default_rng(0))
    straight = head_pose(landmarks(Face(who), 96))
    for name in Pose._fields:
        found = head_pose(landmarks(Face(who, scene=Scene(**{name: 15.0})), 96))
        change = {other: getattr(found, other) - getattr(straight, other) for other in Pose._fields}
        assert max(change, key=lambda other: abs(change[other])) == name
        assert change[name] == pytest.approx(15, abs=4)


def test_drawn_heads_of_other_persons() -> None:
    rng = np.random.default_rng(1)
    truth, found = [], []
    for _ in range(300):
        scene = replace(sample_scene(rng), yaw=float(rng.uniform(-30, 30)), pitch=float(rng.uniform(-15, 15)))
        truth.append((scene.yaw, scene.pitch, scene.roll))
        found.append(head_pose(landmarks(Face(sample_person(rng), scene=scene), 96)))
    errors = np.abs(np.subtract(found, truth)).mean(axis=0)
    # Drawn noses are shorter and their mouths lie further back than the model's, hence too small a yaw.
    assert errors.tolist() <= [4.5, 6.0, 3.0]
    assert np.corrcoef(np.transpose(found)[0], np.transpose(truth)[0])[0, 1] > 0.99
    assert np.corrcoef(np.transpose(found)[1], np.transpose(truth)[1])[0, 1] > 0.9


def test_frontal_faces_come_out_near_zero() -> None:
    poses = np.array([head_pose(landmarks(Face(sample_person(np.random.default_rng(i))), 96)) for i in range(100)])
    assert np.abs(poses[:, [0, 2]]).max() < 1e-3
    assert np.abs(poses[:, 1]).mean() < 5


def test_size_and_place_do_not_matter() -> None:
    points = turned(20, -10, 5)
    assert head_pose(points * 7 - 300) == pytest.approx(head_pose(points), abs=1e-6)
