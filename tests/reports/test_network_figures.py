"""Figures of a network's inside: what was planted in weights and maps can be read from the pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib import colormaps
from matplotlib.image import imread

from fer_cli.reports import network_figures


def pixels(path: Path) -> npt.NDArray[np.intp]:
    return np.round(imread(path)[..., :3] * 255).astype(int)


def part(path: Path, color: tuple[float, ...]) -> float:
    """The part of a figure that has this colour, 0..1 each channel."""
    return float((np.abs(pixels(path) - np.round(np.array(color[:3]) * 255)) <= 1).all(-1).mean())


def test_filters_of_one_channel_are_tiles_on_one_scale(tmp_path: Path) -> None:
    filters = np.zeros((3, 3, 3, 1), np.float32)
    filters[0], filters[1], filters[2] = 2.0, -1.0, 0.0
    network_figures.filter_sheet(filters, tmp_path / "one.png", "layer")
    scale = colormaps["PuOr"]
    shares = [part(tmp_path / "one.png", scale(value)) for value in (1.0, 0.25, 0.5)]
    assert min(shares) > 0.02
    assert shares[0] == pytest.approx(shares[1], rel=0.1)


def test_filters_of_colours_are_shown_in_colour(tmp_path: Path) -> None:
    filters = np.full((4, 3, 3, 3), -1.0, np.float32)
    filters[..., 1] = 1.0
    network_figures.filter_sheet(filters, tmp_path / "colour.png", "layer")
    assert part(tmp_path / "colour.png", (0, 1, 0)) > 0.1


def test_of_more_than_fit_those_with_the_largest_weights_are_shown(tmp_path: Path) -> None:
    filters = np.full((200, 3, 3, 40), 0.01, np.float32)
    filters[150, :, :, 30] = 1.0
    network_figures.filter_sheet(filters, tmp_path / "many.png", "layer")
    one = part(tmp_path / "many.png", colormaps["PuOr"](1.0))
    # A tile of 16 × 16.
    assert one == pytest.approx(1 / 256, rel=0.6)


def test_filters_that_are_all_zero_are_drawn(tmp_path: Path) -> None:
    network_figures.filter_sheet(np.zeros((2, 3, 3, 8), np.float32), tmp_path / "dead.png", "layer")
    assert part(tmp_path / "dead.png", colormaps["PuOr"](0.5)) > 0.1


@pytest.mark.parametrize("channels", [1, 3])
def test_maps_stand_below_the_face_in_a_row_a_layer(channels: int, tmp_path: Path) -> None:
    face = np.full((8, 8, channels), 77, np.uint8)
    half = np.zeros((4, 4, 20), np.float32)
    half[:2, :, 5:7] = 1.0
    network_figures.feature_map_sheet(face, {"a": half, "b": half[..., :6]}, tmp_path / "maps.png", "title")
    grey = part(tmp_path / "maps.png", (77 / 255,) * 3)
    # The face, and two rows of twelve and of six maps, of which three are half white.
    black = part(tmp_path / "maps.png", (0, 0, 0))
    assert grey > 0.01
    assert black / grey == pytest.approx(12 + 6 - 1.5, rel=0.1)


def test_images_that_excite_have_their_captions(tmp_path: Path) -> None:
    images = np.full((3, 8, 8, 1), 200, np.uint8)
    network_figures.excitation_sheet(images, ["a", "b", "c"], tmp_path / "images.png")
    assert part(tmp_path / "images.png", (200 / 255,) * 3) > 0.6
