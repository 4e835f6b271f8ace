"""Slow variables move by exactly their factor, whatever the optimizer, and its state stays that of Keras."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest

from fer_cli.training import schedules
from fer_cli.training.settings import OPTIMIZERS, Settings

FACTOR = 0.125
RATE = 0.01
PATHS = ("body/kernel", "body/bias", "logits/kernel")
#: The values that the variables start from, and the gradients of a few steps.
START = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
GRADIENTS = np.random.default_rng(1).normal(size=(4, 3, 4)).astype(np.float32)
Run = tuple[list[keras.Variable], keras.optimizers.Optimizer]


def start(body_lr: float, **settings: Any) -> Run:
    """Three variables and the optimizer of the settings, built for them."""
    variables = []
    for path, value in zip(PATHS, START, strict=True):
        with keras.name_scope(path.split("/")[0]):
            variables.append(keras.Variable(value, name=path.split("/")[1]))
    chosen = Settings(schedule="constant", lr=RATE, body_lr=body_lr, **settings)
    optimizer = schedules.build_optimizer(chosen, 1, {"body/kernel", "body/bias"})
    optimizer.build(variables)
    return variables, optimizer


def step(run: Run, gradients: npt.NDArray[np.float32]) -> None:
    variables, optimizer = run
    optimizer.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients], variables)


def values(variables: list[keras.Variable]) -> list[npt.NDArray[np.float32]]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def moved(body_lr: float, **settings: Any) -> npt.NDArray[np.float32]:
    """How far one step moves each variable, float32 (3, 4)."""
    run = start(body_lr, **settings)
    step(run, GRADIENTS[0])
    return np.stack(values(run[0])) - START


@pytest.mark.parametrize("decay", [0.0, 0.5])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_body_moves_by_its_factor_and_the_head_as_ever(name: str, decay: float) -> None:
    whole = moved(1, optimizer=name, weight_decay=decay)
    slow = moved(FACTOR, optimizer=name, weight_decay=decay, ema=0.9)
    assert np.abs(whole).max(1).min() > 1e-3
    np.testing.assert_allclose(slow[:2], FACTOR * whole[:2], rtol=1e-4, atol=2e-7)
    np.testing.assert_array_equal(slow[2], whole[2])


def test_decay_is_slowed_like_the_step_and_still_spares_biases() -> None:
    decayed = moved(FACTOR, optimizer="sgd", weight_decay=0.5) - moved(FACTOR, optimizer="sgd", weight_decay=0)
    expected = -RATE * 0.5 * np.array([FACTOR, 0, 1])[:, None] * START
    np.testing.assert_allclose(decayed, expected, atol=5e-7)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_state_is_that_of_the_keras_optimizer(name: str) -> None:
    plain, slow = (start(factor, optimizer=name, ema=0.9)[1] for factor in (1, FACTOR))
    assert type(plain).__module__.startswith("keras.")
    assert [v.shape for v in slow.variables] == [v.shape for v in plain.variables]


def test_a_run_goes_on_from_its_saved_state_as_if_it_had_not_stopped() -> None:
    unbroken, resumed = (start(FACTOR, optimizer="adamw", weight_decay=0.5) for _ in range(2))
    for gradients in GRADIENTS[:3]:
        step(unbroken, gradients)
    for part, saved in zip(resumed, unbroken, strict=True):
        mine, theirs = (x if isinstance(x, list) else x.variables for x in (part, saved))
        for variable, value in zip(mine, values(theirs), strict=True):
            variable.assign(value)
    for run in (unbroken, resumed):
        step(run, GRADIENTS[3])
    np.testing.assert_array_equal(values(resumed[0]), values(unbroken[0]))


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="this is the run that the test starts")
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_the_same_holds_on_jax() -> None:
    chosen = "moves and 0.5 and (sgd or adamw)"
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", chosen, __file__],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        check=False,  # the report below says more
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout[-2000:]
    assert "2 passed" in result.stdout
