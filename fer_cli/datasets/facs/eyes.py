"""Brows, eyes, lids and glasses: action units 1, 2, 4, 5, 6, 7 and 43.

Every argument is the `Columns` of as many faces.
"""

from __future__ import annotations

import numpy as np

from fer_cli.datasets.facs.colors import RGB, mix
from fer_cli.datasets.facs.columns import Columns, Points, active
from fer_cli.datasets.facs.shapes import (
    BOW,
    COS,
    INNER,
    OUTER,
    SIN,
    Shape,
    T,
    area,
    curve,
    ellipse,
    pair,
    single,
    stroke,
    upright_stroke,
)

#: Height of the eyes' axis in the head's frame.
EYE_Y = 0.04
#: Radius of the eyeball, which turns a gaze angle into a shift of the iris.
EYEBALL = 0.2

_LASHES: RGB = (38.0, 26.0, 24.0)
_SCLERA: RGB = (246.0, 243.0, 238.0)
_PUPIL: RGB = (14.0, 12.0, 12.0)
_GLINT: RGB = (250.0, 250.0, 250.0)
#: Rim, iris, pupil and glint, around the middle of the iris.
_DISCS = np.stack(
    [ellipse(x, y, r, r) for x, y, r in ((0, 0, 0.088), (0, 0, 0.072), (0, 0, 0.042), (-0.032, -0.034, 0.02))]
)


def lids(person: Columns, units: Columns, place: Points = T) -> tuple[Points, Points]:
    """Upper and lower lid of the image's right eye: y at each `place`, -1 (inner corner) to 1 (outer corner)."""
    squeeze = np.maximum(units.au06, 0.8 * units.au09)
    up = person.eye_height * (0.62 + 0.5 * units.au05 - 0.2 * units.au07 - 0.14 * squeeze)
    low = person.eye_height * (0.42 + 0.1 * units.au05 - 0.2 * units.au07 - 0.42 * squeeze)
    shut = person.eye_height * 0.25
    frown = 0.03 * units.au04 * (1.0 - units.au01)
    droop = 0.05 * units.au01 * (1.0 - units.au02)
    axis, bow = EYE_Y + person.eye_tilt * place, 1.0 - place**2
    upper = axis + (units.au43 * (shut + up) - up) * bow**0.75 + frown * (1.0 - place) * bow + droop * place
    lower = axis + (units.au43 * (shut - low) + low) * bow
    return np.minimum(upper, lower), lower


def openness(person: Columns, units: Columns) -> Points:
    """Greatest distance between the lids over the width of the eye, (N, 1): about 0.45 at rest, 0 for shut eyes."""
    upper, lower = lids(person, units)
    height: Points = (lower - upper).max(axis=1, keepdims=True)
    return height / (2.0 * person.eye_width)


def eyes(person: Columns, units: Columns, scene: Columns) -> list[Shape]:
    """Both eyes, back to front."""
    x = person.eye_distance + person.eye_width * T
    upper, lower = lids(person, units)
    crease = upper + 0.03 * units.au05 + 0.015 * units.au07 - 0.055
    return [
        Shape(pair(area(x, crease, upper)), 0.84 * person.skin),
        Shape(pair(area(x, upper, lower)), _SCLERA, part="eye"),
        *_irises(person, units, scene),
        Shape(pair(stroke(x, lower + 0.008, 0.022)), 0.58 * person.skin),
        Shape(pair(stroke(1.015 * x, upper - 0.01, 0.042)), _LASHES),
    ]


def iris_shift(scene: Columns) -> tuple[Points, Points]:
    """How far the gaze moves the iris from the middle of the eye, x and y (N, 1)."""
    return EYEBALL * np.sin(np.radians(scene.gaze_x)), EYEBALL * np.sin(np.radians(scene.gaze_y)) - 0.012


def _irises(person: Columns, units: Columns, scene: Columns) -> list[Shape]:
    """Iris, pupil and glint of both eyes, cut off by the lids."""
    dx, dy = iris_shift(scene)
    flat = _DISCS.reshape(-1, 2)
    x = np.clip(flat[:, 0] + dx, -person.eye_width, person.eye_width)
    # The lids are those of the right eye; in the left one the inner corner is on the other side.
    place = np.concatenate((-x, x), axis=1) / person.eye_width
    upper, lower = lids(person, units, place)
    y = np.clip(np.tile(flat[:, 1] + EYE_Y + dy, 2), upper, lower)
    x = np.concatenate((x - person.eye_distance, x + person.eye_distance), axis=1)
    discs = curve(x, y).reshape(len(person), 2, len(_DISCS), -1, 2)
    return [
        Shape(discs[:, :, 0], 0.6 * person.iris, part="iris"),
        Shape(discs[:, :, 1], person.iris),
        Shape(discs[:, :, 2], _PUPIL),
        Shape(discs[:, :, 3], _GLINT),
    ]


def brow_line(person: Columns, units: Columns) -> tuple[Points, Points]:
    """Middle of the image's right brow: x and y (N, 13), from the inner to the outer end."""
    lift = 0.15 * units.au01 * INNER + (0.13 - 0.05 * units.au04) * units.au02 * OUTER
    # Raised and lowered at once, as in fear and sadness, the inner ends are drawn together instead.
    lower = units.au04 * np.maximum(0.0, 1.0 - 2.0 * units.au01) * (0.06 + 0.11 * INNER) + 0.07 * units.au09 * INNER
    rest = EYE_Y - person.brow_height - person.brow_arch * BOW + person.brow_tilt * T
    return person.eye_distance + 0.015 + 0.215 * T - 0.06 * units.au04 * INNER, rest - lift + lower


def brows(person: Columns, units: Columns) -> list[Shape]:
    """Both brows, thick inside and thin outside."""
    outline = stroke(*brow_line(person, units), person.brow_thickness * (1.0 - 0.5 * OUTER**2))
    return [Shape(pair(outline), mix(0.62 * person.hair, _LASHES, 0.35), 0.03, "brow")]


def furrows(person: Columns, units: Columns) -> list[Shape]:
    """Lines in the skin: across the forehead (units 1 and 2), between the brows (4) and under the eyes (6)."""
    depth = 0.5 + 0.5 * person.wrinkles
    whole = units.au02 > 0.0
    raised = np.where(whole, np.minimum(units.au01, units.au02), 0.7 * units.au01)
    reach = np.where(whole, 0.36, 0.2) * T
    forehead = single(*(stroke(reach, EYE_Y - height + 0.02 * T**2, 0.022) for height in (0.5, 0.57)))
    frown = upright_stroke(0.06 + 0.012 * BOW, EYE_Y - 0.2 + 0.075 * T, 0.024)
    bag_x = person.eye_distance + person.eye_width * (0.1 + 0.95 * T)
    bag = stroke(bag_x, EYE_Y + 0.105 + 0.03 * BOW - 0.04 * OUTER, 0.024)
    return [
        Shape(forehead, (1.0 - 0.3 * raised * depth) * person.skin, drawn=active(raised)),
        Shape(pair(frown), (1.0 - 0.42 * units.au04 * depth) * person.skin, 0.05, drawn=active(units.au04)),
        Shape(pair(bag), (1.0 - 0.32 * units.au06 * depth) * person.skin, drawn=active(units.au06)),
    ]


def glasses(person: Columns) -> list[Shape]:
    """Frame of the glasses of those who wear any."""
    wears = ~person.are("glasses", "none")
    squareness = np.where(person.are("glasses", "square"), 0.45, 1.0)[:, None]
    cos, sin = (np.sign(c) * np.abs(c) ** squareness for c in (COS, SIN))
    width, height = person.eye_width + 0.065, person.eye_width + 0.02
    # Two contours a lens, filled between them.
    rings = [
        pair(curve(person.eye_distance + (width - rim) * cos, EYE_Y + 0.02 + (height - rim) * sin))
        for rim in (0.0, 0.032)
    ]
    inner, outer = person.eye_distance - width, person.eye_distance + width
    bridge = stroke(inner * T, EYE_Y - 0.01 - 0.025 * BOW, 0.035)
    temple = stroke(outer + (0.99 * person.width - outer) * OUTER, np.full_like(T, EYE_Y - 0.02), 0.035)
    return [
        Shape(pair(temple), 0.9 * person.frames, drawn=wears),
        Shape(np.concatenate(rings, axis=1), person.frames, 0.05, drawn=wears),
        Shape(single(bridge), person.frames, 0.09, drawn=wears),
    ]
