"""Mouth, lips, teeth and the folds around them: action units 6, 9, 12, 15, 16, 20, 23 and 26.

Every argument is the `Columns` of as many faces, `edges` their `lips`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fer_cli.datasets.facs.colors import RGB, mix
from fer_cli.datasets.facs.columns import Columns, Points, active
from fer_cli.datasets.facs.shapes import BOW, OUTER, Shape, T, area, ellipse, pair, single, stroke, upright_stroke

#: How far the lips stand out.
RELIEF = 0.05

_CAVITY: RGB = (66.0, 20.0, 24.0)
_TEETH: RGB = (240.0, 236.0, 226.0)
_TONGUE: RGB = (180.0, 84.0, 88.0)
_BLUSH: RGB = (214.0, 84.0, 76.0)
#: Fullness of the lips along the mouth; the upper one dips in its middle.
_LOWER_RIM = 1.15 * (0.012 + BOW)
_UPPER_RIM = 0.8 * (0.012 + BOW) * (1.0 - 0.35 * np.exp(-((T / 0.2) ** 2)))
_MIDDLE = len(T) // 2


class Lips(NamedTuple):
    """The four edges of the lips: y (N, 13) each over the same x, from above outside, opening, opening, outside."""

    x: Points
    upper: Points
    upper_inner: Points
    lower_inner: Points
    lower: Points


def lips(person: Columns, units: Columns) -> Lips:
    """Where the lips are."""
    purse = 0.3 * units.au26 * (1.0 - units.au20) + 0.14 * units.au23
    half = person.mouth_width * (1.0 + 0.3 * units.au12 + 0.3 * units.au20 + 0.04 * units.au15 - purse)
    bend = person.mouth_bend + 0.18 * units.au15 - 0.24 * units.au12 + 0.03 * units.au20
    middle = person.mouth_height + 0.03 * units.au26 + bend * (0.6 - BOW)
    # A stretched or squared mouth is open along all its width, any other like an almond.
    square = np.maximum(units.au20, np.maximum(units.au16, 0.6 * units.au12))
    opening = 1.0 - np.abs(T) ** (2.0 + 2.5 * square)
    smile = 0.13 * units.au12 * person.smile_opening
    up = 0.09 * units.au26 * (1.0 - 0.35 * units.au20) + 0.3 * smile + 0.05 * units.au09 + 0.012 * units.au20
    down = 0.2 * units.au26 * (1.0 - 0.5 * units.au20) + 0.7 * smile + 0.085 * units.au16 + 0.012 * units.au20
    fullness = person.lip_thickness * (1.0 - 0.65 * units.au23) * (1.0 - 0.3 * np.maximum(units.au12, units.au20))
    upper, lower = middle - up * opening, middle + down * opening
    return Lips(half * T, upper - fullness * _UPPER_RIM, upper, lower, lower + fullness * _LOWER_RIM)


def mouth(person: Columns, units: Columns, edges: Lips) -> list[Shape]:
    """Lips and what shows between them, back to front."""
    x, lip = edges.x, 0.84 * person.lips
    line = stroke(x, edges.upper_inner, 0.02 + 0.016 * units.au23)
    return [
        Shape(single(area(x, edges.upper_inner, edges.lower)), person.lips, RELIEF, "mouth"),
        Shape(single(area(x, edges.upper, edges.upper_inner + 0.01)), lip, RELIEF, "mouth"),
        *_inside(edges, units),
        Shape(single(line), 0.6 * mix(person.lips, _CAVITY, 0.6), RELIEF),
    ]


def _inside(edges: Lips, units: Columns) -> list[Shape]:
    """The cavity, the tongue of a dropped jaw, the upper and the lower teeth."""
    x, top, bottom = edges.x, edges.upper_inner, edges.lower_inner
    opening = bottom - top
    open_ = opening[:, _MIDDLE] > 0.02
    tongue = 0.4 * units.au26 * (1.0 - units.au20)
    above = 0.09 * np.max([units.au12, 0.5 * units.au20, 0.6 * units.au09, 0.3 * units.au26], axis=0)
    below = 0.06 * np.maximum(units.au16, 0.7 * units.au20)
    tip = area(0.6 * x, bottom - tongue * opening * BOW, bottom - 0.01)
    upper_teeth = area(0.94 * x, top, top + np.minimum(above, opening))
    lower_teeth = area(0.9 * x, bottom - np.minimum(below, opening), bottom)
    return [
        Shape(single(area(x, top, bottom)), _CAVITY, RELIEF, drawn=open_),
        Shape(single(tip), _TONGUE, RELIEF, drawn=open_ & active(tongue - 0.1)),
        Shape(single(upper_teeth), _TEETH, RELIEF, drawn=open_ & active(above)),
        Shape(single(lower_teeth), _TEETH, RELIEF, drawn=open_ & active(below)),
    ]


def folds(person: Columns, units: Columns, edges: Lips) -> list[Shape]:
    """Cheeks, the folds from the nose to the corners of the mouth, and the hollow above the chin."""
    blush = 0.16 * np.maximum(units.au12, units.au06)
    depth = np.max([units.au12, units.au09, 0.6 * units.au15, 0.4 * units.au20, 0.12 * person.wrinkles], axis=0)
    start, end = 0.34 - 0.05 * units.au09, edges.upper_inner[:, -1:] - 0.02
    x = 0.17 + (edges.x[:, -1:] - 0.1) * OUTER + 0.035 * BOW
    fold = upright_stroke(x, start + (end - start) * OUTER, 0.026)
    hollow = stroke(0.13 * T, edges.lower[:, [_MIDDLE]] + 0.045 + (0.02 - 0.04 * units.au15) * BOW, 0.028)
    return [
        Shape(pair(ellipse(0.45, 0.33, 0.18, 0.13)), mix(person.skin, _BLUSH, 0.5 * blush), drawn=active(blush)),
        Shape(pair(ellipse(0.45, 0.33, 0.13, 0.09)), mix(person.skin, _BLUSH, blush), drawn=active(blush)),
        Shape(pair(fold), (1.0 - 0.28 * depth) * person.skin),
        Shape(single(hollow), (0.82 - 0.1 * units.au15) * person.skin),
    ]
