"""Averaged gradients: what is known of them in closed form."""

from __future__ import annotations

import keras
import numpy as np

from fer_cli import gradients
from fer_cli.saliency.base import absent
from fer_cli.saliency.gradient import Gradient, IntegratedGradients, SmoothGrad, steepest
from tests.saliency.planted import pictures, planted_network

RNG = np.random.default_rng(0)
PICTURES = pictures()
KERNEL = RNG.normal(size=(6, 6, 3, 4)).astype(np.float32)
IMAGES = RNG.uniform(0, 255, (3, 6, 6, 3)).astype(np.float32)
CLASSES = np.array([2, 0, 3])


def linear() -> keras.Model:
    """Logits are the pixels times KERNEL."""
    inputs = keras.Input(KERNEL.shape[:3])
    logits = keras.layers.Dense(4, use_bias=False, name="logits")
    network = keras.Model(inputs, keras.layers.Softmax()(logits(keras.layers.Flatten()(inputs))))
    logits.set_weights([KERNEL.reshape(-1, 4)])
    return network


def test_the_gradient_of_a_linear_network_is_its_weights() -> None:
    weights = np.moveaxis(KERNEL, -1, 0)[CLASSES]
    expected = np.take_along_axis(weights, np.abs(weights).argmax(-1)[..., None], -1)[..., 0]
    for kind in (Gradient, SmoothGrad):
        np.testing.assert_allclose(kind(linear()).maps(IMAGES, CLASSES), expected, rtol=1e-5)


def test_the_steepest_channel_keeps_its_sign() -> None:
    np.testing.assert_array_equal(steepest(np.array([[[[1.0, -3.0, 2.0]]]], np.float32)), [[[-3.0]]])


def test_integrated_gradients_of_a_linear_network_are_weight_times_difference() -> None:
    expected = ((IMAGES - absent(IMAGES)) * np.moveaxis(KERNEL, -1, 0)[CLASSES]).sum(-1)
    found = IntegratedGradients(linear(), samples=1).maps(IMAGES, CLASSES)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-2)


def test_integrated_gradients_add_up_to_the_rise_of_the_logit() -> None:
    network = planted_network()
    logits = gradients.logits_of(network)
    start = np.broadcast_to(absent(PICTURES.images), PICTURES.images.shape)
    rise = gradients.as_array(logits(gradients.as_tensor(PICTURES.images)) - logits(gradients.as_tensor(start)))
    expected = rise[np.arange(len(rise)), PICTURES.classes]
    fine = IntegratedGradients(network, samples=200).maps(PICTURES.images, PICTURES.classes).sum((1, 2))
    np.testing.assert_allclose(fine, expected, rtol=0.01)
    plain = Gradient(network).maps(PICTURES.images, PICTURES.classes)
    once = (plain[..., None] * (PICTURES.images - start)).sum((1, 2, 3))
    # Which the gradient times the difference does not.
    assert (np.abs(once - expected) > 0.2 * expected).all()


def test_the_noise_follows_the_range_of_the_face() -> None:
    """A network that says how far each pixel is from 128: within the noise its slope is 0 on average, outside 1."""
    inputs = keras.Input((4, 4, 1))
    distance = keras.layers.Activation(lambda x: keras.ops.abs(x - 128))(inputs)
    logits = keras.layers.Dense(1, use_bias=False, name="logits")
    network = keras.Model(inputs, logits(keras.layers.Flatten()(distance)))
    logits.set_weights([np.ones((16, 1))])
    image = np.full((1, 4, 4, 1), 128, np.float32)
    image[0, 0, 0], image[0, 0, 1] = 108, 228
    found = SmoothGrad(network, samples=200).maps(image, np.array([0]))[0]
    # The range is 120, so the noise has a deviation of 18: 108 is one away from the bend, and 228 more than five.
    assert found[0, 1] == 1
    np.testing.assert_allclose(found[0, 0], -0.73, atol=0.15)
    np.testing.assert_allclose(found[1:], 0, atol=0.3)
