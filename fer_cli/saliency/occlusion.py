"""What the network loses when a window of the face is covered."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from fer_cli.saliency.base import Images, Maps, absent
from fer_cli.saliency.hiding import Hiding, Masks


class Occlusion(Hiding):
    """By how much the probability falls when a pixel is covered, on average over the windows that cover it.

    A window has the face's mean colour and moves by half its side: 121 views of a face.

    Zeiler and Fergus: Visualizing and Understanding Convolutional Networks (ECCV 2014, arXiv:1311.2901).
    """

    #: Side of a window, of the image's: an eye, or half a mouth.
    part: ClassVar[float] = 1 / 6

    def explain_face(self, image: Images, label: int) -> Maps:
        """Probability, above 0 where it falls."""
        height, width = image.shape[:2]
        covered = _windows(height, width, self.part)
        masks = 1 - np.concatenate([np.zeros((1, height, width), np.float32), covered])
        whole, *rest = self.seen(image, absent(image[None])[0], masks, label)
        falls = (whole - np.array(rest))[:, None, None] * covered
        found: Maps = (falls.sum(0) / covered.sum(0)).astype(np.float32)
        return found


def _windows(height: int, width: int, part: float) -> Masks:
    """(M, H, W): 1 inside of each window; together they cover all pixels."""
    spans = []
    for side in (height, width):
        size = max(1, round(part * side))
        starts = np.unique(np.append(np.arange(0, side - size, max(1, size // 2)), side - size))
        places = np.arange(side)
        spans.append((places >= starts[:, None]) & (places < starts[:, None] + size))
    rows, columns = spans
    windows = rows[:, None, :, None] & columns[None, :, None, :]
    return windows.reshape(-1, height, width).astype(np.float32)
