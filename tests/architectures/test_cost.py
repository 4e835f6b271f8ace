"""Costs agree with counting by hand."""

from __future__ import annotations

import keras
from keras import layers

from fer_cli.architectures.cost import multiply_adds


def test_multiply_adds_of_a_network_counted_by_hand() -> None:
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(4, 3, strides=2, padding="same")(inputs)  # 4×4 places, 3·3·1 inputs, 4 outputs
    x = layers.DepthwiseConv2D(3, padding="same")(x)  # 4×4 places, 3·3 inputs, 4 channels
    x = layers.SeparableConv2D(6, 3, strides=2, padding="same")(x)  # 2×2 places, 3·3 inputs, 4 channels; 4 to 6
    x = layers.Conv2D(6, 3, padding="same", groups=3)(layers.BatchNormalization()(x))  # 2×2, 3·3·2 inputs, 6 outputs
    nested = keras.Sequential([keras.Input((2, 2, 6)), layers.Dense(3)])  # 2×2 places, 6 inputs, 3 outputs
    x = layers.Dense(5)(layers.GlobalAveragePooling2D()(nested(x)))  # 3 inputs, 5 outputs
    by_hand = 16 * 9 * 4 + 16 * 9 * 4 + 4 * (9 * 4 + 4 * 6) + 4 * 18 * 6 + 4 * 6 * 3 + 3 * 5
    assert multiply_adds(keras.Model(inputs, x)) == by_hand
