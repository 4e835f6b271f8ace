"""Local binary patterns: which small textures (spots, edges, corners) each part of a face has."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_cli.classical.kinds import Floats, Pixels, Shape, gray

#: Parts across and down a face, each with a histogram of its own.
GRID = 7
#: Down and across to the neighbours of a pixel, once around it.
_RING = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
_CODES = np.arange(1 << len(_RING))
#: The codes as rings of bits (256, 8).
_BITS = (_CODES[:, None] >> np.arange(len(_RING))) & 1
#: Those whose ring has at most two changes between 0 and 1: 58, most of what photos are made of.
UNIFORM: npt.NDArray[np.int64] = np.flatnonzero((np.roll(_BITS, 1, axis=1) != _BITS).sum(1) <= 2)
#: Bin of each code; all that are not uniform share the last.
_BIN = np.full(len(_CODES), len(UNIFORM), np.intp)
_BIN[UNIFORM] = np.arange(len(UNIFORM))
BINS = len(UNIFORM) + 1


class Lbp:
    """Uniform patterns of the eight nearest neighbours in a grid of histograms.

    Ojala, Pietikäinen and Mäenpää, "Multiresolution gray-scale and rotation invariant texture classification with local
    binary patterns", 2002; the grid is that of Ahonen, Hadid and Pietikäinen, "Face recognition with local binary
    patterns", 2004. A column is the part (0..1) of a region's pixels that show a pattern. Nothing changes with the
    light as long as brighter stays brighter. The pattern is 3 × 3 pixels in images of any size.
    """

    def names(self, shape: Shape) -> list[str]:
        """`lbp REGION-ROW,REGION-COLUMN PATTERN`, the pattern's bits from the right neighbour on, counter-clockwise."""
        patterns = ["".join(map(str, _BITS[code])) for code in UNIFORM] + ["other"]
        return [f"lbp {row},{column} {p}" for row in range(GRID) for column in range(GRID) for p in patterns]

    def compute(self, images: Pixels) -> Floats:
        """float32 (N, 2891)."""
        codes = _codes(np.pad(gray(images), ((0, 0), (1, 1), (1, 1)), mode="edge"))
        n, height, width = codes.shape
        row, column = (np.arange(side) * GRID // side for side in (height, width))
        region = row[:, None] * GRID + column
        bins = (np.arange(n)[:, None, None] * GRID**2 + region) * BINS + _BIN[codes]
        counts = np.bincount(bins.ravel(), minlength=n * GRID**2 * BINS).reshape(n, GRID**2, BINS)
        # A region without pixels, in images smaller than the grid, has no patterns.
        pixels = np.maximum(np.bincount(region.ravel(), minlength=GRID**2), 1)
        return (counts / pixels[:, None]).reshape(n, -1).astype(np.float32)


def _codes(faces: Pixels) -> Pixels:
    """uint8 (N, H - 2, W - 2): a bit for each neighbour that is at least as bright as the pixel itself."""
    height, width = faces.shape[1] - 2, faces.shape[2] - 2
    middle = faces[:, 1:-1, 1:-1]
    codes = np.zeros(middle.shape, np.uint8)
    for bit, (down, across) in enumerate(_RING):
        codes |= (faces[:, 1 + down : 1 + down + height, 1 + across : 1 + across + width] >= middle) << np.uint8(bit)
    return codes
