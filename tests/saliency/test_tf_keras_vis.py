"""Gradient, guided back-propagation and class activation maps against tf-keras-vis, on one network with a shortcut."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from fer_cli import catalog
from fer_cli.saliency.base import Maps

SHAPE = (16, 16, 3)
IMAGES = np.random.default_rng(0).uniform(0, 255, (5, *SHAPE)).astype(np.float32)
CLASSES = np.array([0, 3, 1, 2, 3])


@pytest.fixture(scope="module")
def vis() -> Any:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("tf-keras-vis knows TensorFlow only")
    pytest.importorskip("tf_keras_vis")
    with warnings.catch_warnings():
        # SciPy has moved the function that it enlarges maps by.
        warnings.simplefilter("ignore", DeprecationWarning)
        from tf_keras_vis import gradcam, gradcam_plus_plus, saliency
        from tf_keras_vis.utils.model_modifiers import GuidedBackpropagation
    return {
        "gradient": saliency.Saliency,
        "guided-backprop": lambda network: saliency.Saliency(network, GuidedBackpropagation()),
        "grad-cam": gradcam.Gradcam,
        "grad-cam++": gradcam_plus_plus.GradcamPlusPlus,
    }


@cache
def network(flat: bool) -> Any:
    """A residual block at the size of the picture, so that no map is enlarged. flat: its head sees every place."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.Rescaling(1 / 127.5, -1)(inputs))
    y = layers.BatchNormalization(beta_initializer="random_normal")(layers.Conv2D(8, 3, padding="same")(x))
    y = layers.Conv2D(8, 3, padding="same")(layers.Activation("relu")(y))
    x = layers.Activation("relu", name="maps")(layers.Add()([x, y]))
    head = layers.Flatten() if flat else layers.GlobalAveragePooling2D()
    # Where all gradients are above 0, tf-keras-vis' Grad-CAM++ and the authors' code norm their weights alike.
    kernel = keras.initializers.RandomUniform(0, 0.1, seed=2) if flat else "glorot_uniform"
    return keras.Model([inputs], layers.Dense(4, kernel_initializer=kernel, name="logits")(head(x)))


def theirs(method: Any, name: str) -> Maps:
    def score(outputs: Any) -> list[Any]:
        return [outputs[row, label] for row, label in enumerate(CLASSES)]

    arguments = (
        {"normalize_cam": False, "penultimate_layer": "maps", "seek_penultimate_conv_layer": False}
        if "cam" in name
        else {"normalize_map": False}
    )
    return np.asarray(method(score, IMAGES, **arguments))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("flat", [False, True], ids=["averaged", "flat"])
@pytest.mark.parametrize("name", ["gradient", "guided-backprop", "grad-cam", "grad-cam++"])
def test_the_maps_are_those_of_tf_keras_vis(vis: Any, name: str, flat: bool) -> None:
    kind = catalog.find(catalog.SALIENCY, name, "method")
    ours = kind.strength(kind(network(flat), layer="maps").maps(IMAGES, CLASSES))
    expected = theirs(vis[name](network(flat)), name)
    if name == "grad-cam++":
        # Theirs has the exponential of the logit as a factor, which says nothing about places.
        expected = expected * (ours.sum((1, 2)) / expected.sum((1, 2)))[:, None, None]
    assert ours.std((1, 2)).min() > 0
    np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-5 * expected.max())
