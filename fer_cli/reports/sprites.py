"""Many faces in one picture inside a page, of which the page shows one at a time."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import numpy.typing as npt

#: Faces in a row of the sheet; browsers refuse pictures of more than 16,384 or 32,767 pixels a side.
COLUMNS = 32
_COMPRESSION = 9


def sprite_sheet(images: npt.NDArray[np.uint8], columns: int = COLUMNS) -> str:
    """A data URI of one PNG with all faces, lossless: face i is in row i // columns, column i % columns.

    images: uint8 (N, H, W, 1 or 3), N at least 1. The sheet is columns × W wide, even where N is less than columns;
    what no face fills is black.
    """
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    grid = np.zeros((rows * columns, height, width, channels), np.uint8)
    grid[:count] = images
    sheet = grid.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    sheet = sheet.reshape(rows * height, columns * width, channels)
    # OpenCV writes blue first.
    _, png = cv2.imencode(".png", sheet[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, _COMPRESSION])
    return "data:image/png;base64," + base64.b64encode(png.tobytes()).decode("ascii")
