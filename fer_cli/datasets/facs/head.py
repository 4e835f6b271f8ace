"""Head, ears, nose, hair, beard and shoulders: action units 9 (nose) and 26 (chin)."""

from __future__ import annotations

import functools

import numpy as np

from fer_cli.datasets.facs.action_units import ActionUnits
from fer_cli.datasets.facs.colors import mix, shade
from fer_cli.datasets.facs.mouth import Lips
from fer_cli.datasets.facs.person import Person
from fer_cli.datasets.facs.shapes import (
    BOW,
    OUTER,
    Points,
    Shape,
    T,
    area,
    between,
    curve,
    ellipse,
    mirrored,
    stroke,
    upright_stroke,
)

#: How far the tip of the nose stands out.
NOSE_RELIEF = 0.2
_NOSE_ROOT = 0.02
_NOSE_LIFT = 0.035
#: Persons whose unchanging parts are kept.
_PERSONS = 1024

_ANGLES = np.linspace(0.0, np.pi, 21)
_COS, _SIN = np.cos(_ANGLES), np.sin(_ANGLES)


def nose_tip(person: Person, units: ActionUnits) -> float:
    """Height of the tip of the nose in the head's frame."""
    return _NOSE_ROOT + person.nose_length - _NOSE_LIFT * units.au09


@functools.lru_cache(maxsize=_PERSONS)
def behind(person: Person) -> tuple[Shape, ...]:
    """What the head covers: hair at the back, neck, shoulders, ears."""
    w, dark = person.width, shade(person.hair, 0.8)
    found = []
    if person.hair_style == "long":
        top = np.stack([(w + 0.17) * _COS[:11], -1.1 * _SIN[:11]], axis=1)
        found.append(Shape(_symmetric(np.array([(w + 0.13, 1.3), (w + 0.21, 0.7), *top])), dark, -0.2))
    if person.hair_style == "curls":
        # One shape a curl: overlapping polygons of one shape would cut holes into each other.
        angles = np.linspace(-0.3, 3.44, 9)
        curls = [ellipse((w + 0.05) * np.cos(a), -0.25 - 0.82 * np.sin(a), 0.27, 0.27) for a in angles]
        found += [Shape(curl[None], dark, -0.2) for curl in curls]
    neck = np.array([(1.7, 1.75), (1.1, 1.42), (0.42, 1.25), (0.36, 0.6), (0.0, 0.6)])
    shirt = np.array([(2.2, 2.6), (1.7, 1.62), (1.1, 1.36), (0.46, 1.2), (0.0, 1.55)])
    found.append(Shape(_symmetric(neck), shade(person.skin, 0.72), -0.3))
    found.append(Shape(_symmetric(shirt), person.clothes, -0.3))
    if person.hair_style != "long":
        found.append(Shape(mirrored(ellipse(w + 0.02, 0.1, 0.09, person.ears)), shade(person.skin, 0.9), -0.05))
        found.append(Shape(mirrored(ellipse(w + 0.03, 0.1, 0.045, 0.6 * person.ears)), shade(person.skin, 0.7), -0.05))
    return tuple(found)


def skin(person: Person, units: ActionUnits) -> list[Shape]:
    """The bare face."""
    return [Shape(between(_skull(person), _jaw(person, units))[None], person.skin, part="face")]


def nose(person: Person, units: ActionUnits) -> list[Shape]:
    """Bridge, tip, wings and nostrils; unit 9 lifts them and wrinkles the bridge."""
    found = list(_nose_at_rest(person))
    if units.au09:
        found = [shape._replace(polygons=shape.polygons - (0.0, _NOSE_LIFT * units.au09)) for shape in found]
        lines = [stroke(0.1 * T, height - 0.03 * BOW, 0.024) for height in (0.04, 0.105, 0.17)]
        found.append(Shape(np.stack(lines), shade(person.skin, 1.0 - 0.42 * units.au09), 0.1))
    return found


@functools.lru_cache(maxsize=_PERSONS)
def _nose_at_rest(person: Person) -> tuple[Shape, ...]:
    tip, half = _NOSE_ROOT + person.nose_length, person.nose_width
    dark, light = shade(person.skin, 0.86), mix(person.skin, (255.0, 250.0, 240.0), 0.1)
    wing = upright_stroke(half * (0.9 + 0.14 * BOW), tip + 0.02 + 0.055 * T, 0.024)
    bridge = upright_stroke(0.05 + 0.04 * OUTER, 0.14 * T, 0.03)
    return (
        Shape(ellipse(0.0, tip + 0.015, half, 0.07)[None], dark, 0.1, "nose"),
        Shape(ellipse(0.0, tip - 0.02, 0.6 * half, 0.06)[None], light, NOSE_RELIEF),
        Shape(mirrored(ellipse(0.48 * half, tip + 0.055, 0.034, 0.02)), shade(person.skin, 0.5), 0.12),
        Shape(mirrored(wing), shade(person.skin, 0.66), 0.08),
        Shape(mirrored(bridge), dark, 0.08),
    )


@functools.lru_cache(maxsize=_PERSONS)
def hair(person: Person) -> tuple[Shape, ...]:
    """Hair in front of the head."""
    gloss = 0.5 * person.width * T - 0.1
    if person.hair_style == "bald":
        return (Shape(stroke(gloss, -0.8 + 0.12 * T**2, 0.06)[None], mix(person.skin, (255.0, 255.0, 255.0), 0.15)),)
    # Height of the hairline at the temples, and how square it is.
    temple, power = {
        "short": (-0.12, 4.0),
        "side parting": (-0.08, 5.0),
        "fringe": (0.05, 10.0),
        "long": (0.25, 1.6),
    }.get(person.hair_style, (-0.1, 3.0))
    brow = person.hairline + (0.16 if person.hair_style == "fringe" else 0.0)
    slant = 0.14 * T * BOW if person.hair_style == "side parting" else 0.0
    front = curve(0.985 * person.width * T, brow + (temple - brow) * np.abs(T) ** power + slant)
    return (
        Shape(between(_skull(person, 0.07)[::-1], front)[None], person.hair),
        Shape(stroke(gloss, -0.88 + 0.12 * T**2, 0.05)[None], mix(person.hair, (255.0, 255.0, 255.0), 0.1)),
    )


def beard(person: Person, units: ActionUnits, edges: Lips) -> list[Shape]:
    """Stubble, moustache, goatee or full beard; the mouth is drawn over it."""
    if person.beard == "none":
        return []
    color = mix(person.skin, person.hair, 0.4) if person.beard == "stubble" else shade(person.hair, 0.9)
    low = edges.lower[len(T) // 2]
    found = []
    if person.beard in ("stubble", "full"):
        chin = _jaw(person, units)[2:-2] * (1.0, 1.01)
        cheek = np.stack([0.95 * chin[:, 0], 0.54 - 0.3 * (chin[:, 0] / person.width) ** 4], axis=1)
        found.append(Shape(between(cheek, chin)[None], color, part="beard"))
    if person.beard == "goatee":
        chin = curve(0.24 * T, low + 0.03 + (0.94 + _jaw_drop(units) - low) * BOW**0.5)
        found.append(Shape(between(curve(0.2 * T, low + 0.03 - 0.02 * BOW), chin)[None], color, 0.03, "beard"))
    if person.beard != "stubble":
        moustache = area(edges.x, edges.upper - 0.03 - 0.05 * BOW, edges.upper)
        found.append(Shape(moustache[None], color, 0.05, "beard"))
    return found


def _jaw_drop(units: ActionUnits) -> float:
    return 0.13 * units.au26


@functools.lru_cache(maxsize=_PERSONS)
def _skull(person: Person, grow: float = 0.0) -> Points:
    """Upper outline from the image's right ear over the crown to the left one, (21, 2)."""
    return np.stack([(person.width + grow) * _COS, -(1.0 + grow) * _SIN], axis=1)


def _jaw(person: Person, units: ActionUnits) -> Points:
    """Lower outline from the image's right ear past the chin to the left one, (21, 2)."""
    return _jaw_at_rest(person) * (1.0, 1.0 + _jaw_drop(units))


@functools.lru_cache(maxsize=_PERSONS)
def _jaw_at_rest(person: Person) -> Points:
    x = person.width * np.copysign(np.abs(_COS) ** person.jaw, _COS)
    return np.stack([x, _SIN], axis=1)


def _symmetric(right: Points) -> Points:
    """One polygon (1, 2N, 2) from its right half."""
    return between(right, right * (-1.0, 1.0))[None]
