"""Figures of a search: what was planted can be read from the pixels."""

from __future__ import annotations

from pathlib import Path

from fer_cli.reports import style, tune_figures
from tests.reports.test_figures import count, width


def test_history_marks_the_best_complete_trial_and_what_was_pruned(tmp_path: Path) -> None:
    numbers, accuracies = [0, 2, 3, 5], [0.3, 0.9, 0.6, 0.5]
    tune_figures.history(numbers, accuracies, [False, True, False, False], "val accuracy", tmp_path / "pruned.png")
    tune_figures.history(numbers, accuracies, [False] * 4, "val accuracy", tmp_path / "whole.png")
    for name in ("pruned.png", "whole.png"):
        assert count(tmp_path / name, style.VERMILION) > 0
        assert count(tmp_path / name, style.GREY) > 0
    assert count(tmp_path / "whole.png", style.ORANGE) == 0
    assert count(tmp_path / "pruned.png", style.ORANGE) > 0
    # One of the blue dots is a cross now.
    assert count(tmp_path / "pruned.png", style.BLUE) < count(tmp_path / "whole.png", style.BLUE)


def test_history_of_a_study_whose_first_trials_were_pruned(tmp_path: Path) -> None:
    tune_figures.history([0, 1], [0.2, 0.3], [True, False], "val accuracy", tmp_path / "history.png")
    assert count(tmp_path / "history.png", style.VERMILION) > 0


def test_importance_has_a_bar_for_each_parameter_in_proportion(tmp_path: Path) -> None:
    tune_figures.importance({"lr": 1.0, "dropout": 0.0}, 9, tmp_path / "one.png")
    tune_figures.importance({"lr": 0.5, "dropout": 0.5}, 9, tmp_path / "two.png")
    one, two = (count(tmp_path / name, style.BLUE) for name in ("one.png", "two.png"))
    assert two > 1.8 * one > 0
    assert width(tmp_path / "one.png") == width(tmp_path / "two.png")
