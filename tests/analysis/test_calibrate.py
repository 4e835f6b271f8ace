"""A temperature that is fitted, against the one that made the labels."""

from __future__ import annotations

import numpy as np
import pytest

from fer_cli.analysis import calibrate, scores


@pytest.mark.parametrize("planted", [0.3, 1.0, 4.0])
def test_the_planted_temperature_is_found(planted: float) -> None:
    rng = np.random.default_rng(0)
    logits = 3 * rng.standard_normal((20_000, 5))
    chances = calibrate.probabilities(logits, planted)
    labels = (chances.cumsum(1) < rng.random((len(chances), 1))).sum(1).clip(max=4)
    found = calibrate.fit_temperature(logits, labels)
    assert found == pytest.approx(planted, rel=0.05)
    assert scores.calibration(labels, calibrate.probabilities(logits, found)).error < 0.02


def test_a_temperature_changes_no_prediction() -> None:
    logits = np.random.default_rng(0).standard_normal((500, 7))
    for temperature in (0.05, 1.0, 20.0):
        found = calibrate.probabilities(logits, temperature)
        assert np.array_equal(found.argmax(1), logits.argmax(1))
        assert found.sum(1) == pytest.approx(np.ones(500), abs=1e-5)
