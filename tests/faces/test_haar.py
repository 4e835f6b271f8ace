from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_cli.errors import MissingError, UsageError
from fer_cli.faces.detect import shared_detector
from fer_cli.faces.haar import Haar
from tests.faces.drawn import overlap, portrait

PORTRAITS = [portrait(person) for person in range(8)]


def test_drawn_faces_are_found_where_they_are() -> None:
    found = [(truth, faces[0]) for truth in PORTRAITS if (faces := Haar(min_face=0.2).detect(truth.image))]
    assert len(found) >= 6
    for truth, face in found:
        assert overlap(face.box, truth.box) > 0.5
        assert 0.0 < face.confidence < 1.0
    seen = [(truth, face.eyes) for truth, face in found if face.eyes is not None]
    assert len(seen) >= 5
    for truth, eyes in seen:
        distance = np.linalg.norm(truth.landmarks[1] - truth.landmarks[0])
        assert np.abs(eyes - truth.landmarks[:2]).max() < 0.2 * distance


def test_no_face_is_found_where_there_is_none() -> None:
    assert Haar().detect(np.full((100, 120, 3), 90, np.uint8)) == []
    assert Haar().detect(np.zeros((5, 5, 3), np.uint8)) == []


def test_faces_below_the_smallest_are_passed_over() -> None:
    truth = next(truth for truth in PORTRAITS if Haar(min_face=0.2).detect(truth.image))
    assert Haar(min_face=0.9).detect(truth.image) == []
    assert Haar(min_face=0.2).detect(truth.image, smallest=0.9) == []
    assert Haar(min_face=0.9).detect(truth.image, smallest=0.2) == []


def test_threads_share_one_detector() -> None:
    haar = shared_detector("haar")
    alone = [[face.box for face in haar.detect(truth.image)] for truth in PORTRAITS]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda truth: [face.box for face in haar.detect(truth.image)], PORTRAITS))
    assert together == alone
    assert shared_detector("haar") is haar


def test_an_opencv_without_cascades_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cv2, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(MissingError, match=r"has no haarcascade_frontalface_alt2\.xml; install one: pip install"):
        Haar()


def test_an_unknown_detector_is_answered_with_the_known() -> None:
    with pytest.raises(UsageError, match=r"unknown detector 'har': did you mean 'haar'\? known are mtcnn, haar"):
        shared_detector("har")
