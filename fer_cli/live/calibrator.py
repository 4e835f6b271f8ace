"""A calibration of a few seconds while the video runs."""

from __future__ import annotations

from collections.abc import Sequence

from fer_cli.faces.calibration import Calibration, calibrate
from fer_cli.faces.gaze import Gaze
from fer_cli.faces.head_pose import Pose
from fer_cli.live.observe import Observed

#: Seconds for which the viewer looks at the middle of the screen.
SPAN = 4.0


class Calibrator:
    """Watches the person with the largest face from the first frame on that it is told of."""

    def __init__(self, span: float = SPAN) -> None:
        self._span = span
        self._end: float | None = None
        self._found: list[tuple[Pose | None, Gaze]] = []

    def update(self, seconds: float, people: Sequence[Observed]) -> Calibration | None:
        """Take in a frame; the calibration when the time is over, None before.

        Raises `InputError` then where there was too little to see, or the eyes wandered.
        """
        self._end = seconds + self._span if self._end is None else self._end
        measured = [person for person in people if person.raw is not None]
        if measured:
            nearest = max(measured, key=lambda person: person.seen.box[2] * person.seen.box[3])
            assert nearest.raw is not None
            self._found.append((nearest.pose, nearest.raw))
        return calibrate(self._found) if seconds >= self._end else None
