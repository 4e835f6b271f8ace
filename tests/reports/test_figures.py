"""Figures: what was planted in the arrays can be read from the pixels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.image import imread

from fer_cli.errors import OutputError
from fer_cli.reports import figures, style

HISTORY = {
    "epoch": [1, 2, 3],
    "loss": [2.0, 1.5, 1.0],
    "val_loss": [2.0, 1.6, 1.7],
    "accuracy": [0.2, 0.4, 0.6],
    "val_accuracy": [0.2, 0.5, 0.4],
    "top3": [0.5, 0.7, 0.9],
    "val_top3": [0.5, 0.8, 0.7],
}


def count(path: Path, color: str) -> int:
    """How many pixels of a PNG have exactly this colour."""
    pixels = np.round(imread(path)[..., :3] * 255).astype(int)
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return int((pixels == wanted).all(-1).sum())


def width(path: Path) -> int:
    return int(imread(path).shape[1])


def test_curves_have_a_panel_for_each_figure_that_the_history_knows(tmp_path: Path) -> None:
    figures.training_curves(HISTORY, tmp_path / "all.png")
    figures.training_curves({name: HISTORY[name] for name in ("epoch", "loss")}, tmp_path / "one.png")
    assert width(tmp_path / "all.png") == 3 * width(tmp_path / "one.png")


def test_curves_mark_the_best_epoch_only_where_there_is_a_val_split(tmp_path: Path) -> None:
    figures.training_curves(HISTORY, tmp_path / "val.png")
    assert count(tmp_path / "val.png", style.VERMILION) > 0
    blind = {name: column for name, column in HISTORY.items() if not name.startswith("val_")}
    figures.training_curves(blind, tmp_path / "blind.png")
    assert count(tmp_path / "blind.png", style.VERMILION) == count(tmp_path / "blind.png", style.BLUE) == 0
    assert count(tmp_path / "blind.png", style.GREY) > 0


def test_curves_of_one_epoch_are_points(tmp_path: Path) -> None:
    figures.training_curves({name: column[:1] for name, column in HISTORY.items()}, tmp_path / "curves.png")
    assert count(tmp_path / "curves.png", style.GREY) > 100


def test_curves_of_a_run_that_diverged_are_drawn(tmp_path: Path) -> None:
    nothing = [float("nan")] * 3
    figures.training_curves({**HISTORY, "val_accuracy": nothing, "val_loss": nothing}, tmp_path / "curves.png")
    assert count(tmp_path / "curves.png", style.VERMILION) == 0


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_shows_each_face_whole_at_its_place(tmp_path: Path, channels: int) -> None:
    colors = np.random.default_rng(0).integers(1, 250, (5, channels), np.uint8)
    images = np.broadcast_to(colors[:, None, None], (5, 8, 8, channels)).copy()
    figures.face_sheet(images, ["WWW $a$\nWWW"] * 5, tmp_path / "sheet.png", columns=3)
    sheet = np.round(imread(tmp_path / "sheet.png")[..., :3] * 255).astype(int)
    rows, columns = np.array_split(np.arange(sheet.shape[0]), 2), np.array_split(np.arange(sheet.shape[1]), 3)
    for number, color in enumerate(colors):
        tile = sheet[np.ix_(rows[number // 3], columns[number % 3])]
        # An inch at 150 dots, but for the rounding of its edges: no caption runs over a face.
        assert (tile == color).all(-1).sum() >= 148**2
    assert (sheet[np.ix_(rows[1], columns[2])] == 255).all()


def test_a_sheet_of_fewer_faces_than_columns_is_as_narrow_as_they_are(tmp_path: Path) -> None:
    images = np.zeros((2, 8, 8, 1), np.uint8)
    figures.face_sheet(images, ["", ""], tmp_path / "two.png")
    figures.face_sheet(images, ["a\nb", "c"], tmp_path / "captions.png", columns=1)
    assert width(tmp_path / "two.png") < 2.5 * width(tmp_path / "captions.png")
    assert imread(tmp_path / "captions.png").shape[0] > 2 * imread(tmp_path / "two.png").shape[0]


def test_every_face_needs_its_caption(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zip"):
        figures.face_sheet(np.zeros((2, 8, 8, 1), np.uint8), ["one"], tmp_path / "sheet.png")
    assert list(tmp_path.iterdir()) == []


def test_the_confusion_matrix_is_darkest_where_the_counts_are(tmp_path: Path) -> None:
    figures.confusion_matrix(np.array([[0, 9], [9, 0]]), ("a", "b"), tmp_path / "anti.png")
    figures.confusion_matrix(np.array([[9, 0], [0, 9]]), ("a", "b"), tmp_path / "main.png")
    anti, main = (cv2.imread(str(tmp_path / name), cv2.IMREAD_GRAYSCALE) for name in ("anti.png", "main.png"))
    dark_anti, dark_main = anti < 80, main < 80
    # Half of the dark cells move when the matrix is turned over; axis labels stay.
    assert (dark_anti & dark_main).sum() < 0.2 * dark_main.sum()


def test_a_class_without_rows_has_no_percentages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    write = Axes.text
    monkeypatch.setattr(Axes, "text", lambda axes, x, y, text, **style: drawn.append(text) or write(axes, x, y, text))
    figures.confusion_matrix(np.array([[3, 1], [0, 0]]), ("a", "b"), tmp_path / "matrix.png")
    assert drawn == ["3", "1", "0", "0", "75.0", "25.0", "–", "–"]


def test_reliability_draws_the_bins_that_are_filled(tmp_path: Path) -> None:
    empty = np.array([np.nan, np.nan])
    figures.reliability(np.array([0.4, 0.9]), np.array([1.0, 1.0]), np.array([1, 9]), 0.15, tmp_path / "full.png")
    figures.reliability(empty, empty, np.array([0, 0]), 0.0, tmp_path / "empty.png")
    assert count(tmp_path / "full.png", style.SKY) > 4 * count(tmp_path / "empty.png", style.SKY)


def test_comparison_colours_the_best_and_grows_with_the_rows(tmp_path: Path) -> None:
    figures.comparison(["a", "b"], [0.5, 0.6], [(0.4, 0.6), None], tmp_path / "two.png")
    figures.comparison(list("abcd"), [0.5, 0.6, 0.1, 0.2], [None] * 4, tmp_path / "four.png", "title")
    assert count(tmp_path / "two.png", style.VERMILION) > 0
    assert imread(tmp_path / "four.png").shape[0] > imread(tmp_path / "two.png").shape[0]


def test_a_published_figure_is_drawn_on_the_row_beside_which_it_stands(tmp_path: Path) -> None:
    for name, published in (("none", ()), ("first", ([0.9], [])), ("second", ([], [0.9])), ("two", ([0.9, 0.7], []))):
        figures.comparison(["a", "b"], [0.5, 0.6], [None, None], tmp_path / f"{name}.png", published=published)
    none, first, second = (imread(tmp_path / f"{name}.png")[..., :3] for name in ("none", "first", "second"))
    ink = [count(tmp_path / f"{name}.png", style.INK) for name in ("none", "first", "two")]
    assert ink == sorted(set(ink))
    assert first.shape == second.shape == none.shape
    assert (first != second).any()


def test_the_best_model_of_each_data_set_is_coloured(tmp_path: Path) -> None:
    rows: list[figures.Scored] = [("a", 0.6, (0.5, 0.7), [0.9]), ("b", 0.5, None, [])]
    figures.models_by_dataset([("one", rows)], tmp_path / "one.png")
    figures.models_by_dataset([("one", rows[:1]), ("two", rows[1:])], tmp_path / "two.png")
    dots = [count(tmp_path / f"{name}.png", style.VERMILION) for name in ("one", "two")]
    assert 0 < dots[0] < dots[1]
    assert count(tmp_path / "two.png", style.BLUE) == 0


def test_accuracy_against_a_number_joins_only_a_series(tmp_path: Path) -> None:
    given: tuple[list[str], list[int], list[float], list[None]] = (list("ab"), [1000, 10_000], [0.5, 0.6], [None] * 2)
    figures.accuracy_against(*given, tmp_path / "dots.png", "rows")
    figures.accuracy_against(*given, tmp_path / "line.png", "rows", joined=True)
    assert count(tmp_path / "dots.png", style.BLUE) > 100
    assert count(tmp_path / "line.png", style.GREY) > count(tmp_path / "dots.png", style.GREY)


def test_a_figure_is_the_same_twice(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        figures.training_curves(HISTORY, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_figure_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        figures.training_curves(HISTORY, tmp_path / "file" / "curves.png")
