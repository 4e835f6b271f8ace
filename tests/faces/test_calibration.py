"""Learning a person's zero, and keeping it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_cli.datasets.facs.scene import Scene
from fer_cli.errors import InputError
from fer_cli.faces.calibration import FEWEST, USUAL, Calibration, calibrate, read_calibrations, write_calibrations
from fer_cli.faces.gaze import Gaze, look
from fer_cli.faces.head_pose import Pose, head_pose
from tests.faces.gazing import EYE_RADIUS, one_person


def frames(count: int = 40, spread: float = 1.0, seed: int = 0) -> list[tuple[Pose | None, Gaze]]:
    """Somebody with a camera to the side: the head at 12° and 8°, the eyes at -3° and 4°, now and then a blink."""
    rng = np.random.default_rng(seed)
    found: list[tuple[Pose | None, Gaze]] = []
    for number in range(count):
        yaw, pitch, horizontal, vertical = np.array([12.0, 8.0, -3.0, 4.0]) + rng.normal(0, spread, 4)
        opened = 0.05 if number % 10 == 9 else 0.3
        found.append((Pose(yaw, pitch, 0.0), Gaze("centre", horizontal, vertical, opened, opened)))
    return found


def test_medians_become_the_zero() -> None:
    found = calibrate(frames())
    assert found.yaw == pytest.approx(12, abs=0.6)
    assert found.pitch == pytest.approx(8, abs=0.6)
    assert found.horizontal == pytest.approx(-3, abs=0.6)
    assert found.vertical == pytest.approx(4, abs=0.6)
    assert (found.openness, found.frames) == (0.3, 40)


def test_a_calibrated_person_looks_ahead_when_they_do() -> None:
    """A drawn person, measured at rest, then looking aside."""
    rest = one_person([Scene(texture=i, noise=3.0) for i in range(FEWEST)], 96, seed=3)
    seen: list[tuple[Pose | None, Gaze]] = [
        (head_pose(points), look(image, points, EYE_RADIUS))
        for image, points in zip(rest.images, rest.landmarks, strict=True)
    ]
    found = calibrate(seen)
    aimed = one_person(
        [Scene(gaze_x=x, gaze_y=y) for x, y in ((0, 0), (20, 0), (-20, 0), (0, 13), (0, -13))], 96, seed=3
    )
    told = [
        found.apply(look(image, points, EYE_RADIUS))
        for image, points in zip(aimed.images, aimed.landmarks, strict=True)
    ]
    assert [gaze.direction for gaze in told] == ["centre", "right", "left", "down", "up"]
    assert max(abs(told[0].horizontal), abs(told[0].vertical)) < 2.5


def test_too_few_frames_and_a_restless_person_are_refused() -> None:
    with pytest.raises(InputError, match=r"expected at least 15 frames with a face. Received: 14"):
        calibrate(frames(FEWEST - 1))
    with pytest.raises(InputError, match="the line of sight wandered"):
        calibrate(frames(spread=15.0))


def test_calibrations_are_kept_by_person(tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    persons = {"Zoë": calibrate(frames()), "other": USUAL}
    write_calibrations(path, persons)
    assert read_calibrations(path) == persons


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.update(version=2), "not a calibration of fer"),
        (lambda data: data.update(persons=[]), "persons: expected an object"),
        (lambda data: data["persons"]["P"].pop("yaw"), "people.json: P: expected numbers for yaw, pitch"),
        (lambda data: data["persons"]["P"].update(openness=0), "openness above 0"),
        (lambda data: data["persons"]["P"].update(yaw="1"), "expected numbers"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    path = tmp_path / "people.json"
    write_calibrations(path, {"P": Calibration()})
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_calibrations(path)
