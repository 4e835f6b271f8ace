"""Whether somebody looks at the screen: the rule, and its thresholds.

Of one frame: a face whose eyes are open less than `Thresholds.closed` times as far as the person's usually are has its
eyes closed. Else the line of sight is the direction of the head plus that of the eyes in the head, both counted from
where they were when the person looked at the middle of the screen; within `horizontal` and `vertical` degrees of it the
person looks at the screen, beyond it away. Of the last second: what most frames say. So a blink, a tenth to four tenths
of a second long, is not an absence, and closed eyes must stay closed.

A person who looks at the screen may think of anything, and one who looks away may take notes: this is where the face
points, not what the mind does.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass

from fer_cli.faces.calibration import USUAL, Calibration
from fer_cli.faces.gaze import Gaze
from fer_cli.faces.head_pose import Pose
from fer_cli.labels import ATTENTION

SCREEN, AWAY, EYES_CLOSED, NO_FACE = ATTENTION


@dataclass(frozen=True)
class Thresholds:
    """Where attention ends.

    horizontal, vertical: degrees from the middle of the screen. A screen 60 cm wide and 34 cm high reaches 27° and 16°
    to each side at a distance of 60 cm; the errors of head and eyes take up some of that, and looking down to the
    keyboard is not away. closed: of the usual openness of the eyes. window: seconds of which the majority is taken.
    """

    horizontal: float = 25.0
    vertical: float = 20.0
    closed: float = 0.5
    window: float = 1.0


def glance(
    pose: Pose | None, gaze: Gaze | None, calibration: Calibration = USUAL, thresholds: Thresholds | None = None
) -> str:
    """The state of a face in one frame.

    pose: None where only the eyes were found, as by the detector haar, which finds faces from the front only; the eyes
    decide then. gaze: None where the eyes were not found; the head decides then.
    """
    limits = thresholds or Thresholds()
    if gaze is not None and gaze.openness < limits.closed * calibration.openness:
        return EYES_CLOSED
    horizontal = vertical = 0.0
    if pose is not None:
        horizontal, vertical = pose.yaw - calibration.yaw, pose.pitch - calibration.pitch
    if gaze is not None:
        horizontal += gaze.horizontal - calibration.horizontal
        vertical += gaze.vertical - calibration.vertical
    inside = abs(horizontal) <= limits.horizontal and abs(vertical) <= limits.vertical
    return SCREEN if inside else AWAY


def majority(states: Iterable[str]) -> str:
    """The most frequent state, the first of `labels.ATTENTION` among equals; `no face` of none at all."""
    counts = Counter(states)
    return max(ATTENTION, key=lambda state: (counts[state], -ATTENTION.index(state))) if counts else NO_FACE


class Attention:
    """The state of one person over the last second (`Thresholds.window`), frame by frame."""

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self._window = (thresholds or Thresholds()).window
        self._recent: deque[tuple[float, str]] = deque()

    def update(self, seconds: float, state: str) -> str:
        """Tell what a frame says at a time in seconds, which must not fall; the state of the second that ends there."""
        self._recent.append((seconds, state))
        while self._recent[0][0] <= seconds - self._window:
            self._recent.popleft()
        return majority(state for _, state in self._recent)
