"""The rule of attention, frame by frame and second by second."""

from __future__ import annotations

import pytest

from fer_cli.faces.calibration import Calibration
from fer_cli.faces.gaze import Gaze
from fer_cli.faces.head_pose import Pose
from fer_cli.live.attention import Attention, Thresholds, glance, majority


def gaze(horizontal: float = 0.0, vertical: float = 0.0, opened: float = 0.35) -> Gaze:
    return Gaze("centre", horizontal, vertical, opened, opened)


@pytest.mark.parametrize(
    ("pose", "eyes", "state"),
    [
        (Pose(0, 0, 0), gaze(), "screen"),
        (Pose(20, 0, 0), gaze(), "screen"),
        (Pose(28, 0, 0), gaze(), "away"),
        (Pose(28, 0, 0), gaze(-15), "screen"),  # the eyes turn back
        (Pose(18, 0, 0), gaze(15), "away"),
        (Pose(0, -22, 0), gaze(), "away"),
        (Pose(0, 0, 45), gaze(), "screen"),  # tilted
        (Pose(0, 0, 0), gaze(opened=0.1), "eyes closed"),
        (Pose(40, 0, 0), gaze(opened=0.1), "eyes closed"),
        (None, gaze(10), "screen"),
        (None, gaze(30), "away"),
        (Pose(10, 0, 0), None, "screen"),
        (Pose(40, 0, 0), None, "away"),
    ],
)
def test_the_rule(pose: Pose | None, eyes: Gaze | None, state: str) -> None:
    assert glance(pose, eyes) == state


def test_a_calibrated_person_has_another_zero() -> None:
    aside = Calibration(yaw=30.0, pitch=10.0, horizontal=-4.0, openness=0.2, frames=20)
    assert glance(Pose(30, 10, 0), gaze(-4, opened=0.15), aside) == "screen"
    assert glance(Pose(0, 10, 0), gaze(opened=0.15), aside) == "away"
    assert glance(Pose(30, 10, 0), gaze(opened=0.09), aside) == "eyes closed"
    assert glance(Pose(30, 10, 0), gaze(opened=0.15)) == "eyes closed"


def test_thresholds_can_be_set() -> None:
    strict = Thresholds(horizontal=5.0, closed=0.9)
    assert glance(Pose(8, 0, 0), gaze(), thresholds=strict) == "away"
    assert glance(Pose(0, 0, 0), gaze(opened=0.3), thresholds=strict) == "eyes closed"


def test_the_majority_of_a_second_counts() -> None:
    assert majority(["screen", "away", "away"]) == "away"
    assert majority(["away", "screen"]) == "screen"
    assert majority([]) == "no face"


def test_a_blink_is_no_absence_and_sleep_is() -> None:
    meter = Attention()
    frames = ["screen"] * 20 + ["eyes closed"] * 3 + ["screen"] * 10 + ["eyes closed"] * 15
    states = [meter.update(number / 10, state) for number, state in enumerate(frames)]
    assert states[:33] == ["screen"] * 33
    assert states[-1] == "eyes closed"
    # Half a second of ten frames is no majority yet.
    assert states.index("eyes closed") == 33 + 5


def test_the_window_can_be_set() -> None:
    quick = Attention(Thresholds(window=0.25))
    assert [quick.update(i / 10, state) for i, state in enumerate(["screen", "away", "away"])] == [
        "screen",
        "screen",
        "away",
    ]
