"""Where Auto-PGD looks at its progress, and what it makes of it."""

from __future__ import annotations

import keras
import numpy as np

from fer_cli.attacks.apgd import Apgd, checkpoints
from fer_cli.attacks.base import Aim, Victim
from fer_cli.attacks.fgsm import Pgd


def test_checkpoints_are_those_of_the_paper() -> None:
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert checkpoints(10) == [3, 5, 6, 7, 8, 9, 10]
    assert checkpoints(1) == [1]


def ravine() -> Victim:
    """Class 1 lies in a narrow valley: steps that are long jump across it."""
    inputs = keras.Input((2, 2, 1))
    flat = keras.layers.Flatten()(inputs)
    # How far the first pixel is from 103, and a slope along the second one.
    off = keras.ops.abs(flat[:, :1] - 103.0)
    logits = keras.ops.concatenate([keras.ops.zeros_like(off), 0.5 + 0.05 * (flat[:, 1:2] - 100.0) - off], axis=1)
    return Victim(keras.Model(inputs, keras.layers.Softmax()(keras.layers.Identity(name="logits")(logits))))


def test_it_halves_its_steps_where_those_of_pgd_are_too_long() -> None:
    victim, images = ravine(), np.full((8, 2, 2, 1), 100.0, np.float32)
    aim = Aim(np.zeros(8, np.intp))
    gains = [aim.gain(victim.predict(next(kind(victim, "inf", 40).sweep(images, aim, [16.0])))) for kind in (Pgd, Apgd)]
    # The best that epsilon allows: the valley's floor, 16 levels along it.
    assert (gains[1] > 1.2).all()
    assert (gains[1] >= gains[0] - 1e-4).all()
    assert gains[1].mean() > gains[0].mean()
