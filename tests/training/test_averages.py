"""Average weights get batch statistics of their own."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from fer_cli.training.averages import take_statistics
from tests.tiny import tiny

BATCHES = [np.random.default_rng(seed).integers(0, 256, (8, 12, 12, 1), np.uint8) for seed in range(3)]


def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return tiny((12, 12, 1), 3)


def test_statistics_are_the_mean_of_those_of_the_batches() -> None:
    net = network()
    normalisation = net.get_layer("blocks_bn")
    weights = [np.asarray(v) for v in net.trainable_variables]
    take_statistics(net, iter(BATCHES))
    blocks = keras.Model(net.input, net.get_layer("blocks").output)
    outputs = [keras.ops.convert_to_numpy(blocks(batch.astype(np.float32))) for batch in BATCHES]
    for found, expected in (
        (normalisation.moving_mean, [each.mean((0, 1, 2)) for each in outputs]),
        (normalisation.moving_variance, [each.var((0, 1, 2)) for each in outputs]),
    ):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(found), np.mean(expected, 0), rtol=1e-4)
    assert normalisation.momentum == 0.9
    for before, after in zip(weights, net.trainable_variables, strict=True):
        np.testing.assert_array_equal(before, keras.ops.convert_to_numpy(after))


@pytest.mark.parametrize("frozen", [True, False])
def test_a_frozen_layer_keeps_its_statistics(frozen: bool) -> None:
    net = network()
    net.get_layer("blocks_bn").trainable = not frozen
    take_statistics(net, BATCHES)
    kept = np.array_equal(keras.ops.convert_to_numpy(net.get_layer("blocks_bn").moving_mean), np.zeros(4))
    assert kept == frozen
