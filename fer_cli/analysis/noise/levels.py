"""The levels of a sweep: Gaussian noise of given variances, and corruptions in their five severities."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fer_cli.analysis.noise.images import Corrupt
from fer_cli.transform.corrupt import SEVERITIES, Corruption
from fer_cli.transform.corrupt_noise import gaussian_noise

#: Kinds that are no corruption of the catalog: images as they are, and Gaussian noise by its variance.
CLEAN, VARIANCE = "clean", "variance"
#: How often each level that draws anything is drawn, where nobody says otherwise.
VARIANCE_REPEATS, SEVERITY_REPEATS = 10, 1


@dataclass(frozen=True)
class Level:
    """One point of a sweep.

    value: a variance on the scale 0..1, or a severity; 0 for clean images. corrupt: what is done to the images, None
    for nothing. repeats: how often it is drawn and scored.
    """

    kind: str
    value: float
    corrupt: Corrupt | None
    repeats: int

    @property
    def name(self) -> str:
        """What a published figure of this level is called: variance-0.05, fog-3."""
        return level_name(self.kind, self.value)


def level_name(kind: str, value: float) -> str:
    """The name of a level; that of clean images is the start of every sweep."""
    return CLEAN if value == 0 else f"{kind}-{value:g}"


def levels(variances: Iterable[float], kinds: Mapping[str, Corruption], repeats: int | None) -> list[Level]:
    """Clean images, then the variances in ascending order, then each kind in five severities.

    variances: 0 is what comes first anyway. repeats: None for `VARIANCE_REPEATS` and `SEVERITY_REPEATS`. A kind in
    which nothing is drawn is scored once.
    """
    found = [Level(CLEAN, 0.0, None, 1)]
    for variance in sorted(set(variances) - {0.0}):
        found.append(Level(VARIANCE, variance, _noise(variance), repeats or VARIANCE_REPEATS))
    for name, corruption in kinds.items():
        times = (repeats or SEVERITY_REPEATS) if corruption.chance else 1
        found += [Level(name, severity, _severe(corruption, severity), times) for severity in SEVERITIES]
    return found


def _noise(variance: float) -> Corrupt:
    return lambda images, rng: gaussian_noise.apply(images, math.sqrt(variance), rng)


def _severe(corruption: Corruption, severity: int) -> Corrupt:
    return lambda images, rng: corruption(images, severity, rng)
