"""Where the head and the eyes of a face point, of what its detector found."""

from __future__ import annotations

from typing import NamedTuple

from fer_cli.faces.detect import Face, Pixels
from fer_cli.faces.gaze import Gaze, look
from fer_cli.faces.head_pose import Pose, head_pose
from fer_cli.live.engine import Seen


class Directions(NamedTuple):
    """pose: None without the five landmarks. gaze: of the eyes in the head, as measured; None without eyes."""

    pose: Pose | None
    gaze: Gaze | None


def directions(image: Pixels, face: Face | Seen) -> Directions:
    """Of a face in a picture uint8 (H, W, 3), RGB."""
    points = face.eyes if face.landmarks is None else face.landmarks
    return Directions(
        None if face.landmarks is None else head_pose(face.landmarks), None if points is None else look(image, points)
    )
