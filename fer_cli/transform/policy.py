"""The text that says how faces are augmented: "default noise:0.05", "flip rotate:10 shift:0.1".

A policy is a list of operations, each with one number, its magnitude. Their order in the text means nothing: they act
in the order of `OPERATIONS`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from fer_cli.catalog import unknown
from fer_cli.errors import UsageError


@dataclass(frozen=True)
class Operation:
    """What a magnitude means: it lies in 0..maximum, and 0 leaves the operation out.

    unit: "probability" that a face gets the operation, or the unit of the largest change, whose size and direction are
    drawn for each face. default: the magnitude of the bare name.
    """

    meaning: str
    unit: str
    maximum: float
    default: float


#: Every operation, in the order in which they act on a face.
OPERATIONS: dict[str, Operation] = {
    "flip": Operation("mirror left and right", "probability", 1, 0.5),
    "zoom": Operation("enlarge or shrink, keeping proportions", "change of the scale 1", 0.5, 0.1),
    "shear": Operation("slant the upright, either way", "degrees", 45, 5),
    "rotate": Operation("turn about the centre, either way", "degrees", 180, 10),
    "perspective": Operation(
        "tilt, so that one edge shrinks as its opposite grows", "change of the scale 1", 0.4, 0.05
    ),
    "shift": Operation("move along both axes", "fraction of the side", 0.5, 0.1),
    "blur": Operation("Gaussian blur, sigma 1 to 2 % of the side", "probability", 1, 0.2),
    "sharpness": Operation("blend with the smoothed face, or away from it", "change of the factor 1", 1, 0.3),
    "normalize": Operation("bring the face to mean 1/2 and standard deviation 1/4 of full scale", "probability", 1, 1),
    "brightness": Operation("multiply the levels", "change of the factor 1", 1, 0.2),
    "contrast": Operation("multiply the distance from the face's mean level", "change of the factor 1", 1, 0.2),
    "gamma": Operation("raise levels to a power p, 1 / (1 + magnitude) <= p <= 1 + magnitude", "exponent", 4, 0.2),
    "noise": Operation("add Gaussian noise (variance = square)", "standard deviation, full scale 1", 1, 0.02),
    "erase": Operation("fill a rectangle of 2 to 15 % of the area with noise", "probability", 1, 0.25),
}

#: Recipes by name; `default` is meant for FER2013 and sets like it.
NAMED_POLICIES: dict[str, str] = {
    "none": "",
    "light": "flip:0.5 zoom:0.05 rotate:5 shift:0.05",
    "default": "flip:0.5 zoom:0.15 rotate:10 shift:0.1 brightness:0.2 contrast:0.2 erase:0.25",
    "strong": "flip:0.5 zoom:0.2 shear:8 rotate:15 perspective:0.1 shift:0.15 blur:0.2 sharpness:0.5 "
    "brightness:0.3 contrast:0.3 gamma:0.2 noise:0.02 erase:0.5",
}


@dataclass(frozen=True)
class Policy:
    """Magnitudes of the operations that are in use; `policy[name]` is 0.0 for the others.

    `str(policy)` is a text that `parse_policy` reads back to an equal policy. Made by `parse_policy`, which checks it.
    """

    magnitudes: Mapping[str, float]

    def __getitem__(self, name: str) -> float:
        return self.magnitudes.get(name, 0.0)

    def __str__(self) -> str:
        words = (f"{name}:{_shortest(self[name])}" for name in OPERATIONS if self[name])
        return " ".join(words) or "none"


def parse_policy(text: str) -> Policy:
    """Read a policy: words `NAME:MAGNITUDE` or `NAME` between blanks or commas, after the name of a policy or alone.

    A word overrides what the named policy says ("strong erase:0"). Raises `UsageError` naming the word that is wrong.
    """
    words = text.lower().replace(",", " ").split()
    if not words:
        raise UsageError("the augmentation policy is empty. Expected: the name of one, or words such as rotate:10")
    named = words.pop(0) if words[0] in NAMED_POLICIES else "none"
    base = _magnitudes(NAMED_POLICIES[named].split())
    chosen = base | _magnitudes(words)
    return Policy({name: chosen[name] for name in OPERATIONS if chosen.get(name)})


def _magnitudes(words: list[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for word in words:
        name, magnitude = _read_word(word)
        if name in found:
            raise UsageError(f"augmentation {word!r}: {name} stands twice")
        found[name] = magnitude
    return found


def _read_word(word: str) -> tuple[str, float]:
    name, colon, number = word.partition(":")
    if name in NAMED_POLICIES:
        raise UsageError(f"augmentation {word!r}: the name of a policy stands first, alone, and without a number")
    if name not in OPERATIONS:
        raise UsageError(unknown("augmentation", name, [*NAMED_POLICIES, *OPERATIONS]))
    operation = OPERATIONS[name]
    if not colon:
        return name, operation.default
    try:
        magnitude = float(number)
    except ValueError:
        magnitude = math.nan  # in no range
    if not 0 <= magnitude <= operation.maximum:
        expected = f"{name} from 0 to {_shortest(operation.maximum)} ({operation.unit})"
        raise UsageError(f"augmentation {word!r}: expected {expected}. Received: {number!r}")
    return name, magnitude


def _shortest(number: float) -> str:
    """The shortest text that `float` reads back to the same number."""
    return repr(float(number)).removesuffix(".0")
