from __future__ import annotations

import math

import numpy as np
import pytest

from fer_cli.faces.align import EYE_DISTANCE, EYE_HEIGHT, Square, square_of
from fer_cli.faces.detect import Face, Points

SIZE = 100


def eyes_at(x: float, y: float, distance: float, tilt: float) -> Points:
    """Two eyes around (x, y), the line through them turned clockwise by `tilt` degrees."""
    half = distance / 2 * np.array([math.cos(math.radians(tilt)), math.sin(math.radians(tilt))])
    return (np.array([x, y]) + np.array([-half, half])).astype(np.float32)


def face_with(eyes: Points | None, side: float = 100.0) -> Face:
    return Face((50.0, 60.0, 0.8 * side, side), 0.9, eyes)


@pytest.mark.parametrize("tilt", [-40.0, -7.5, 0.0, 12.0, 33.0])
@pytest.mark.parametrize("margin", [0.0, 0.25])
def test_planted_eyes_come_to_the_standard_places(tilt: float, margin: float) -> None:
    eyes = eyes_at(83.0, 101.0, 37.0, tilt)
    square = square_of(face_with(eyes), margin, align=True)
    left, right = eyes @ square.matrix(SIZE)[:, :2].T + square.matrix(SIZE)[:, 2]
    middle, grown = (SIZE - 1) / 2, SIZE / (1 + 2 * margin)
    assert left == pytest.approx([middle - EYE_DISTANCE / 2 * grown, middle - (0.5 - EYE_HEIGHT) * grown], abs=1e-3)
    assert right == pytest.approx([middle + EYE_DISTANCE / 2 * grown, left[1]], abs=1e-3)
    assert square.angle == pytest.approx(tilt, abs=1e-4)


def test_the_transform_is_a_similarity() -> None:
    linear = Square(30.0, 20.0, 50.0, 25.0).matrix(SIZE)[:, :2]
    assert linear @ linear.T == pytest.approx(4.0 * np.eye(2))
    assert np.linalg.det(linear) > 0


@pytest.mark.parametrize(
    ("eyes", "align"),
    [
        (eyes_at(90.0, 100.0, 36.0, 20.0), False),
        (None, True),
        (eyes_at(90.0, 100.0, 10.0, 0.0), True),
        (eyes_at(90.0, 100.0, 36.0, 70.0), True),
        (eyes_at(90.0, 100.0, 36.0, 180.0), True),
    ],
    ids=["not wanted", "no eyes", "profile", "lying", "eyes exchanged"],
)
def test_without_a_hold_the_square_is_upright_around_the_box(eyes: Points | None, align: bool) -> None:
    assert square_of(face_with(eyes), 0.1, align) == Square(89.5, 109.5, pytest.approx(120.0))


def test_the_near_eyes_of_a_turned_head_do_not_enlarge_it_beyond_measure() -> None:
    turned = square_of(face_with(eyes_at(90.0, 100.0, 18.0, 0.0)), 0.0, align=True)
    assert turned.side == pytest.approx(85.0)
