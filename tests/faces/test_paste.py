"""Changes come back to where a face was."""

from __future__ import annotations

import numpy as np
import pytest

from fer_cli.faces.align import Square
from fer_cli.faces.crop import cut
from fer_cli.faces.paste import FEATHER, paste
from fer_cli.transform.adapt import adapt_one


@pytest.fixture
def picture() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(60, 180, (90, 120, 3), np.uint8)


def test_no_change_gives_the_picture(picture: np.ndarray) -> None:
    assert np.array_equal(paste(picture, Square(50, 40, 33.3, 12), np.zeros((24, 24, 1), np.float32)), picture)


def test_a_change_fills_the_square_and_fades_at_its_edges(picture: np.ndarray) -> None:
    pasted = paste(picture, Square(59.5, 44.5, 40), np.full((20, 20, 1), 50, np.float32)).astype(int)
    changed = pasted - picture
    assert (changed[:24] == 0).all()
    assert (changed[66:] == 0).all()
    assert (changed[:, :39] == 0).all()
    assert (changed[:, 81:] == 0).all()
    inner = round(40 * (0.5 - FEATHER)) - 2
    assert np.abs(changed[45 - inner : 45 + inner, 60 - inner : 60 + inner] - 50).max() <= 1
    across = changed[45, 40:60, 0]
    assert across[0] <= 5
    assert (np.diff(across) >= -1).all()


def test_the_picture_keeps_its_detail_and_a_grey_change_its_colours(picture: np.ndarray) -> None:
    pasted = paste(picture, Square(59.5, 44.5, 60), np.full((6, 6, 1), 30, np.float32))
    assert np.array_equal(pasted[40:50, 55:65], picture[40:50, 55:65] + 30)


@pytest.mark.parametrize("angle", [0.0, 25.0])
def test_what_was_cut_out_changed_and_pasted_is_the_changed_face(angle: float) -> None:
    rows, columns = np.mgrid[:90, :120]
    smooth = (90 + 40 * np.sin(rows / 15) + 40 * np.cos(columns / 20)).astype(np.uint8)[..., None].repeat(3, 2)
    square = Square(60, 44, 48, angle)
    face = adapt_one(cut(smooth, square), (24, 24, 1))
    wave = (20 * np.sin(np.arange(24) / 4)[:, None] * np.ones((1, 24)))[..., None].astype(np.float32)
    again = adapt_one(cut(paste(smooth, square, wave), square), (24, 24, 1))
    middle = slice(6, 18)
    gained = again[middle, middle].astype(int) - face[middle, middle]
    assert np.abs(gained - wave[middle, middle]).max() < 4


def test_a_face_at_the_edge_of_a_picture(picture: np.ndarray) -> None:
    pasted = paste(picture, Square(0, 0, 60), np.full((20, 20, 3), 40, np.float32))
    assert (pasted[:10, :10].astype(int) - picture[:10, :10] == 40).all()
    assert np.array_equal(pasted[40:, 40:], picture[40:, 40:])
