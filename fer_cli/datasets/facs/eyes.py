"""Brows, eyes, lids and glasses: action units 1, 2, 4, 5, 6, 7 and 43."""

from __future__ import annotations

import functools
import math

import numpy as np

from fer_cli.datasets.facs.action_units import ActionUnits
from fer_cli.datasets.facs.colors import RGB, mix, shade
from fer_cli.datasets.facs.person import Person
from fer_cli.datasets.facs.scene import Scene
from fer_cli.datasets.facs.shapes import (
    BOW,
    CIRCLE,
    INNER,
    OUTER,
    Points,
    Shape,
    T,
    area,
    mirrored,
    stroke,
    upright_stroke,
)

#: Height of the eyes' axis in the head's frame.
EYE_Y = 0.04
#: Radius of the eyeball, which turns a gaze angle into a shift of the iris.
EYEBALL = 0.2

_LASHES: RGB = (38.0, 26.0, 24.0)
_SCLERA: RGB = (246.0, 243.0, 238.0)
#: Rim, iris, pupil and glint, around the middle of the iris.
_DISCS = np.concatenate([CIRCLE * 0.088, CIRCLE * 0.072, CIRCLE * 0.042, CIRCLE * 0.02 + (-0.032, -0.034)])
_EYE_SIDES = np.array([[-1.0], [1.0]])
_LID_PROFILE = BOW**0.75
_BROW_TAPER = 1.0 - 0.5 * OUTER**2


def lids(person: Person, units: ActionUnits) -> tuple[Points, Points]:
    """Upper and lower lid of the image's right eye: y (13,) each, from the inner to the outer corner."""
    squeeze = max(units.au06, 0.8 * units.au09)
    up = person.eye_height * (0.62 + 0.5 * units.au05 - 0.2 * units.au07 - 0.14 * squeeze)
    low = person.eye_height * (0.42 + 0.1 * units.au05 - 0.2 * units.au07 - 0.42 * squeeze)
    shut = person.eye_height * 0.25
    frown = 0.06 * units.au04 * (1.0 - units.au01)
    droop = 0.05 * units.au01 * (1.0 - units.au02)
    axis = EYE_Y + person.eye_tilt * T
    upper = axis + (units.au43 * (shut + up) - up) * _LID_PROFILE + frown * INNER * BOW + droop * T
    lower = axis + (units.au43 * (shut - low) + low) * BOW
    return np.minimum(upper, lower), lower


def openness(person: Person, units: ActionUnits) -> float:
    """Greatest distance between the lids over the width of the eye: about 0.45 at rest, 0 for shut eyes."""
    upper, lower = lids(person, units)
    return float((lower - upper).max() / (2.0 * person.eye_width))


def eyes(person: Person, units: ActionUnits, scene: Scene) -> list[Shape]:
    """Both eyes, back to front."""
    x = person.eye_distance + person.eye_width * T
    upper, lower = lids(person, units)
    crease = upper + (0.03 * units.au05 + 0.015 * units.au07 - 0.055)
    return [
        Shape(mirrored(area(x, crease, upper)), shade(person.skin, 0.84)),
        Shape(mirrored(area(x, upper, lower)), _SCLERA, part="eye"),
        *_irises(person, scene, upper, lower),
        Shape(mirrored(stroke(x, lower + 0.008, 0.022)), shade(person.skin, 0.58)),
        Shape(mirrored(stroke(x * 1.015, upper - 0.01, 0.042)), _LASHES),
    ]


def iris_shift(scene: Scene) -> tuple[float, float]:
    """How far the gaze moves the iris from the middle of the eye, x and y."""
    return EYEBALL * math.sin(math.radians(scene.gaze_x)), EYEBALL * math.sin(math.radians(scene.gaze_y)) - 0.012


def _irises(person: Person, scene: Scene, upper: Points, lower: Points) -> list[Shape]:
    """Iris, pupil and glint of both eyes, cut off by the lids."""
    dx, dy = iris_shift(scene)
    x = np.minimum(np.maximum(_DISCS[:, 0] + dx, -person.eye_width), person.eye_width)
    # The lids are given for the right eye; in the left one the inner corner is on the other side.
    place = _EYE_SIDES * (x / person.eye_width)
    discs = np.empty((2, len(_DISCS), 2))
    discs[:, :, 0] = x + _EYE_SIDES * person.eye_distance
    y = np.maximum(_DISCS[:, 1] + (EYE_Y + dy), np.interp(place, T, upper))
    discs[:, :, 1] = np.minimum(y, np.interp(place, T, lower))
    colors = (shade(person.iris, 0.6), person.iris, (14.0, 12.0, 12.0), (250.0, 250.0, 250.0))
    parts = ("iris", "", "", "")
    pairs = discs.reshape(2, len(colors), len(CIRCLE), 2)
    return [Shape(pairs[:, i], color, part=part) for i, (color, part) in enumerate(zip(colors, parts, strict=True))]


def brow_line(person: Person, units: ActionUnits) -> tuple[Points, Points]:
    """Middle of the image's right brow: x and y (13,), from the inner to the outer end."""
    lift = (0.15 * units.au01) * INNER + (0.13 - 0.05 * units.au04) * units.au02 * OUTER
    lower = units.au04 * max(0.0, 1.0 - 2.0 * units.au01) * (0.06 + 0.11 * INNER) + (0.07 * units.au09) * INNER
    rest = EYE_Y - person.brow_height - person.brow_arch * BOW + person.brow_tilt * T
    return person.eye_distance + 0.015 + 0.215 * T - (0.06 * units.au04) * INNER, rest - lift + lower


def brows(person: Person, units: ActionUnits) -> list[Shape]:
    """Both brows, thick inside and thin outside."""
    color = mix(shade(person.hair, 0.62), _LASHES, 0.35)
    x, y = brow_line(person, units)
    polygon = stroke(x, y, person.brow_thickness * _BROW_TAPER)
    return [Shape(mirrored(polygon), color, 0.03, "brow")]


def furrows(person: Person, units: ActionUnits) -> list[Shape]:
    """Lines in the skin: across the forehead (units 1 and 2), between the brows (4) and under the eyes (6)."""
    depth = 0.5 + 0.5 * person.wrinkles
    found = []
    raised = min(units.au01, units.au02) if units.au02 else 0.7 * units.au01
    if raised:
        reach = 0.36 if units.au02 else 0.2
        lines = [stroke(reach * T, EYE_Y - height + 0.02 * T**2, 0.022) for height in (0.5, 0.57)]
        found.append(Shape(np.stack(lines), shade(person.skin, 1.0 - 0.3 * raised * depth)))
    if units.au04:
        line = upright_stroke(0.06 + 0.012 * BOW, EYE_Y - 0.2 + 0.075 * T, 0.024)
        found.append(Shape(mirrored(line), shade(person.skin, 1.0 - 0.42 * units.au04 * depth), 0.05))
    if units.au06:
        x = person.eye_distance + person.eye_width * (0.1 + 0.95 * T)
        line = stroke(x, EYE_Y + 0.105 + 0.03 * BOW - 0.04 * OUTER, 0.024)
        found.append(Shape(mirrored(line), shade(person.skin, 1.0 - 0.32 * units.au06 * depth)))
    return found


@functools.lru_cache(maxsize=1024)
def glasses(person: Person) -> tuple[Shape, ...]:
    """Frame of the glasses, none where the person wears none."""
    if person.glasses == "none":
        return ()
    lens = CIRCLE if person.glasses == "round" else np.sign(CIRCLE) * np.abs(CIRCLE) ** 0.45
    width, height = person.eye_width + 0.065, person.eye_width + 0.02
    # Two contours a lens, filled between them.
    rings = [lens * (width - rim, height - rim) + (person.eye_distance, EYE_Y + 0.02) for rim in (0.0, 0.032)]
    inner, outer = person.eye_distance - width, person.eye_distance + width
    bridge = stroke(inner * T, EYE_Y - 0.01 - 0.025 * BOW, 0.035)
    temple = stroke(outer + (0.99 * person.width - outer) * OUTER, EYE_Y - 0.02, 0.035)
    return (
        Shape(mirrored(temple), shade(person.frames, 0.9)),
        Shape(np.concatenate([mirrored(ring) for ring in rings]), person.frames, 0.05),
        Shape(bridge[None], person.frames, 0.09),
    )
