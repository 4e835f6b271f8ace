"""Draws the recordings of viewers whose attention is known: `draw.py VIEWER OUT.mp4 [SEED]`, VIEWER being of `VIEWERS`.

A minute before the camera. All look away at once for `TOGETHER`; besides, each is distracted alone, at another time and
in another way, and all smile for `SMILE`. So there is one moment of most distraction, one of most joy, and the share of
every state can be computed: `planted`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fer_cli.datasets.facs.action_units import ActionUnits
from fer_cli.datasets.facs.draw import draw_face
from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.facs.person import Person, sample_person
from fer_cli.datasets.facs.scene import Scene
from fer_cli.live.record import VideoFile

Pixels = npt.NDArray[np.uint8]
Span = tuple[float, float]

#: Seconds of a recording, and frames a second.
SECONDS, RATE = 60.0, 5.0
#: When everybody looks away, and when everybody smiles.
TOGETHER, SMILE = (20.0, 30.0), (45.0, 55.0)
#: What each viewer does alone: looks away, shuts the eyes, leaves.
VIEWERS: dict[str, tuple[str, Span]] = {
    "anna": ("away", (5.0, 10.0)),
    "bert": ("eyes closed", (35.0, 43.0)),
    "cleo": ("no face", (12.0, 18.0)),
}
#: Side of the picture of a face, and size of a frame, in pixels.
_SIDE, _HEIGHT, _WIDTH = 180, 180, 240


def state(viewer: str, seconds: float) -> str:
    """Of `labels.ATTENTION`, what a viewer does at a time."""
    kind, span = VIEWERS[viewer]
    if _within(seconds, TOGETHER):
        return "away"
    return kind if _within(seconds, span) else "screen"


def planted(viewer: str) -> dict[str, float]:
    """The share of each state in a viewer's recording."""
    kind, (start, end) = VIEWERS[viewer]
    shares = {"away": (TOGETHER[1] - TOGETHER[0]) / SECONDS}
    shares[kind] = shares.get(kind, 0.0) + (end - start) / SECONDS
    return {"screen": 1 - sum(shares.values()), **shares}


def frames(viewer: str, seed: int) -> Iterator[Pixels]:
    """uint8 (180, 240, 3), RGB: a person before a wall, who never sits quite still."""
    number = list(VIEWERS).index(viewer)
    rng = np.random.default_rng([seed, number])
    who = _person(rng)
    wall = np.full((_HEIGHT, _WIDTH, 3), (122, 128, 124), np.uint8)
    for frame in range(round(SECONDS * RATE)):
        seconds = frame / RATE
        image, doing = wall.copy(), state(viewer, seconds)
        if doing != "no face":
            left = round((_WIDTH - _SIDE) / 2 + 3 * np.sin(seconds / 2 + number))
            image[:, left : left + _SIDE] = draw_face(_face(who, doing, _within(seconds, SMILE), rng), _SIDE, "rgb")
        yield image


def _within(seconds: float, span: Span) -> bool:
    return span[0] <= seconds < span[1]


def _person(rng: np.random.Generator) -> Person:
    """Somebody whose eyes no glasses and whose mouth no beard hides."""
    while (who := sample_person(rng)).glasses != "none" or who.beard != "none":
        pass
    return who


def _face(who: Person, doing: str, smiling: bool, rng: np.random.Generator) -> Face:
    gaze = (24.0, 0.0) if doing == "away" else (0.0, 0.0)
    aside, down = rng.normal(gaze, 0.5)
    units = ActionUnits(au06=0.9 * smiling, au12=0.9 * smiling, au43=1.0 * (doing == "eyes closed"))
    turned = 22.0 if doing == "away" else 0.0
    yaw, roll = rng.normal((turned, 0.0), 0.5)
    scene = Scene(yaw=yaw, roll=roll, gaze_x=aside, gaze_y=down, scale=0.36, blur=0.004, noise=2.0)
    return Face(who, units, scene)


def main(viewer: str, out: str, seed: str = "0") -> None:
    """Write the recording of a viewer."""
    with VideoFile(Path(out), RATE) as video:
        for image in frames(viewer, int(seed)):
            video.write(image)


if __name__ == "__main__":
    main(*sys.argv[1:])
