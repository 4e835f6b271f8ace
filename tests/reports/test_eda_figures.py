"""Figures of a data set: what was planted in it can be read from the pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.image import imread

from fer_cli.analysis.describe import Group
from fer_cli.reports import eda_figures, style


def pixels(path: Path) -> npt.NDArray[np.intp]:
    return np.round(imread(path)[..., :3] * 255).astype(int)


def columns_of(path: Path, color: str) -> npt.NDArray[np.intp]:
    """Pixels of exactly this colour in each column of a PNG."""
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return (pixels(path) == wanted).all(-1).sum(0)


def group(name: str, level: float, faces: int = 2) -> Group:
    """A group of 5 images of one grey level; each eigenface is a single pixel."""
    mean = np.full((8, 8, 1), level)
    eigenfaces = np.eye(64)[:faces].reshape(-1, 8, 8)
    return Group(name, mean, eigenfaces, np.full(faces, 0.25), np.full(5, level), np.full(5, 10.0))


def greys(path: Path) -> set[int]:
    """Grey levels that fill a good part of the figure."""
    image = pixels(path)
    grey = image[..., 0][(image == image[..., :1]).all(-1)]
    return set(np.flatnonzero(np.bincount(grey) > 0.02 * grey.size).tolist())


def test_bars_are_as_long_as_the_shares(tmp_path: Path) -> None:
    table = np.array([[30, 0, 0], [10, 0, 0]])
    eda_figures.class_distribution(table, ("a", "b"), ("train", "val", "test"), tmp_path / "bars.png")
    heights = columns_of(tmp_path / "bars.png", style.BLUE)
    both, one = (heights > 0.75 * heights.max()).sum(), (heights > 0.25 * heights.max()).sum()
    assert one / both == pytest.approx(3, rel=0.03)


def test_each_split_with_rows_has_a_panel(tmp_path: Path) -> None:
    splits = ("train", "val", "test")
    eda_figures.class_distribution(np.array([[3, 0, 0]]), ("a",), splits, tmp_path / "one.png")
    eda_figures.class_distribution(np.array([[3, 2, 1]]), ("a",), splits, tmp_path / "three.png")
    assert pixels(tmp_path / "three.png").shape[1] > 2 * pixels(tmp_path / "one.png").shape[1]


def test_mean_faces_have_their_grey_levels_and_differences_are_around_grey(tmp_path: Path) -> None:
    eda_figures.mean_faces([group("all", 90), group("a", 60), group("b", 110)], tmp_path / "means.png")
    # Thirty levels darker is the largest difference, so black; twenty lighter is two thirds of the way to white.
    assert {90, 60, 110, 0, 212, 255} <= greys(tmp_path / "means.png")


def test_a_group_without_eigenfaces_has_no_row(tmp_path: Path) -> None:
    eda_figures.eigenfaces([group("all", 90), group("a", 60), group("b", 60)], tmp_path / "three.png")
    eda_figures.eigenfaces([group("all", 90), group("a", 60, 1), group("b", 60, 0)], tmp_path / "two.png")
    three, two = (pixels(tmp_path / name).shape[0] for name in ("three.png", "two.png"))
    assert three / two == pytest.approx(3 / 2, rel=0.05)


def test_faces_without_eigenfaces_make_no_sheet(tmp_path: Path) -> None:
    eda_figures.eigenfaces([group("all", 90, 0)], tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_the_variance_curve_marks_the_shares_that_are_reached(tmp_path: Path) -> None:
    eda_figures.variance_curve(np.array([5.0, 4.0, 1.0, 0.0]), (0.5, 0.9), tmp_path / "curve.png")
    eda_figures.variance_curve(np.zeros(4), (0.5, 0.9), tmp_path / "flat.png")
    assert columns_of(tmp_path / "curve.png", style.VERMILION).sum() > 100
    assert columns_of(tmp_path / "flat.png", style.VERMILION).sum() == 0


def test_histograms_stand_where_the_images_are(tmp_path: Path) -> None:
    bright, dark = group("bright", 200), group("dark", 40)
    places = []
    for shown in (bright, dark):
        eda_figures.histograms([group("all", 120), shown], tmp_path / f"{shown.name}.png")
        filled = columns_of(tmp_path / f"{shown.name}.png", style.SKY)
        # The left half is brightness, the right one contrast.
        places.append(int(filled[: len(filled) // 2].argmax()))
    assert places[0] > 2 * places[1]


def test_samples_fill_up_shorter_rows_with_white(tmp_path: Path) -> None:
    faces = {"a": np.full((4, 8, 8, 1), 30, np.uint8), "b": np.full((1, 8, 8, 1), 140, np.uint8)}
    eda_figures.samples(faces, tmp_path / "samples.png")
    image = pixels(tmp_path / "samples.png")[..., 0]
    assert (image == 30).sum() / (image == 140).sum() == pytest.approx(4, rel=0.02)
