"""Histograms of oriented gradients: where the edges of a face are and which way they run."""

from __future__ import annotations

import functools

import cv2
import numpy as np

from fer_cli.classical.kinds import Floats, Pixels, Shape, gray

#: Cells across and down a face, however many pixels it has: those of 48×48 pixels have 8×8, the size in the paper.
CELLS = 6
#: Orientations from 0 to 180 degrees; the sign of a gradient is left out, as the paper advises.
ORIENTATIONS = 9
#: Cells a side of the blocks within which contrast is evened out; blocks begin at every cell.
BLOCK = 2
#: The fewest pixels a side of a cell; smaller images are enlarged.
_SMALLEST_CELL = 3


class Hog:
    """Dalal and Triggs, "Histograms of oriented gradients for human detection", 2005.

    A face is divided into `CELLS` × `CELLS` cells, so that the columns mean the same for any size of image. The norm of
    each block (L2-Hys) makes them independent of brightness and, above noise, of contrast; 0..1, no unit.
    """

    def names(self, shape: Shape) -> list[str]:
        """`hog BLOCK-ROW,BLOCK-COLUMN cell ROW,COLUMN DEGREES`, of which degrees are the middle of the bin."""
        return [f"hog {name}" for name in cell_names(CELLS, CELLS)]

    def compute(self, images: Pixels) -> Floats:
        """float32 (N, 900)."""
        faces = gray(images)
        cell_high, cell_wide = (max(_SMALLEST_CELL, round(side / CELLS)) for side in faces.shape[1:])
        size = (CELLS * cell_wide, CELLS * cell_high)
        return histograms(np.stack([_resized(face, size) for face in faces]), (cell_high, cell_wide))


def histograms(faces: Pixels, cell: tuple[int, int]) -> Floats:
    """Evened-out histograms float32 (N, D) of grey images uint8 (N, H, W), zero where an image is flat.

    Sides are multiples of those of `cell` (height, width), with at least two cells down and across. Columns are those
    of `cell_names`.
    """
    describe = _descriptor(faces.shape[1:], cell)
    return np.stack([np.ravel(describe.compute(face)) for face in faces]).astype(np.float32, copy=False)


def cell_names(down: int, across: int) -> list[str]:
    """What the columns of `histograms` are, for an image of `down` × `across` cells."""
    steps = range(BLOCK)
    # OpenCV goes down before it goes across, for blocks and for the cells in them.
    return [
        f"{row},{column} cell {i},{j} {round((k + 0.5) * 180 / ORIENTATIONS)}°"
        for column in range(across - BLOCK + 1)
        for row in range(down - BLOCK + 1)
        for j in steps
        for i in steps
        for k in range(ORIENTATIONS)
    ]


def _resized(face: Pixels, size: tuple[int, int]) -> Pixels:
    """A grey image uint8 (H, W) of `size`, (width, height)."""
    width, height = size
    if face.shape == (height, width):
        return face
    shrinks = height <= face.shape[0] and width <= face.shape[1]
    resized = cv2.resize(face, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


@functools.lru_cache(maxsize=8)
def _descriptor(shape: tuple[int, int], cell: tuple[int, int]) -> cv2.HOGDescriptor:
    height, width = cell
    block = (BLOCK * width, BLOCK * height)
    return cv2.HOGDescriptor((shape[1], shape[0]), block, (width, height), (width, height), ORIENTATIONS)
