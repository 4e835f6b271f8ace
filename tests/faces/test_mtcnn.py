from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from fer_cli.errors import MissingError, UsageError
from fer_cli.faces.mtcnn import Mtcnn
from tests.faces.drawn import overlap, portrait


def test_drawn_faces_are_found_with_their_landmarks(capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("pnet.lz4", "rnet.lz4", "onet.lz4"):
        Path(name).write_bytes(b"what a stranger left in the working folder is not loaded")
    mtcnn = Mtcnn(min_face=0.1)
    truth = portrait(1, roll=15.0)
    face = mtcnn.detect(truth.image)[0]
    assert overlap(face.box, truth.box) > 0.5
    assert face.confidence > 0.8
    assert face.eyes is not None
    assert face.landmarks is not None
    assert np.array_equal(face.eyes, face.landmarks[:2])
    assert np.abs(face.landmarks - truth.landmarks).max() < 0.15 * truth.box[2]

    larger = mtcnn.detect(truth.image.repeat(3, axis=0).repeat(3, axis=1))[0]
    assert larger.landmarks is not None
    assert overlap(larger.box, tuple(3 * edge for edge in face.box)) > 0.9
    assert np.abs(larger.landmarks - 3 * face.landmarks - 1).max() < 0.1 * truth.box[2]

    assert mtcnn.detect(np.full((80, 60, 3), 90, np.uint8)) == []
    assert mtcnn.detect(np.zeros((5, 9, 3), np.uint8)) == []
    assert capfd.readouterr() == ("", "")


def test_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(UsageError, match=r"mtcnn needs KERAS_BACKEND=tensorflow\. Received: jax; the detector haar"):
        Mtcnn()


def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mtcnn.stages", None)
    with pytest.raises(MissingError, match=r"install it with: pip install mtcnn"):
        Mtcnn()
