"""The last layers, which all architectures share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers


def classifier(
    inputs: Any,
    features: Any,
    num_classes: int,
    name: str,
    *,
    dense: Sequence[int] = (),
    activation: str = "relu",
    dropout: float = 0.0,
) -> keras.Model:
    """The network from `inputs` over `features` (N, D), whose layer is named `embedding`, to class probabilities.

    dense, activation: hidden layers between the two. dropout: rate before the logits. Logits and probabilities are
    float32 at any precision.
    """
    x = features
    for number, units in enumerate(dense, 1):
        x = layers.Dense(units, activation, kernel_initializer="he_normal", name=f"dense{number}")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, layers.Softmax(dtype="float32", name="probabilities")(x), name=name)
