"""Sprite sheets: every face is where the page will look for it."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from fer_cli.reports.sprites import COLUMNS, sprite_sheet


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("count", [1, 7, 12])
def test_every_face_is_in_its_row_and_column_unchanged(count: int, channels: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (count, 5, 4, channels), np.uint8)
    head, _, content = sprite_sheet(images, columns=3).partition(",")
    assert head == "data:image/png;base64"
    flag = cv2.IMREAD_COLOR_RGB if channels == 3 else cv2.IMREAD_GRAYSCALE
    sheet = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), flag).reshape(-1, 12, channels)
    assert sheet.shape[0] == 5 * -(-count // 3)
    for i, image in enumerate(images):
        top, left = 5 * (i // 3), 4 * (i % 3)
        np.testing.assert_array_equal(sheet[top : top + 5, left : left + 4], image)


def test_the_number_of_columns_is_that_of_the_pages() -> None:
    content = sprite_sheet(np.zeros((1, 2, 2, 1), np.uint8)).partition(",")[2]
    assert cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_GRAYSCALE).shape == (
        2,
        2 * COLUMNS,
    )
