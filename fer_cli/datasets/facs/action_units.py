"""Emotions as sets of action units of the facial action coding system (FACS).

The units are those of Ekman, Friesen and Hager, "Facial Action Coding System", 2002, and the sets that stand for an
emotion are the prototypes of its Investigator's Guide (EMFACS).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class ActionUnits:
    """Intensity of each unit, 0 (at rest) to 1 (as far as it goes)."""

    au01: float = 0.0  # inner brow raiser
    au02: float = 0.0  # outer brow raiser
    au04: float = 0.0  # brow lowerer: down and together
    au05: float = 0.0  # upper lid raiser
    au06: float = 0.0  # cheek raiser: lower lid up, crow's feet
    au07: float = 0.0  # lid tightener
    au09: float = 0.0  # nose wrinkler, which lifts the upper lip too
    au12: float = 0.0  # lip corner puller: the smile
    au15: float = 0.0  # lip corner depressor
    au16: float = 0.0  # lower lip depressor: the lower teeth show
    au20: float = 0.0  # lip stretcher
    au23: float = 0.0  # lip tightener: thin lips
    au26: float = 0.0  # jaw drop
    au43: float = 0.0  # eyes closed; in no emotion, there for pictures of a blink


#: Units of each emotion, in canonical order of the emotions.
EMOTION_UNITS: dict[str, tuple[str, ...]] = {
    "angry": ("au04", "au05", "au07", "au23"),
    "disgust": ("au09", "au15", "au16"),
    "fear": ("au01", "au02", "au04", "au05", "au07", "au20", "au26"),
    "happy": ("au06", "au12"),
    "sad": ("au01", "au04", "au15"),
    "surprise": ("au01", "au02", "au05", "au26"),
    "neutral": (),
}
#: Units that some emotion moves: the ones that vary in a data set.
MOVED_UNITS: tuple[str, ...] = tuple(
    unit.name for unit in fields(ActionUnits) if any(unit.name in units for units in EMOTION_UNITS.values())
)
#: The weakest intensity that still shows at 48×48.
WEAKEST = 0.6


def sample_units(rng: np.random.Generator, emotion: str) -> ActionUnits:
    """The units of `emotion`, each at an intensity drawn uniformly from `WEAKEST` to 1; all others at rest."""
    names = EMOTION_UNITS[emotion]
    return ActionUnits(**dict(zip(names, rng.uniform(WEAKEST, 1.0, len(names)).tolist(), strict=True)))
