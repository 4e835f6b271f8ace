"""Figures of an attacked network, looked at pixel by pixel."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_cli.analysis.attack.examples import Example
from fer_cli.analysis.attack.published import Published
from fer_cli.reports import attack_figures


@pytest.mark.parametrize(
    ("epsilon", "norm", "text"),
    [(4 / 255, "inf", "4/255"), (0.01, "inf", "0.01"), (4 / 255, "2", "0.0157"), (2.0, "2", "2")],
)
def test_epsilons_are_named_as_they_are_meant(epsilon: float, norm: str, text: str) -> None:
    assert attack_figures.epsilon_text(epsilon, norm) == text


def test_a_change_is_shown_around_mid_grey_enlarged(tmp_path: Path) -> None:
    clean = np.full((12, 12, 1), 50.0, np.float32)
    change = np.zeros_like(clean)
    change[:, 6:] = 5.0
    answer = np.array([0.25, 0.75], np.float32)
    example = Example(1, "inf", 5 / 255, clean, clean + change, answer, answer)
    attack_figures.example_sheet([example], ("happy", "sad"), tmp_path / "sheet.png")
    levels = set(cv2.imread(str(tmp_path / "sheet.png"), cv2.IMREAD_GRAYSCALE).ravel().tolist())
    # Clean, attacked, no change, and ten times 5 levels.
    assert {50, 55, 128, 178} <= levels


def test_figures_of_one_epsilon_and_of_several_are_drawn(tmp_path: Path) -> None:
    def row(method: str, norm: str, epsilon: float, accuracy: float) -> dict[str, object]:
        interval = (accuracy - 0.1, accuracy + 0.1)
        return {
            "method": method, "norm": norm, "epsilon": epsilon, "accuracy": accuracy, "accuracy_interval": interval,
        }  # fmt: skip

    several = [row("pgd", "inf", epsilon, 0.5 - 5 * epsilon) for epsilon in (0.001, 0.01, 0.05)]
    one = [row("pgd", "inf", 0.01, 0.4), row("square", "inf", 0.01, 0.5), row("cw", "2", 0.5, 0.2)]
    for name, rows, published in (("several", several, []), ("one", one, [Published("inf", 0.05, 0.06, "a study")])):
        attack_figures.accuracy_against_epsilon(rows, 0.6, tmp_path / f"{name}.png", "a title", published)
    shapes = [cv2.imread(str(tmp_path / f"{name}.png")).shape for name in ("several", "one")]
    # A panel a norm.
    assert shapes[1][1] > 1.7 * shapes[0][1]
