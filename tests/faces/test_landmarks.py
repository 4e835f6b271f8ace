from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from fer_cli.datasets.facs.action_units import sample_units
from fer_cli.datasets.facs.draw import draw_faces
from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.facs.geometry import landmarks
from fer_cli.datasets.facs.person import sample_person
from fer_cli.datasets.facs.scene import sample_scene
from fer_cli.errors import MissingError, UsageError
from fer_cli.faces.landmarks import SURE, USUAL, LandmarkFinder, similarities
from fer_cli.labels import EMOTIONS


@pytest.fixture(scope="module")
def finder() -> LandmarkFinder:
    return LandmarkFinder()


@pytest.fixture(scope="module")
def faces() -> list[Face]:
    rng = np.random.default_rng(1)
    return [Face(sample_person(rng), sample_units(rng, EMOTIONS[i % 7]), sample_scene(rng)) for i in range(42)]


@pytest.mark.parametrize(("size", "color"), [(24, "gray"), (48, "gray"), (48, "rgb"), (96, "gray")])
def test_landmarks_of_drawn_faces_are_found(finder: LandmarkFinder, faces: list[Face], size: int, color: str) -> None:
    truth = np.array([landmarks(face, size) for face in faces])
    points, confidences = finder.find(draw_faces(faces, size, color))
    assert (points.dtype, points.shape) == (np.float32, (42, 5, 2))
    assert (confidences.dtype, confidences.shape) == (np.float32, (42,))
    assert confidences.min() >= 0
    assert confidences.max() <= 1
    sure = confidences >= SURE
    assert sure.mean() > 0.9
    # In distances between the eyes. The usual places are off by 0.4, a coin thrown at the face by more.
    apart = np.linalg.norm(truth[:, 1] - truth[:, 0], axis=1)
    errors = np.linalg.norm(points - truth, axis=2) / apart[:, None]
    assert errors[sure].mean() < 0.13
    assert np.quantile(errors[sure], 0.95) < 0.3


def test_a_mirror_image_has_mirrored_landmarks(finder: LandmarkFinder, faces: list[Face]) -> None:
    images = draw_faces(faces, 48)
    points, confidences = finder.find(images)
    mirrored, others = finder.find(np.ascontiguousarray(images[:, :, ::-1]))
    mirrored[..., 0] = 47 - mirrored[..., 0]
    sure = (confidences >= SURE) & (others >= SURE)
    shift = (mirrored[:, [1, 0, 2, 4, 3]] - points)[sure]
    # Coordinates that were off by half a pixel would differ by one.
    assert np.abs(shift.mean((0, 1))).max() < 0.5
    assert np.linalg.norm(shift, axis=2).mean() < 1.5


def test_a_turned_and_smaller_face_takes_its_landmarks_along(finder: LandmarkFinder, faces: list[Face]) -> None:
    images = draw_faces(faces, 48)
    points, confidences = finder.find(images)
    wide = np.pad(images, ((0, 0), (6, 6), (6, 6), (0, 0)), mode="edge")
    smaller, others = finder.find(wide)
    sure = (confidences >= SURE) & (others >= SURE)
    assert sure.mean() > 0.8
    assert np.linalg.norm(smaller - 6 - points, axis=2)[sure].mean() < 1.5


def test_what_is_no_face_gets_the_usual_places(finder: LandmarkFinder) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, 40, 60, 1), np.uint8)
    images = np.concatenate([np.full((3, 40, 60, 1), [[[[0]]], [[[128]]], [[[255]]]], np.uint8), noise])
    points, confidences = finder.find(images)
    assert confidences.max() < SURE
    assert np.allclose(points, USUAL * (60, 40) - 0.5)
    assert finder.find(images[:0])[0].shape == (0, 5, 2)


def test_similarities_bring_moved_points_back() -> None:
    layout = USUAL.astype(np.float64) * 48
    turn = 0.8 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    moved = np.stack([layout @ turn.T + (3, -5), layout])
    turns, shifts = similarities(moved, layout)
    assert np.allclose(moved @ turns.transpose(0, 2, 1) + shifts[:, None], layout)
    assert np.allclose(turns[0], np.linalg.inv(turn))


def test_points_that_coincide_are_only_shifted() -> None:
    layout = USUAL.astype(np.float64) * 48
    turns, shifts = similarities(np.full((1, 5, 2), 7.0), layout)
    assert (turns[0] == np.eye(2)).all()
    assert np.allclose(shifts[0], layout.mean(0) - 7)


def test_weights_in_the_working_folder_are_not_loaded() -> None:
    Path("onet.lz4").write_bytes(b"what a stranger left here")
    LandmarkFinder()


def test_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(UsageError, match=r"finding landmarks needs KERAS_BACKEND=tensorflow\. Received: jax"):
        LandmarkFinder()


def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mtcnn.stages", None)
    with pytest.raises(
        MissingError, match=r"finding landmarks needs the package mtcnn; install it with: pip install mtcnn"
    ):
        LandmarkFinder()
