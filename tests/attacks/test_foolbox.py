"""FGSM and PGD against foolbox's, on the same network."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from fer_cli import catalog
from fer_cli.attacks.base import Aim, Victim
from tests.tiny import tiny

EPSILONS = [1.0, 2.0, 4.0]
STEPS = 20


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", ["fgsm", "pgd"])
def test_as_many_rows_are_moved(name: str) -> None:
    foolbox = pytest.importorskip("foolbox")
    tensorflow = pytest.importorskip("tensorflow")
    keras.utils.set_random_seed(0)
    victim = Victim(tiny((24, 24, 1), 7))
    images = np.random.default_rng(0).integers(0, 256, (200, 24, 24, 1)).astype(np.float32)
    labels = victim.predict(images).argmax(1)
    aim, attack = Aim(labels), catalog.find(catalog.ATTACKS, name, "attack")(victim, "inf", STEPS)
    ours = [aim.reached(victim.predict(found)).mean() for found in attack.sweep(images, aim, EPSILONS)]
    theirs = {
        "fgsm": foolbox.attacks.LinfFastGradientAttack(),
        "pgd": foolbox.attacks.LinfPGD(rel_stepsize=attack.reach / STEPS, steps=STEPS),
    }[name]
    model = foolbox.TensorFlowModel(victim.logits, bounds=(0, 255))
    tensors = tensorflow.constant(images), tensorflow.constant(labels)
    _, _, moved = theirs(model, *tensors, epsilons=EPSILONS)
    expected = moved.numpy().mean(1)
    np.testing.assert_allclose(ours, expected, atol=0.02)
    # The epsilons are those that tell attacks apart.
    assert expected.min() < 0.5 < expected.max()
