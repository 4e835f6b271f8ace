"""What is straight ahead and what are open eyes for one person, learnt in a few seconds, and kept in a file.

A camera above or beside the screen, a longer nose, narrow eyes: all shift what `head_pose` and `look` say, the same way
in every frame. The person looks at the middle of the screen for some seconds, and the medians of what is measured
meanwhile become the person's zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from fer_cli import files
from fer_cli.errors import InputError
from fer_cli.faces.gaze import Gaze, direction_of
from fer_cli.faces.head_pose import Pose
from fer_cli.faces.openness import OPEN

#: Frames that a calibration needs at least, about three seconds at five frames a second.
FEWEST = 15
#: More than this between the quartiles of the line of sight, in degrees, is nobody who looks at one place.
_RESTLESS = 12.0
_FORMAT = {"format": "fer-calibration", "version": 1}


@dataclass(frozen=True)
class Calibration:
    """A person who looks at the middle of the screen with open eyes, as the camera sees it.

    yaw, pitch: of the head, and horizontal, vertical: of the eyes in the head, all in degrees. openness: of the eyes,
    above 0. frames: how many it was learnt from, 0 for the usual values.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    horizontal: float = 0.0
    vertical: float = 0.0
    openness: float = OPEN
    frames: int = 0

    def apply(self, gaze: Gaze) -> Gaze:
        """The gaze counted from where the person's eyes are at rest."""
        horizontal, vertical = gaze.horizontal - self.horizontal, gaze.vertical - self.vertical
        direction = direction_of(horizontal, vertical)
        return Gaze(direction, horizontal, vertical, gaze.openness_left, gaze.openness_right)


#: For persons who were not calibrated.
USUAL = Calibration()


def calibrate(frames: Sequence[tuple[Pose | None, Gaze]]) -> Calibration:
    """The calibration from frames of a person who looks at the middle of the screen; a pose is None for eyes alone.

    Medians, so that blinks and glances do not count. Raises `InputError` for fewer than `FEWEST` frames, and where the
    line of sight wandered.
    """
    if len(frames) < FEWEST:
        raise InputError(f"calibration: expected at least {FEWEST} frames with a face. Received: {len(frames)}")
    poses = [pose or Pose(0.0, 0.0, 0.0) for pose, _ in frames]
    angles = np.array(
        [(p.yaw, p.pitch, gaze.horizontal, gaze.vertical) for p, (_, gaze) in zip(poses, frames, strict=True)]
    )
    sight = angles[:, :2] + angles[:, 2:]
    low, high = np.percentile(sight, (25, 75), axis=0)
    if (spread := float((high - low).max())) > _RESTLESS:
        raise InputError(
            f"calibration: the line of sight wandered; expected half of the frames within {_RESTLESS:g}°, look at the "
            f"middle of the screen. Received: {spread:.0f}°"
        )
    yaw, pitch, horizontal, vertical = np.median(angles, axis=0).tolist()
    openness = float(np.median([gaze.openness for _, gaze in frames]))
    return Calibration(yaw, pitch, horizontal, vertical, max(openness, 1e-3), len(frames))


def write_calibrations(path: Path, persons: Mapping[str, Calibration]) -> None:
    """Write the calibrations by the names of the persons, as JSON in one step."""
    files.write_json(path, {**_FORMAT, "persons": {name: asdict(found) for name, found in persons.items()}})


def read_calibrations(path: Path) -> dict[str, Calibration]:
    """What `write_calibrations` wrote. Raises `InputError` for another file."""
    found = files.read_json(path)
    if not isinstance(found, dict) or {key: found.get(key) for key in _FORMAT} != _FORMAT:
        raise InputError(f"{path}: not a calibration of fer; expected a JSON object with {_FORMAT}")
    persons = found.get("persons")
    if not isinstance(persons, dict):
        raise InputError(f"{path}: persons: expected an object. Received: {persons!r}")
    return {name: _calibration(f"{path}: {name}", values) for name, values in persons.items()}


def _calibration(where: str, values: Any) -> Calibration:
    names = [field.name for field in fields(Calibration)]
    numbers = isinstance(values, dict) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values.values()
    )
    if not numbers or sorted(values) != sorted(names) or values["openness"] <= 0:
        raise InputError(f"{where}: expected numbers for {', '.join(names)}, openness above 0. Received: {values!r}")
    return Calibration(**values)
