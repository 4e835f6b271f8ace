"""What a face looks like, told in a few numbers, so that one can be known again among others of the same video."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.faces.detect import Box, Pixels

#: Bins of hue and saturation; side in pixels of the reduced face.
_HUES, _SATURATIONS, _SIDE = 12, 8, 16
#: What keeps a face of one level from a division by 0.
_LEAST = 1e-6


@dataclass(frozen=True, eq=False)
class Appearance:
    """What is remembered of a face.

    colours: float32 (96,), root of the share of each bin of hue and saturation. pattern: float32 (256,), grey levels of
    the reduced face, without their mean, of length 1.
    """

    colours: npt.NDArray[np.float32]
    pattern: npt.NDArray[np.float32]

    def likeness(self, other: Appearance) -> float:
        """0..1: half the Bhattacharyya coefficient of the colours, half the correlation of the grey levels."""
        return 0.5 * float(self.colours @ other.colours) + 0.5 * max(0.0, float(self.pattern @ other.pattern))


def appearance(image: Pixels, box: Box) -> Appearance | None:
    """What is in a box (left, top, width, height) of a picture uint8 (H, W, 3); None where that is outside of it."""
    small = _reduced(image, box)
    if small is None:
        return None
    colours = cv2.calcHist(
        [cv2.cvtColor(small, cv2.COLOR_RGB2HSV)], [0, 1], None, [_HUES, _SATURATIONS], [0, 180, 0, 256]
    )
    return Appearance(np.sqrt(colours.ravel() / colours.sum()).astype(np.float32), _pattern(small))


def resemblance(image: Pixels, box: Box, known: Appearance) -> float:
    """The correlation of the grey levels in a box with those known, -1..1; -1 where the box is outside of the picture.

    High as long as it is the same face in the same pose. Takes half the time of a whole `appearance`.
    """
    small = _reduced(image, box)
    return -1.0 if small is None else float(_pattern(small) @ known.pattern)


def _reduced(image: Pixels, box: Box) -> Pixels | None:
    left, top = max(0, round(box[0])), max(0, round(box[1]))
    right, bottom = round(box[0] + box[2]), round(box[1] + box[3])
    part = image[top : max(top, bottom), left : max(left, right)]
    if part.size == 0:
        return None
    # Twice the side is enough for colours, and bounds the time that a large face takes.
    small: Pixels = cv2.resize(part, (2 * _SIDE, 2 * _SIDE), interpolation=cv2.INTER_AREA)
    return small


def _pattern(small: Pixels) -> npt.NDArray[np.float32]:
    gray = cv2.resize(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    pattern = gray.astype(np.float32).ravel()
    pattern -= pattern.mean()
    pattern /= max(float(np.linalg.norm(pattern)), _LEAST)
    return np.asarray(pattern, np.float32)
