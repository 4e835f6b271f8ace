"""Which way eyes look, and how far they are open, from a picture and the landmarks of its face.

The middle of each iris (`faces.eye_centres`) is compared with the landmark of its eye; how far it is to the side,
against the radius on which it turns, is the sine of the angle.

What it cannot do. It measures eyes in the head, to be added to the head's own direction. It needs some 30 pixels
between the eyes: 10° move a real iris by a thirty-seventh of that distance, less than a pixel. Glasses that mirror, an
eye in shadow, and lids that hide the iris mislead it; a lowered gaze is the hardest, since the lids cut the iris off.
Of shut eyes the direction is noise, so look at the openness first. Detectors place the landmark of an eye nearer to its
iris than to its middle when it looks aside, which makes angles too small, and put it higher or lower from person to
person: calibrate (`faces.calibration`). It tells five directions, and whether somebody looks at a screen; it does not
tell the place on the screen, or the line in a text.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.faces.detect import Pixels
from fer_cli.faces.eye_centres import eye_centres, eye_pictures
from fer_cli.faces.head_pose import head_pose
from fer_cli.faces.openness import openness

#: What `direction_of` says, as the picture shows it: a person who looks to their own right looks left.
DIRECTIONS: tuple[str, ...] = ("left", "right", "up", "down", "centre")
#: From these angles on, in degrees, eyes look aside, and up or down.
ASIDE, UP_OR_DOWN = 10.0, 5.0
#: Radius on which an iris turns in distances of the eyes: the pupil is 9.8 mm before the eye's centre of rotation, and
#: the eyes of adults are 63 mm apart (Atchison and Smith, "Optics of the human eye", 2000; Dodgson 2004).
EYE_RADIUS = 9.8 / 63.0


@dataclass(frozen=True)
class Gaze:
    """Where the eyes look in the head.

    direction: of `DIRECTIONS`. horizontal, vertical: degrees, positive to the picture's right and down.
    openness_left, openness_right: of the eyes as the picture shows them, see `faces.openness`.
    """

    direction: str
    horizontal: float
    vertical: float
    openness_left: float
    openness_right: float

    @property
    def openness(self) -> float:
        """Of both eyes together: the mean."""
        return (self.openness_left + self.openness_right) / 2


def look(image: Pixels, landmarks: npt.NDArray[np.floating[Any]], eye_radius: float = EYE_RADIUS) -> Gaze:
    """The gaze of a face in a picture uint8 (H, W, 3), RGB.

    landmarks: (5, 2) in the order of `Face.landmarks`, or the eyes alone, (2, 2); (x, y) in pixels. With all five the
    foreshortening of a turned head is taken out. eye_radius: in distances of the eyes; that of drawn faces is larger.
    """
    pictures = eye_pictures(image, landmarks[:2])
    centres = eye_centres(pictures)
    x, y = (sum(places) / 2 for places in zip(*(centre[:2] for centre in centres), strict=True))
    if len(landmarks) == 5:
        # Yaw narrows the distance between the eyes, which is the unit, and pitch flattens what is measured across it.
        pose = head_pose(landmarks)
        y *= math.cos(math.radians(pose.yaw)) / max(math.cos(math.radians(pose.pitch)), 0.5)
    horizontal, vertical = (math.degrees(math.asin(min(max(place / eye_radius, -1.0), 1.0))) for place in (x, y))
    left, right = openness(pictures)
    return Gaze(direction_of(horizontal, vertical), horizontal, vertical, left, right)


def direction_of(horizontal: float, vertical: float) -> str:
    """The direction of `DIRECTIONS` for angles in degrees: whichever is further beyond its threshold."""
    aside, tilted = abs(horizontal) / ASIDE, abs(vertical) / UP_OR_DOWN
    if max(aside, tilted) < 1.0:
        return "centre"
    if aside >= tilted:
        return "right" if horizontal > 0 else "left"
    return "down" if vertical > 0 else "up"
