"""Networks beside the planted one: of one dense layer of any weights, and one that curves."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from fer_cli.attacks.base import Floats, Images, Labels, Victim

SIDE = 8
CLASSES = 4


def linear(kernel: Floats, *before: keras.layers.Layer, bias: float = 0.0) -> Victim:
    """A victim whose logits are images (N, H, W, C), after the layers `before`, times `kernel` (H, W, C, K).

    bias: added to the logit of class 0.
    """
    *shape, classes = kernel.shape
    inputs = x = keras.Input(tuple(shape))
    for layer in before:
        x = layer(x)
    dense = layers.Dense(classes, name="logits")
    outputs = layers.Softmax(name="probabilities")(dense(layers.Flatten()(x)))
    dense.set_weights([kernel.reshape(-1, classes), bias * np.eye(classes)[0]])
    return Victim(keras.Model(inputs, outputs))


def curved(seed: int = 0) -> Victim:
    """A victim with a hidden layer of random weights."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((SIDE, SIDE, 1))
    x = layers.Rescaling(1 / 20, -127.5 / 20)(inputs)
    x = layers.Dense(32, activation="gelu")(layers.Flatten()(x))
    return Victim(keras.Model(inputs, layers.Softmax()(layers.Dense(CLASSES, name="logits")(x))))


def grey_images(count: int = 16, channels: int = 1, seed: int = 1) -> Images:
    """So far from black and white that no bound is in the way."""
    return np.random.default_rng(seed).uniform(110, 145, (count, SIDE, SIDE, channels)).astype(np.float32)


def classes_of(victim: Victim, images: Images) -> Labels:
    """(N,): what the victim takes the images for."""
    return victim.predict(images).argmax(1)


def of_foolbox(attack: Any, victim: Victim, images: Images, labels: Labels) -> Images:
    """What an attack of foolbox makes of the images, on the 0..1 scale that its defaults are for."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("foolbox is asked about networks of TensorFlow only")
    import foolbox
    import tensorflow as tf

    model = foolbox.TensorFlowModel(lambda x: victim.logits(255 * x), bounds=(0, 1), device="/CPU:0")
    raw, _, reached = attack(model, tf.constant(images / 255), tf.constant(labels), epsilons=None)
    assert np.asarray(reached).all()
    return 255 * np.asarray(raw)
