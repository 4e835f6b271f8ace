"""Learning rates and stopping follow from the settings and the history."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from fer_cli.training import schedules
from fer_cli.training.settings import Settings


def rate(optimizer: keras.optimizers.Optimizer, step: int) -> float:
    optimizer.iterations.assign(step)
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))


def test_cosine_warms_up_linearly_and_ends_at_zero() -> None:
    optimizer = schedules.build_optimizer(Settings(epochs=10, warmup=2, lr=0.4), steps=5)
    assert rate(optimizer, 0) == 0
    assert rate(optimizer, 5) == pytest.approx(0.2)
    assert rate(optimizer, 10) == pytest.approx(0.4)
    assert rate(optimizer, 30) == pytest.approx(0.2)
    assert rate(optimizer, 50) == pytest.approx(0, abs=1e-6)


def test_cosine_without_warm_up_starts_at_the_peak() -> None:
    assert rate(schedules.build_optimizer(Settings(epochs=4, warmup=0, lr=0.4), steps=5), 0) == pytest.approx(0.4)


def test_warm_up_takes_at_most_half_of_a_short_run() -> None:
    optimizer = schedules.build_optimizer(Settings(epochs=1, warmup=3, lr=1.0), steps=10)
    assert rate(optimizer, 5) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_weight_decay_spares_biases_and_normalisation(name: str) -> None:
    layers = [keras.layers.Dense(3, bias_initializer="ones"), keras.layers.BatchNormalization(gamma_initializer="ones")]
    network = keras.Sequential([keras.Input((2,)), *layers])
    optimizer = schedules.build_optimizer(Settings(optimizer=name, schedule="constant", lr=0.1, weight_decay=0.5), 1)
    optimizer.build(network.trainable_variables)
    before = {v.path: keras.ops.convert_to_numpy(v) for v in network.trainable_variables}
    optimizer.apply([keras.ops.zeros_like(v) for v in network.trainable_variables], network.trainable_variables)
    for variable in network.trainable_variables:
        expected = before[variable.path] * (0.95 if variable.path.endswith("kernel") else 1.0)
        np.testing.assert_allclose(keras.ops.convert_to_numpy(variable), expected, rtol=1e-5)


def test_plateau_halves_after_patience_and_counts_anew() -> None:
    settings = Settings(schedule="plateau", plateau_patience=2, lr=0.8)
    rates = [schedules.plateau_lr([5, 4, 4, 4, 4, 4, 3][:n], settings) for n in range(8)]
    assert rates == pytest.approx([0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.2, 0.2])


def test_plateau_has_a_floor() -> None:
    settings = Settings(schedule="plateau", plateau_patience=1, lr=1.0)
    assert schedules.plateau_lr([1.0] * 100, settings) == pytest.approx(schedules.PLATEAU_FLOOR)


@pytest.mark.parametrize(
    ("accuracies", "patience", "stop"),
    [([], 1, False), ([0.5, 0.4], None, False), ([0.5, 0.4], 1, True), ([0.5, 0.4], 2, False), ([0.4, 0.5], 1, False)],
)
def test_stopping_waits_for_patience(accuracies: list[float], patience: int | None, stop: bool) -> None:
    assert schedules.should_stop(accuracies, patience) is stop
