"""What a viewer does, frame by frame: expression, direction of head and eyes, attention; and its rows in the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fer_cli.faces.calibration import USUAL, Calibration
from fer_cli.faces.gaze import Gaze
from fer_cli.faces.head_pose import Pose
from fer_cli.faces.media import Frame
from fer_cli.live.attention import Attention, Thresholds, glance
from fer_cli.live.directions import directions
from fer_cli.live.engine import Engine, Seen
from fer_cli.live.log import LogRow

#: Seconds between two looks at a person's eyes.
LOOK_EVERY = 0.1


@dataclass(frozen=True, eq=False)
class Observed:
    """One person in a frame.

    pose: None without the five landmarks. gaze: counted from where the person's eyes are at rest; None without eyes.
    raw: the gaze as measured. attention: of the second that ends with the frame.
    """

    seen: Seen
    pose: Pose | None
    gaze: Gaze | None
    raw: Gaze | None
    attention: str


class Observer:
    """One video or stream; frames are handed over in order.

    calibration: of the viewer, and may change on the way. every: seconds between two looks at a person's eyes, which
    take longer than all else, 0 for each frame; attention is a majority over a second.
    """

    def __init__(
        self,
        engine: Engine,
        calibration: Calibration = USUAL,
        thresholds: Thresholds | None = None,
        every: float = LOOK_EVERY,
    ) -> None:
        self.calibration = calibration
        self._engine, self._thresholds, self._every = engine, thresholds or Thresholds(), every
        self._viewers: dict[int, _Viewer] = {}

    def step(self, frame: Frame) -> list[Observed]:
        """The people in the next frame, which has a time, by number."""
        assert frame.seconds is not None, "frames of a video or stream have a time"
        people = []
        for seen in self._engine.step(frame):
            viewer = self._viewers.setdefault(seen.id, _Viewer(self._thresholds))
            if frame.seconds >= viewer.due:
                viewer.look(frame, seen, self.calibration)
                viewer.due = frame.seconds + self._every
            people.append(viewer.observed(seen, self.calibration))
        # Numbers are never given twice, so those who left need no memory.
        self._viewers = {person.seen.id: self._viewers[person.seen.id] for person in people}
        return people


class _Viewer:
    """One person's head and eyes at the last look, and attention."""

    def __init__(self, thresholds: Thresholds) -> None:
        self.due = 0.0
        self._thresholds, self._attention = thresholds, Attention(thresholds)
        self._pose: Pose | None = None
        self._gaze: Gaze | None = None
        self._state = ""

    def look(self, frame: Frame, seen: Seen, calibration: Calibration) -> None:
        self._pose, self._gaze = directions(frame.image, seen)
        state = glance(self._pose, self._gaze, calibration, self._thresholds)
        self._state = self._attention.update(frame.seconds or 0.0, state)

    def observed(self, seen: Seen, calibration: Calibration) -> Observed:
        gaze = None if self._gaze is None else calibration.apply(self._gaze)
        return Observed(seen, self._pose, gaze, self._gaze, self._state)


class Sampler:
    """The rows of a log: everybody in view once in so many seconds, and a row that says so where nobody is.

    every: seconds between two samples; 0 for each frame.
    """

    def __init__(self, class_names: Sequence[str], every: float) -> None:
        self._class_names, self._every = class_names, every
        self._due = 0.0

    def rows(self, seconds: float, people: Sequence[Observed]) -> list[LogRow]:
        """The rows of a frame at a time that must not fall; none between two samples."""
        if seconds < self._due:
            return []
        # Counted from the last due time rather than from now, so that samples keep their rate.
        while self._every and self._due <= seconds:
            self._due += self._every
        return [self._row(seconds, person) for person in people] or [LogRow(seconds)]

    def _row(self, seconds: float, person: Observed) -> LogRow:
        seen, pose, gaze = person.seen, person.pose, person.gaze
        return LogRow(
            seconds=seconds,
            face=seen.id,
            box=seen.box,
            emotion=None if seen.label is None else self._class_names[seen.label],
            probabilities=None if seen.probabilities is None else tuple(map(float, seen.probabilities)),
            gaze=None if gaze is None else gaze.direction,
            yaw=None if pose is None else pose.yaw,
            pitch=None if pose is None else pose.pitch,
            roll=None if pose is None else pose.roll,
            openness=None if gaze is None else gaze.openness,
            attention=person.attention,
        )
