"""Stochastic pooling against its definition (Zeiler and Fergus 2013)."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
import pytest

from fer_cli.architectures.stochastic import stochastic_pooling

#: One region each: some activations, one alone, none, and a negative one, which counts as none.
REGIONS = np.array([[[1, 2], [3, 4]], [[0, 5], [0, 0]], [[0, 0], [0, 0]], [[-1, 2], [2, 0]]], np.float32)[..., None]


@pytest.fixture(scope="module")
def pooling() -> keras.Model:
    inputs = keras.Input((2, 2, 1))
    return keras.Model(inputs, stochastic_pooling(inputs, "pool"))


def pooled(network: keras.Model, maps: npt.NDArray[np.float32], training: bool) -> npt.NDArray[np.float32]:
    return np.asarray(keras.ops.convert_to_numpy(network(maps, training=training)))


def test_testing_puts_out_the_mean_weighted_by_the_activations(pooling: keras.Model) -> None:
    expected = [(1 + 4 + 9 + 16) / 10, 5, 0, 2]
    np.testing.assert_allclose(pooled(pooling, REGIONS, False).ravel(), expected, rtol=1e-5)


def test_training_draws_each_activation_as_often_as_its_share(pooling: keras.Model) -> None:
    keras.utils.set_random_seed(0)
    draws = 20_000
    found = pooled(pooling, np.repeat(REGIONS, draws, axis=0), True).reshape(len(REGIONS), draws)
    shares = [(found[0] == value).mean() for value in (1, 2, 3, 4)]
    # Four standard errors of a share of a half.
    np.testing.assert_allclose(shares, [0.1, 0.2, 0.3, 0.4], atol=4 * 0.5 / draws**0.5)
    assert [np.unique(row).tolist() for row in found[1:]] == [[5], [0], [2]]


def test_the_gradient_goes_to_what_was_drawn_alone(pooling: keras.Model) -> None:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((2, 2, 1))
    scaled = keras.layers.DepthwiseConv2D(1, use_bias=False, depthwise_initializer="ones")(inputs)
    network = keras.Model(inputs, keras.layers.Flatten()(pooling(scaled)))
    network.compile(keras.optimizers.SGD(1.0), lambda target, output: keras.ops.mean(output), jit_compile=False)
    network.train_on_batch(REGIONS[:1], np.zeros((1, 1)))
    # d(drawn activation × scale) / d(scale) is the activation.
    assert 1 - float(network.trainable_weights[0][0, 0, 0, 0]) in {1, 2, 3, 4}


def test_an_odd_border_is_pooled_by_itself() -> None:
    inputs = keras.Input((3, 5, 2))
    maps = np.random.default_rng(0).random((2, 3, 5, 2), np.float32)
    found = pooled(keras.Model(inputs, stochastic_pooling(inputs, "pool")), maps, False)
    assert found.shape == (2, 2, 3, 2)
    corner, edge = maps[:, 2, 4], maps[:, 2, 0:2]
    np.testing.assert_allclose(found[:, 1, 2], corner, rtol=1e-4)
    np.testing.assert_allclose(found[:, 1, 0], (edge**2).sum(1) / edge.sum(1), rtol=1e-4)
