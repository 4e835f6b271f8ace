"""Head, ears, nose, hair, beard and shoulders: action units 9 (nose) and 26 (chin).

Every argument is the `Columns` of as many faces.
"""

from __future__ import annotations

import numpy as np

from fer_cli.datasets.facs.colors import RGB, mix
from fer_cli.datasets.facs.columns import Columns, Points, active
from fer_cli.datasets.facs.mouth import Lips
from fer_cli.datasets.facs.shapes import (
    BOW,
    OUTER,
    Shape,
    T,
    area,
    between,
    ellipse,
    pair,
    single,
    stroke,
    upright_stroke,
)

#: How far the tip of the nose stands out.
NOSE_RELIEF = 0.2

_WHITE: RGB = (255.0, 252.0, 246.0)
_ANGLES = np.linspace(0.0, np.pi, 21)
_COS, _SIN = np.cos(_ANGLES), np.sin(_ANGLES)
#: Right halves of the neck and the shirt.
_NECK = np.array([(1.7, 1.75), (1.1, 1.42), (0.42, 1.25), (0.36, 0.6), (0.0, 0.6)])
_SHIRT = np.array([(2.2, 2.6), (1.7, 1.62), (1.1, 1.36), (0.46, 1.2), (0.0, 1.55)])
#: Hair style -> height of the hairline at the temples, its squareness, how much lower it is in the middle, its slant.
_HAIRLINES = {
    "bald": (0.0, 1.0, 0.0, 0.0),
    "short": (-0.12, 4.0, 0.0, 0.0),
    "side parting": (-0.08, 5.0, 0.0, 0.14),
    "fringe": (0.05, 10.0, 0.16, 0.0),
    "long": (0.25, 1.6, 0.0, 0.0),
    "curls": (-0.1, 3.0, 0.0, 0.0),
}


def nose_tip(person: Columns, units: Columns) -> Points:
    """Height of the tip of the nose in the head's frame, (N, 1)."""
    return 0.02 + person.nose_length - 0.035 * units.au09


def behind(person: Columns) -> list[Shape]:
    """What the head covers: hair at the back, neck, shoulders, ears."""
    w, dark = person.width, 0.8 * person.hair
    long = person.are("hair_style", "long")
    back_x = np.concatenate([w + 0.13, w + 0.21, (w + 0.17) * _COS[:11]], axis=1)
    back_y = np.concatenate([[1.3, 0.7], -1.1 * _SIN[:11]])
    # One shape a curl: overlapping polygons of one shape would cut holes into each other.
    curls = [ellipse((w + 0.05) * np.cos(a), -0.25 - 0.82 * np.sin(a), 0.27, 0.27) for a in np.linspace(-0.3, 3.44, 9)]
    return [
        Shape(single(between(back_x, back_y, -back_x, back_y)), dark, -0.2, drawn=long),
        *(Shape(single(curl), dark, -0.2, drawn=person.are("hair_style", "curls")) for curl in curls),
        Shape(single(_symmetric(_NECK)), 0.72 * person.skin, -0.3),
        Shape(single(_symmetric(_SHIRT)), person.clothes, -0.3),
        Shape(pair(ellipse(w + 0.02, 0.1, 0.09, person.ears)), 0.9 * person.skin, -0.05, drawn=~long),
        Shape(pair(ellipse(w + 0.03, 0.1, 0.045, 0.6 * person.ears)), 0.7 * person.skin, -0.05, drawn=~long),
    ]


def skin(person: Columns, units: Columns) -> list[Shape]:
    """The bare face."""
    return [Shape(single(between(*_skull(person), *_jaw(person, units))), person.skin, part="face")]


def nose(person: Columns, units: Columns) -> list[Shape]:
    """Bridge, tip, wings and nostrils; unit 9 lifts them and wrinkles the bridge."""
    tip, half, lift = nose_tip(person, units), person.nose_width, 0.035 * units.au09
    wing = upright_stroke(half * (0.9 + 0.14 * BOW), tip + 0.02 + 0.055 * T, 0.024)
    bridge = upright_stroke(0.05 + 0.04 * OUTER, 0.14 * T - lift, 0.03)
    wrinkles = single(*(stroke(0.1 * T, height - 0.03 * BOW, 0.024) for height in (0.04, 0.105, 0.17)))
    return [
        Shape(single(ellipse(0.0, tip + 0.015, half, 0.07)), 0.86 * person.skin, 0.1, "nose"),
        Shape(single(ellipse(0.0, tip - 0.02, 0.6 * half, 0.06)), mix(person.skin, _WHITE, 0.1), NOSE_RELIEF),
        Shape(pair(ellipse(0.48 * half, tip + 0.055, 0.034, 0.02)), 0.5 * person.skin, 0.12),
        Shape(pair(wing), 0.66 * person.skin, 0.08),
        Shape(pair(bridge), 0.86 * person.skin, 0.08),
        Shape(wrinkles, (1.0 - 0.42 * units.au09) * person.skin, 0.1, drawn=active(units.au09)),
    ]


def hair(person: Columns) -> list[Shape]:
    """Hair in front of the head, and the gloss on it or on the bald skin."""
    temple, squareness, drop, slant = person.look_up("hair_style", _HAIRLINES)
    middle = person.hairline + drop
    front = middle + (temple - middle) * np.abs(T) ** squareness + slant * T * BOW
    cap = between(*_skull(person, 0.07), -0.985 * person.width * T, front[:, ::-1])
    gloss = 0.5 * person.width * T - 0.1
    bald = person.are("hair_style", "bald")
    return [
        Shape(single(cap), person.hair, drawn=~bald),
        Shape(single(stroke(gloss, -0.88 + 0.12 * T**2, 0.05)), mix(person.hair, _WHITE, 0.1), drawn=~bald),
        Shape(single(stroke(gloss, -0.8 + 0.12 * T**2, 0.06)), mix(person.skin, _WHITE, 0.15), drawn=bald),
    ]


def beard(person: Columns, units: Columns, edges: Lips) -> list[Shape]:
    """Stubble, moustache, goatee or full beard; the mouth is drawn over it."""
    stubble = person.are("beard", "stubble")
    color = np.where(stubble[:, None], mix(person.skin, person.hair, 0.4), 0.9 * person.hair)
    low = edges.lower[:, [len(T) // 2]] + 0.03
    chin_x, chin_y = (edge[:, 2:-2] for edge in _jaw(person, units))
    cheek_y = 0.54 - 0.3 * (chin_x / person.width) ** 4
    chin = low + (0.97 + _jaw_drop(units) - low) * np.sqrt(BOW)
    moustache = area(edges.x, edges.upper - 0.03 - 0.05 * BOW, edges.upper)
    return [
        Shape(
            single(between(0.95 * chin_x, cheek_y, chin_x, 1.01 * chin_y)),
            color,
            part="beard",
            drawn=stubble | person.are("beard", "full"),
        ),
        Shape(
            single(between(0.2 * T, low - 0.02 * BOW, 0.24 * T, chin)),
            color,
            0.03,
            "beard",
            person.are("beard", "goatee"),
        ),
        Shape(single(moustache), color, 0.05, "beard", person.are("beard", "moustache", "goatee", "full")),
    ]


def _jaw_drop(units: Columns) -> Points:
    return 0.13 * units.au26


def _skull(person: Columns, grow: float = 0.0) -> tuple[Points, Points]:
    """Upper outline from the image's right ear over the crown to the left one, x and y."""
    return (person.width + grow) * _COS, -(1.0 + grow) * _SIN


def _jaw(person: Columns, units: Columns) -> tuple[Points, Points]:
    """Lower outline from the image's right ear past the chin to the left one, x and y (N, 21)."""
    return person.width * np.copysign(np.abs(_COS) ** person.jaw, _COS), (1.0 + _jaw_drop(units)) * _SIN


def _symmetric(right: Points) -> Points:
    x, y = right.T
    return between(x, y, -x, y)
