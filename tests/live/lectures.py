"""Logs of a lecture whose events are planted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_cli.labels import EMOTIONS
from fer_cli.live.log import LogRow, LogWriter

#: Seconds of the planted events: everybody looks away, everybody frowns, everybody laughs.
AWAY, CONFUSED, LAUGHING = (120, 150), (240, 270), (330, 360)
#: What fails at other times too, so that nothing is sure: a share of the rows.
_NOISE = 0.1


@dataclass(frozen=True)
class Sitting:
    """How one viewer is logged. gap: seconds without rows. swap: classes in another order than `EMOTIONS`."""

    start: float = 0.0
    end: float = 420.0
    every: float = 1.0
    gap: tuple[float, float] = (0.0, 0.0)
    absent: tuple[float, float] = (0.0, 0.0)
    swap: bool = False


def inside(seconds: float, span: tuple[float, float]) -> bool:
    return span[0] <= seconds < span[1]


def write_viewer(path: Path, seed: int, sitting: Sitting | None = None) -> Path:
    """A viewer's log with the planted events."""
    sitting, rng = sitting or Sitting(), np.random.default_rng(seed)
    names = EMOTIONS[::-1] if sitting.swap else EMOTIONS
    with LogWriter(path, names) as writer:
        for seconds in np.arange(sitting.start, sitting.end, sitting.every):
            if not inside(seconds, sitting.gap):
                writer.write(_row(float(seconds), sitting, names, rng))
    return path


def _row(seconds: float, sitting: Sitting, names: tuple[str, ...], rng: np.random.Generator) -> LogRow:
    if inside(seconds, sitting.absent):
        return LogRow(seconds)
    emotion = "happy" if inside(seconds, LAUGHING) else "angry" if inside(seconds, CONFUSED) else "neutral"
    probabilities = np.array([0.76 if name == emotion else 0.04 for name in names])
    away = inside(seconds, AWAY) or rng.random() < _NOISE
    return LogRow(
        seconds,
        face=1,
        box=(100.0, 80.0, 120.0, 120.0),
        emotion=emotion,
        probabilities=tuple(probabilities.tolist()),
        gaze="left" if away else "centre",
        yaw=-30.0 if away else 2.0,
        pitch=1.0,
        roll=0.0,
        openness=0.31,
        attention="away" if away else "screen",
    )


#: Other lengths, rates, gaps and orders of the classes.
SITTINGS = {
    "ada": Sitting(),
    "bo": Sitting(every=0.25, end=400.0),
    "cy": Sitting(start=30.0, every=5.0),
    "dee": Sitting(gap=(60.0, 100.0), swap=True),
    "eve": Sitting(absent=(180.0, 200.0)),
}


def write_lecture(folder: Path) -> list[Path]:
    """Five viewers of seven minutes."""
    return [
        write_viewer(folder / f"{name}.csv", seed, sitting) for seed, (name, sitting) in enumerate(SITTINGS.items())
    ]
