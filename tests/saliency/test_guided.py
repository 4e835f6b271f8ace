"""Guided back-propagation: the rule at each rectifier, worked out by hand, and which layers it reaches."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import layers

from fer_cli.errors import UsageError
from fer_cli.saliency.gradient import Gradient
from fer_cli.saliency.guided import GuidedBackprop, guided_twin
from tests.saliency.planted import pictures, planted_network

PICTURES = pictures()
RECTIFIERS: dict[str, Callable[[], layers.Layer]] = {
    "an activation layer": lambda: layers.Activation("relu"),
    "an activation layer of relu6": lambda: layers.Activation("relu6"),
    "a layer ReLU": layers.ReLU,
    "a layer ReLU with a ceiling": lambda: layers.ReLU(6.0),
    "the activation of a dense layer": lambda: layers.Dense(4, activation="relu"),
}


@pytest.mark.parametrize("rectifier", RECTIFIERS)
def test_only_what_is_above_0_passes_an_active_unit(rectifier: str) -> None:
    inputs = keras.Input((2, 2, 1))
    unit, logits = RECTIFIERS[rectifier](), layers.Dense(1, use_bias=False, name="logits")
    network = keras.Model(inputs, logits(unit(layers.Flatten()(inputs))))
    logits.set_weights([np.array([[3.0], [-2.0], [1.0], [-1.0]])])
    if isinstance(unit, layers.Dense):
        unit.set_weights([np.eye(4), np.zeros(4)])
    image = np.array([[[1.0], [2.0]], [[-1.0], [-2.0]]], np.float32)[None]
    plain, guided = (kind(network).maps(image, np.array([0]))[0] for kind in (Gradient, GuidedBackprop))
    np.testing.assert_allclose(plain, [[3, -2], [0, 0]])
    np.testing.assert_allclose(guided, [[3, 0], [0, 0]])


def test_above_the_ceiling_nothing_passes() -> None:
    inputs = keras.Input((1, 2, 1))
    logits = layers.Dense(1, use_bias=False, name="logits")
    network = keras.Model(inputs, logits(layers.Flatten()(layers.ReLU(6.0)(inputs))))
    logits.set_weights([np.ones((2, 1))])
    found = GuidedBackprop(network).maps(np.array([5.0, 7.0], np.float32).reshape(1, 1, 2, 1), np.array([0]))
    np.testing.assert_allclose(found.ravel(), [1, 0])


def test_the_twin_says_the_same() -> None:
    network = planted_network()
    expected = network.predict(PICTURES.images, verbose=0)
    np.testing.assert_allclose(guided_twin(network).predict(PICTURES.images, verbose=0), expected, rtol=1e-5)


def test_the_network_keeps_its_gradient() -> None:
    network = planted_network()
    before = Gradient(network).maps(PICTURES.images, PICTURES.classes)
    GuidedBackprop(network).maps(PICTURES.images, PICTURES.classes)
    np.testing.assert_array_equal(Gradient(network).maps(PICTURES.images, PICTURES.classes), before)


def test_a_network_without_rectifiers_is_refused() -> None:
    inputs = keras.Input((4, 4, 1))
    outputs = layers.Dense(2)(layers.Dense(3, activation="gelu")(layers.Flatten()(inputs)))
    with pytest.raises(UsageError, match=r"needs rectifiers \(ReLU\); the network 'smooth' has none"):
        GuidedBackprop(keras.Model(inputs, outputs, name="smooth"))
