"""Maps of embedded faces: colours, centroids and faces stand where they were planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.image import imread

from fer_cli.reports import style, tsne_figures

NAMES = ("left", "right", "nobody")


def planted(count: int = 200, dims: int = 2) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Points of class 0 left of those of class 1."""
    labels = (np.arange(count) % 2).astype(np.uint8)
    points = np.random.default_rng(0).normal(0, 1, (count, dims)).astype(np.float32)
    points[:, 0] += 20 * labels
    return points, labels


def columns_of(path: Path, color: str) -> npt.NDArray[np.intp]:
    """Pixels of about this colour in each column of the map, left of the legend."""
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    pixels = np.round(imread(path)[..., :3] * 255).astype(int)
    found = (np.abs(pixels - wanted) <= 3).all(-1).sum(0)
    return found[: int(0.8 * len(found))]


def centroids(points: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    means = [points[labels == label].mean(0) for label in (0, 1)]
    return np.array([*means, np.full(points.shape[1], np.nan)])


@pytest.mark.parametrize("dims", [2, 3])
def test_dots_stand_where_their_points_are(dims: int, tmp_path: Path) -> None:
    points, labels = planted(dims=dims)
    tsne_figures.scatter(points, labels, centroids(points, labels), NAMES, tmp_path / "map.png", "title")
    left, right = (columns_of(tmp_path / "map.png", style.CLASSES[label]) for label in (0, 1))
    places = [np.average(np.arange(len(found)), weights=found) for found in (left, right)]
    assert places[0] + 0.2 * len(left) < places[1]
    assert columns_of(tmp_path / "map.png", style.CLASSES[2]).sum() == 0


def test_no_class_lies_above_all_others(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(0, 1, (4000, 2)).astype(np.float32)
    labels = (np.arange(4000) % 2).astype(np.uint8)
    tsne_figures.scatter(points, labels, np.full((2, 2), np.nan), NAMES[:2], tmp_path / "map.png", "title")
    shares = [columns_of(tmp_path / "map.png", style.CLASSES[label]).sum() for label in (0, 1)]
    assert shares[0] == pytest.approx(shares[1], rel=0.2)


def test_more_classes_than_colours_get_other_shapes(tmp_path: Path) -> None:
    points, _ = planted(90)
    labels = (np.arange(90) % 9).astype(np.uint8)
    names = tuple("abcdefghi")
    tsne_figures.scatter(points, labels, np.full((9, 2), np.nan), names, tmp_path / "nine.png", "title")
    (first, last) = (tsne_figures._look(label) for label in (0, 8))
    assert first[0] == last[0]
    assert first[1] != last[1]


def test_one_face_a_cell_is_shown_where_it_belongs(tmp_path: Path) -> None:
    points, labels = planted(400)
    rows = tsne_figures.faces_shown(points)
    assert 20 < len(rows) < 400
    images = np.where(labels[rows] == 0, 60, 180).astype(np.uint8)[:, None, None, None].repeat(6, 1).repeat(6, 2)
    tsne_figures.face_map(points, labels, images, centroids(points, labels), NAMES, tmp_path / "faces.png", "title")
    for label, level in ((0, "#3C3C3C"), (1, "#B4B4B4")):
        columns = columns_of(tmp_path / "faces.png", level)
        middle = np.average(np.arange(len(columns)), weights=columns) / len(columns)
        assert middle < 0.45 if label == 0 else middle > 0.55
        assert columns_of(tmp_path / "faces.png", style.CLASSES[label]).sum() > 100


def test_faces_of_one_cell_are_those_nearest_to_its_middle() -> None:
    points = np.array([[0, 0], [36, 36], [10.5, 10.5], [10.1, 10.1], [10.9, 10.6]], np.float32)
    assert tsne_figures.faces_shown(points).tolist() == [0, 1, 2]
