"""Faces in larger pictures: found, cut out, translated and put back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_cli.analysis.translation.base import Floats, Pixels, Translator
from fer_cli.faces.align import Square, square_of
from fer_cli.faces.crop import cut
from fer_cli.faces.detect import Detector
from fer_cli.faces.paste import paste
from fer_cli.transform.adapt import adapt_one


@dataclass(frozen=True, eq=False)
class Portraits:
    """The n faces of a picture uint8 (H, W, 3), the most prominent first.

    squares: where they are. faces: uint8 (n, h, w, c), as the translator takes them.
    """

    picture: Pixels
    squares: tuple[Square, ...]
    faces: Pixels

    def __len__(self) -> int:
        return len(self.squares)


def find_portraits(
    picture: Pixels, detector: Detector, shape: tuple[int, int, int], margin: float = 0.0, align: bool = True
) -> Portraits:
    """The faces that a detector finds in a picture uint8 (H, W, 3), as images of `shape` (h, w, c).

    margin, align: as for `faces.align.square_of`; they should be those of the faces that the translator learnt from.
    """
    squares = tuple(square_of(face, margin, align) for face in detector.detect(picture))
    faces = [adapt_one(cut(picture, square), shape) for square in squares]
    return Portraits(picture, squares, np.stack(faces) if faces else np.empty((0, *shape), np.uint8))


def translate_portraits(
    portraits: Portraits, translator: Translator, condition: Floats, strength: float = 1.0
) -> tuple[Pixels, Pixels]:
    """The picture with all its faces translated, and the translated faces uint8 (n, h, w, c).

    condition: float32 (K,), for all faces.
    """
    if not len(portraits):
        return portraits.picture, portraits.faces
    conditions = np.tile(condition, (len(portraits), 1))
    after, _ = translator.translate(portraits.faces, conditions, strength)
    changes = after.astype(np.float32) - portraits.faces
    picture = portraits.picture
    for square, change in zip(portraits.squares, changes, strict=True):
        picture = paste(picture, square, change)
    return picture, after
