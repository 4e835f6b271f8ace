"""Videos with known truth: drawn people who move over a patterned ground."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.datasets.facs.draw import draw_face
from fer_cli.datasets.facs.face import Face as Drawn
from fer_cli.datasets.facs.geometry import regions
from fer_cli.datasets.facs.person import sample_person
from fer_cli.datasets.facs.scene import Scene
from fer_cli.faces.detect import Box

HEIGHT, WIDTH, SIDE, RATE = 216, 384, 108, 25.0
Pixels = npt.NDArray[np.uint8]
#: Time in seconds -> left and top of a picture of a face, or None where it is away.
Path = Callable[[float], tuple[float, float] | None]


@dataclass(frozen=True)
class Actor:
    """A person whose picture of 108 pixels moves along a path. face: box of the head within the picture."""

    patch: Pixels
    face: Box
    path: Path

    def box(self, seconds: float) -> Box | None:
        """Where the head is, None where it is not."""
        place = self.path(seconds)
        if place is None:
            return None
        return self.face[0] + place[0], self.face[1] + place[1], self.face[2], self.face[3]


def actor(person: int, path: Path) -> Actor:
    """A clean-shaven person without glasses."""
    who = replace(sample_person(np.random.default_rng(person)), glasses="none", beard="none")
    face = Drawn(who, scene=Scene(scale=0.34, blur=0.006))
    left, top, right, bottom = regions(face, SIDE)["face"]
    return Actor(draw_face(face, SIDE, "rgb"), (left, top, right - left, bottom - top), path)


def draw(actors: Sequence[Actor], seconds: float) -> Pixels:
    """uint8 (216, 384, 3); later actors are in front of earlier ones."""
    noise = np.random.default_rng(0).integers(60, 180, (HEIGHT // 12, WIDTH // 12, 3), np.uint8)
    image: Pixels = cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    for one in actors:
        place = one.path(seconds)
        if place is not None:
            x, y = place
            shift = np.array([[1, 0, x], [0, 1, y]], np.float64)
            moved = cv2.warpAffine(one.patch, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
            rows = slice(max(0, round(y)), max(0, round(y) + SIDE))
            columns = slice(max(0, round(x)), max(0, round(x) + SIDE))
            image[rows, columns] = moved[rows, columns]
    return image


def video(actors: Sequence[Actor], duration: float) -> Iterator[tuple[float, Pixels]]:
    """Times and frames, 25 a second."""
    for number in range(round(duration * RATE)):
        yield number / RATE, draw(actors, number / RATE)
