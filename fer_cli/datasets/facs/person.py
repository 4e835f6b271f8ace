"""Who a face belongs to: its shape, colours, hair, glasses and beard, all that an expression leaves alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_cli.datasets.facs.colors import RGB, along

#: Skin tone groups and where each begins on the tone scale 0 (lightest) to 1 (darkest).
SKIN_GROUPS: tuple[str, ...] = ("light", "medium", "dark")
_GROUP_STARTS = (0.0, 0.36, 0.68)

_SKIN_TONES = ((247, 218, 194), (240, 196, 160), (220, 165, 122), (186, 124, 82), (142, 90, 58), (104, 64, 42))
_HAIR_COLORS = ((34, 27, 25), (62, 42, 30), (104, 70, 42), (162, 116, 62), (205, 168, 105), (140, 138, 136))
_IRIS_COLORS = ((62, 38, 22), (92, 58, 28), (58, 84, 62), (58, 86, 120))
_CLOTHES = ((70, 92, 130), (150, 70, 66), (88, 120, 92), (60, 60, 68), (196, 180, 150), (206, 206, 210))
_FRAMES = ((28, 26, 30), (96, 44, 40), (176, 140, 84))

HAIR_STYLES: tuple[str, ...] = ("bald", "short", "side parting", "fringe", "long", "curls")
BEARDS: tuple[str, ...] = ("none", "stubble", "moustache", "goatee", "full")
GLASSES: tuple[str, ...] = ("none", "round", "square")


@dataclass(frozen=True)
class Person:
    """What stays the same in all pictures of a person. Lengths are in half head heights, colours RGB 0..255.

    tone: 0 (lightest skin) to 1 (darkest). jaw: exponent of the lower outline, below 1 square, above 1 pointed.
    smile_opening: how far a full smile bares the teeth, 0..1. mouth_bend, brow_tilt, eye_tilt: at rest, positive
    where the outer ends are lower. wrinkles: 0..1, how deep lines fall.
    """

    tone: float
    skin: RGB
    hair: RGB
    iris: RGB
    lips: RGB
    clothes: RGB
    frames: RGB
    width: float
    jaw: float
    ears: float
    eye_distance: float
    eye_width: float
    eye_height: float
    eye_tilt: float
    brow_height: float
    brow_thickness: float
    brow_arch: float
    brow_tilt: float
    nose_length: float
    nose_width: float
    mouth_height: float
    mouth_width: float
    mouth_bend: float
    lip_thickness: float
    smile_opening: float
    hairline: float
    wrinkles: float
    hair_style: str
    beard: str
    glasses: str

    @property
    def skin_group(self) -> int:
        """Index into `SKIN_GROUPS`."""
        return sum(self.tone >= start for start in _GROUP_STARTS) - 1


_SHAPE_RANGES: dict[str, tuple[float, float]] = {
    "width": (0.69, 0.83),
    "jaw": (0.62, 1.0),
    "ears": (0.14, 0.2),
    "eye_distance": (0.31, 0.36),
    "eye_width": (0.165, 0.2),
    "eye_height": (0.135, 0.175),
    "eye_tilt": (-0.03, 0.02),
    "brow_height": (0.27, 0.31),
    "brow_thickness": (0.05, 0.09),
    "brow_arch": (0.02, 0.06),
    "brow_tilt": (-0.015, 0.03),
    "nose_length": (0.33, 0.4),
    "nose_width": (0.11, 0.15),
    "mouth_height": (0.62, 0.67),
    "mouth_width": (0.25, 0.31),
    "mouth_bend": (-0.02, 0.02),
    "lip_thickness": (0.055, 0.085),
    "smile_opening": (0.35, 1.0),
    "hairline": (-0.72, -0.58),
    "wrinkles": (0.2, 1.0),
}


def sample_person(rng: np.random.Generator) -> Person:
    """A person with every trait drawn independently."""
    tone = float(rng.random())
    skin = along(_SKIN_TONES, tone)
    shape = {name: float(rng.uniform(*span)) for name, span in _SHAPE_RANGES.items()}
    # Light hair is rare with dark skin, and fair persons have any.
    hair = along(_HAIR_COLORS, rng.random() * (1.0 if tone < _GROUP_STARTS[1] else 0.35))
    return Person(
        tone=tone,
        skin=skin,
        hair=hair,
        iris=along(_IRIS_COLORS, rng.random() * (1.0 if tone < _GROUP_STARTS[2] else 0.3)),
        lips=along((skin, (168.0, 52.0, 60.0)), rng.uniform(0.25, 0.7)),
        clothes=along(_CLOTHES, rng.random()),
        frames=along(_FRAMES, rng.random()),
        hair_style=str(rng.choice(HAIR_STYLES, p=(0.1, 0.24, 0.2, 0.16, 0.18, 0.12))),
        beard=str(rng.choice(BEARDS, p=(0.64, 0.09, 0.09, 0.08, 0.1))),
        glasses=str(rng.choice(GLASSES, p=(0.7, 0.15, 0.15))),
        **shape,
    )
