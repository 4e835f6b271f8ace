"""What is seen of people, drawn into a frame: beside the expressions, where head and eyes point, and attention."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.live.attention import SCREEN
from fer_cli.live.observe import Observed
from fer_cli.reports import overlay

Pixels = npt.NDArray[np.uint8]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
#: Okabe and Ito's bluish green for a look at the screen, vermilion for all else.
_ATTENTIVE, _ELSEWHERE = (0, 158, 115), (213, 94, 0)
_WHITE, _INK = (255, 255, 255), (20, 20, 20)
#: Length of an arrow in widths of the face for a direction at a right angle to the line of sight.
_ARROW = 1.6


def draw(image: Pixels, people: Sequence[Observed], class_names: Sequence[str], rate: float) -> Pixels:
    """A copy of a frame uint8 (H, W, 3), RGB, with all that was seen. rate: frames a second, told in the corner."""
    out = overlay.draw(image, [person.seen for person in people], class_names)
    scale = overlay.scale_of(image)
    for person in people:
        _draw_sight(out, person, scale)
        _draw_lines(out, person, scale)
    _write(out, f"{rate:.0f} frames/s", (round(6 * scale), image.shape[0] - round(8 * scale)), scale, _INK)
    return out


def lines_of(person: Observed) -> list[str]:
    """Attention, gaze and head as text."""
    lines = [person.attention]
    if person.gaze is not None:
        lines.append(f"gaze {person.gaze.direction}")
    if person.pose is not None:
        lines.append("head " + " ".join(f"{angle:+.0f}" for angle in person.pose))
    return lines


def _draw_lines(image: Pixels, person: Observed, scale: float) -> None:
    """Below the face, or above its lower edge at the frame's."""
    x, y, _, height = person.seen.box
    lines, step = lines_of(person), round(17 * scale)
    top = min(round(y + height) + step, image.shape[0] - step * len(lines))
    color = _ATTENTIVE if person.attention == SCREEN else _ELSEWHERE
    for number, line in enumerate(lines):
        ground = color if number == 0 else _INK
        _write(image, line, (max(0, round(x)), top + number * step), scale, ground)


def _draw_sight(image: Pixels, person: Observed, scale: float) -> None:
    """An arrow from between the eyes along the line of sight: the head's direction plus that of the eyes in it."""
    if person.seen.eyes is None or (person.pose is None and person.gaze is None):
        return
    horizontal = (person.pose.yaw if person.pose else 0.0) + (person.gaze.horizontal if person.gaze else 0.0)
    vertical = (person.pose.pitch if person.pose else 0.0) + (person.gaze.vertical if person.gaze else 0.0)
    start = person.seen.eyes.mean(axis=0)
    length = _ARROW * person.seen.box[2]
    end = start + length * np.array([math.sin(math.radians(horizontal)), math.sin(math.radians(vertical))])
    color = _ATTENTIVE if person.attention == SCREEN else _ELSEWHERE
    ends = [tuple(int(v) for v in np.rint(point)) for point in (start, end)]
    cv2.arrowedLine(image, ends[0], ends[1], color, max(1, round(2 * scale)), cv2.LINE_AA, tipLength=0.2)


def _write(image: Pixels, text: str, at: tuple[int, int], scale: float, ground: tuple[int, int, int]) -> None:
    size, pad = 0.45 * scale, round(3 * scale)
    (width, height), base = cv2.getTextSize(text, _FONT, size, 1)
    x, y = at
    cv2.rectangle(image, (x, y - height - pad), (x + width + 2 * pad, y + base), ground, cv2.FILLED)
    cv2.putText(image, text, (x + pad, y), _FONT, size, _WHITE, 1, cv2.LINE_AA)
