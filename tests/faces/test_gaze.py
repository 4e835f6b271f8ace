"""Eye centres and gaze on drawn faces whose gaze is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from fer_cli.datasets.facs.geometry import pupils
from fer_cli.faces.eye_centres import EYE_DISTANCE, eye_centres, eye_pictures
from fer_cli.faces.gaze import DIRECTIONS, Gaze, direction_of, look
from tests.faces.gazing import DARK, EYE_RADIUS, HARSH, Gazing, gazing


def looks(drawn: Gazing, shift: float = 0.0) -> list[Gaze]:
    """shift: standard deviation of an error of the landmarks, in distances of the eyes."""
    rng = np.random.default_rng(1)
    found = []
    for image, points in zip(drawn.images, drawn.landmarks, strict=True):
        error = rng.normal(0, shift * np.linalg.norm(points[1] - points[0]), points.shape)
        found.append(look(image, points + error, EYE_RADIUS))
    return found


def confusion(drawn: Gazing, found: list[Gaze]) -> npt.NDArray[np.int64]:
    """Row = direction drawn, column = direction found, in the order of `DIRECTIONS`."""
    counts = np.zeros((len(DIRECTIONS), len(DIRECTIONS)), np.int64)
    for direction, gaze in zip(drawn.directions, found, strict=True):
        counts[DIRECTIONS.index(direction), DIRECTIONS.index(gaze.direction)] += 1
    return counts


def mean_error(drawn: Gazing, found: list[Gaze]) -> tuple[float, float]:
    """Mean absolute error in degrees, across and down."""
    angles = np.array([(gaze.horizontal, gaze.vertical) for gaze in found])
    across, down = np.abs(angles - drawn.angles).mean(axis=0)
    return float(across), float(down)


#: faces, size, light, error of the landmarks -> least share of right directions, greatest mean errors in degrees.
#: Measured: 0.93 (4.2°, 2.5°) at 96 pixels, 0.96 (3.1°, 2.0°) at 192, 0.88 to 0.92 in bad light, 0.80 to 0.85 with
#: landmarks off by 2 % of the distance of the eyes, 0.76 to 0.85 at 64 pixels, 0.63 to 0.73 at 48.
CONDITIONS = [
    (400, 96, None, 0.0, 0.90, 4.6, 3.2),
    (150, 192, None, 0.0, 0.93, 3.6, 2.6),
    (150, 96, DARK, 0.0, 0.86, 5.0, 3.5),
    (150, 96, HARSH, 0.0, 0.85, 4.5, 4.4),
    (150, 96, None, 0.02, 0.78, 5.5, 4.5),
    (150, 64, None, 0.0, 0.72, 6.5, 5.2),
]


@pytest.mark.parametrize(("count", "size", "light", "shift", "right", "across", "down"), CONDITIONS)
def test_directions_are_told_apart(
    count: int, size: int, light: dict[str, float] | None, shift: float, right: float, across: float, down: float
) -> None:
    drawn = gazing(count, size, seed=2, light=light)
    found = looks(drawn, shift)
    counts = confusion(drawn, found)
    assert np.trace(counts) / counts.sum() >= right, f"\n{DIRECTIONS}\n{counts}"
    # Left is hardly ever taken for right, or up for down.
    opposite = counts[0, 1] + counts[1, 0] + counts[2, 3] + counts[3, 2]
    assert opposite <= 0.05 * counts.sum(), f"\n{DIRECTIONS}\n{counts}"
    errors = mean_error(drawn, found)
    assert errors[0] <= across
    assert errors[1] <= down


def test_the_iris_is_where_it_was_painted() -> None:
    size, errors = 96, []
    drawn = gazing(60, size, seed=3)
    for face, image, points in zip(drawn.faces, drawn.images, drawn.landmarks, strict=True):
        across = points[1] - points[0]
        down = np.array([-across[1], across[0]])
        for centre, eye, pupil in zip(
            eye_centres(eye_pictures(image, points[:2])), points[:2], pupils(face, size), strict=True
        ):
            found = eye + centre.x * across + centre.y * down
            errors.append(np.linalg.norm(found - pupil) / np.linalg.norm(across))
    # The paper's measure, the error over the distance of the eyes: 0.05 is within the pupil, 0.1 within the iris.
    assert np.mean(np.array(errors) <= 0.05) >= 0.8
    assert np.mean(np.array(errors) <= 0.10) >= 0.95


def test_a_mirrored_face_looks_the_other_way() -> None:
    drawn = gazing(20, 128, seed=4)
    for image, points in zip(drawn.images, drawn.landmarks, strict=True):
        mirrored = points[[1, 0, 2, 4, 3]] * (-1, 1) + (image.shape[1] - 1, 0)
        one, other = look(image, points), look(np.ascontiguousarray(image[:, ::-1]), mirrored)
        assert one.horizontal == pytest.approx(-other.horizontal, abs=1.0)
        assert one.vertical == pytest.approx(other.vertical, abs=1.0)
        assert one.openness_left == pytest.approx(other.openness_right, abs=0.03)


def test_eyes_alone_do() -> None:
    drawn = gazing(50, 128, seed=5)
    found = [look(image, eyes, EYE_RADIUS) for image, eyes in zip(drawn.images, drawn.landmarks[:, :2], strict=True)]
    counts = confusion(drawn, found)
    assert np.trace(counts) >= 43, f"\n{DIRECTIONS}\n{counts}"


def test_pictures_are_level_and_of_one_size() -> None:
    small, large = gazing(10, 64, seed=6), gazing(10, 256, seed=6)
    for image, points, twin, corners in zip(small.images, small.landmarks, large.images, large.landmarks, strict=True):
        one, other = eye_pictures(image, points[:2]), eye_pictures(twin, corners[:2])
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.85


def test_an_even_picture_and_a_face_at_the_edge_are_no_failure() -> None:
    grey = np.full((40, 40, 3), 90, np.uint8)
    eyes = np.array([(-5.0, 3.0), (12.0, 3.0)])
    gaze = look(grey, eyes)
    assert all(np.isfinite([gaze.horizontal, gaze.vertical, gaze.openness]))
    assert [centre.strength for centre in eye_centres(eye_pictures(grey, eyes))] == [0.0, 0.0]
    assert EYE_DISTANCE > 0


@pytest.mark.parametrize(
    ("horizontal", "vertical", "direction"),
    [(0, 0, "centre"), (9, -4, "centre"), (-12, 0, "left"), (12, 5.5, "right"), (5, -9, "up"), (11, 12, "down")],
)
def test_the_angle_that_is_further_out_names_the_direction(horizontal: float, vertical: float, direction: str) -> None:
    assert direction_of(horizontal, vertical) == direction
