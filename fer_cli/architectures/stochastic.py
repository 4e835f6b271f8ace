"""Stochastic pooling, made of layers and operations that Keras saves and loads by itself.

Zeiler, Fergus: Stochastic Pooling for Regularization of Deep Convolutional Neural Networks (ICLR 2013,
arXiv:1301.3557). With activations a_i >= 0 in a region and p_i = a_i / sum(a): training puts out a_i with probability
p_i, testing the mean sum(p_i a_i).

Keras has no layer that samples a category, but its GaussianNoise draws in training and adds exactly 0 otherwise. Half
the sum of two squared normal draws is exponentially distributed, and of independent exponentials e_i the ratio
a_i / e_i is greatest at i with probability a_i / sum(a): an exponential race, the Gumbel-max trick before its
logarithm. Draws that are all 0 are how the graph knows that it is not being trained.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

#: Against division by zero; small beside activations, and still a number in half precision.
_TINY = 1e-6


def stochastic_pooling(x: Any, name: str) -> Any:
    """Pool regions of 2×2, stride 2, of maps (N, H, W, C) that become (N, ceil(H/2), ceil(W/2), C).

    Negative activations count as 0. What a border of odd size lacks is filled with zeros, which are never drawn.
    """
    inputs = keras.Input(x.shape[1:], name=f"{name}_maps")
    region = _regions(inputs, name)
    race = _squared_noise(region, f"{name}_noise1") + _squared_noise(region, f"{name}_noise2")
    chosen = ops.one_hot(ops.argmax(region / (race + _TINY), axis=-1), 4, dtype=region.dtype)
    sample = ops.sum(chosen * region, axis=-1)
    mean = ops.sum(region * region, axis=-1) / (ops.sum(region, axis=-1) + _TINY)
    outputs = ops.where(ops.max(race, axis=-1) > 0, sample, mean)
    # One nested network keeps the steps of the pooling together under the name of the layer that they are.
    return keras.Model(inputs, outputs, name=name)(x)


def _regions(x: Any, name: str) -> Any:
    """(N, H, W, C) -> (N, ceil(H/2), ceil(W/2), C, 4): the positive parts of each region's activations."""
    height, width, channels = x.shape[1:]
    x = layers.ZeroPadding2D(((0, height % 2), (0, width % 2)), name=f"{name}_pad")(ops.relu(x))
    rows, columns = (height + 1) // 2, (width + 1) // 2
    x = layers.Reshape((rows, 2, columns, 2, channels), name=f"{name}_split")(x)
    x = layers.Permute((1, 3, 5, 2, 4), name=f"{name}_gather")(x)
    return layers.Reshape((rows, columns, channels, 4), name=f"{name}_regions")(x)


def _squared_noise(x: Any, name: str) -> Any:
    return ops.square(layers.GaussianNoise(1.0, name=name)(ops.zeros_like(x)))
