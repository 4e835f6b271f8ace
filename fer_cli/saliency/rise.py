"""What the network says of a face through many random masks."""

from __future__ import annotations

import math
from functools import cached_property
from typing import ClassVar

import cv2
import numpy as np

from fer_cli.saliency.base import Images, Maps, absent
from fer_cli.saliency.hiding import Hiding, Masks


class Rise(Hiding):
    """How much more probable the class is than on average where a pixel is seen through a random mask.

    The paper puts out the mean probability alone, of which nearly all is the same at each pixel, and hides by black;
    here the overall mean is taken away, and hidden pixels have the face's mean colour. It takes 4,000 to 8,000 masks
    for photos; faces of 48 pixels, with as many cells, are clear after 1,000.

    Petsiuk, Das and Saenko: RISE: Randomized Input Sampling for Explanation of Black-box Models (BMVC 2018,
    arXiv:1806.07421).
    """

    default_samples = 1000

    #: Cells of a mask along a side, before it is enlarged; how probably each of them is seen.
    cells: ClassVar[int] = 7
    visible: ClassVar[float] = 0.5

    def explain_face(self, image: Images, label: int) -> Maps:
        """Probability."""
        probabilities = self.seen(image, absent(image[None])[0], self._masks, label).astype(np.float64)
        weights = self._masks.sum(0)
        through = np.tensordot(probabilities, self._masks, 1) / np.maximum(weights, np.finfo(np.float32).tiny)
        found: Maps = (through - probabilities.mean()).astype(np.float32)
        return found

    @cached_property
    def _masks(self) -> Masks:
        """Cells enlarged bilinearly, by one more than fit, of which a random part is cut out."""
        rng = np.random.default_rng(self.seed)
        height, width = self.network.input_shape[1:3]
        cell = math.ceil(height / self.cells), math.ceil(width / self.cells)
        whole = tuple(side * (self.cells + 1) for side in reversed(cell))
        masks = np.empty((self.samples, height, width), np.float32)
        for mask in masks:
            seen = (rng.random((self.cells, self.cells)) < self.visible).astype(np.float32)
            top, left = (int(rng.integers(side)) for side in cell)
            mask[:] = cv2.resize(seen, whole, interpolation=cv2.INTER_LINEAR)[top : top + height, left : left + width]
        return masks
