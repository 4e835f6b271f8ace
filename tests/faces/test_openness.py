"""Openness of drawn eyes whose lids are known, and blinks."""

from __future__ import annotations

import numpy as np
import pytest

from fer_cli.datasets.facs.action_units import ActionUnits
from fer_cli.datasets.facs.draw import draw_faces
from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.facs.geometry import eye_openness, landmarks
from fer_cli.datasets.facs.person import sample_person
from fer_cli.datasets.facs.scene import sample_scene
from fer_cli.faces.eye_centres import eye_pictures
from fer_cli.faces.openness import OPEN, Blinks, openness

#: How far lids are closed, face by face.
CLOSED = np.tile([0.0, 0.3, 0.6, 1.0], 40)


@pytest.mark.parametrize(("size", "error"), [(48, 0.08), (96, 0.07), (192, 0.07)])
def test_lids_are_measured(size: int, error: float) -> None:
    rng = np.random.default_rng(0)
    faces = [Face(sample_person(rng), ActionUnits(au43=float(closed)), sample_scene(rng)) for closed in CLOSED]
    found, truth = [], [eye_openness(face) for face in faces]
    for face, image in zip(faces, draw_faces(faces, size, "rgb"), strict=True):
        found.append(float(np.mean(openness(eye_pictures(image, landmarks(face, size)[:2])))))
    assert np.abs(np.subtract(found, truth)).mean() < error
    assert np.corrcoef(found, truth)[0, 1] > 0.88
    values = np.array(found)
    assert np.mean(values[CLOSED == 1.0] < OPEN / 2) >= 0.97
    assert np.mean(values[CLOSED == 0.0] > OPEN / 2) >= 0.97


def blinks(values: list[float | None], rate: float = 20.0) -> int:
    counter = Blinks(closed=0.2)
    for number, value in enumerate(values):
        counter.update(number / rate, value)
    return counter.count


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ([0.4] * 10, 0),
        ([0.4] * 5 + [0.1] * 4 + [0.4] * 5, 1),
        (([0.4] * 5 + [0.1] * 3) * 3 + [0.4], 3),
        ([0.4] * 5 + [0.1] * 40 + [0.4] * 5, 0),  # asleep
        ([0.1] * 4 + [0.4] * 5, 0),  # never seen open before
        ([0.4] * 5 + [0.1] * 2 + [None] * 2 + [0.4] * 5, 0),  # the face was lost meanwhile
    ],
)
def test_blinks_are_short(values: list[float | None], count: int) -> None:
    assert blinks(values) == count


def test_a_blink_is_told_when_it_ends() -> None:
    counter = Blinks(closed=0.2)
    told = [counter.update(i / 10, value) for i, value in enumerate([0.4, 0.1, 0.1, 0.4, 0.4])]
    assert told == [False, False, False, True, False]
