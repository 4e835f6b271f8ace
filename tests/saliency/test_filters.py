"""Learned filters and feature maps, of networks whose weights are set by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from fer_cli.errors import UsageError
from fer_cli.saliency.feature_maps import feature_maps, last_of_each_size
from fer_cli.saliency.filters import convolutions, filters

SIDE = 8


def network() -> keras.Model:
    """Edges to the right, edges downwards; depthwise, separable; then what has no places."""
    inputs = keras.Input((SIDE, SIDE, 1))
    x = layers.Conv2D(2, 3, padding="same", use_bias=False, name="edges")(inputs)
    x = layers.Activation("relu", name="relu")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="depthwise")(x)
    x = layers.SeparableConv2D(5, 3, padding="same", name="separable")(x)
    x = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    x = layers.Flatten(name="embedding")(x)
    made = keras.Model(inputs, layers.Dense(3, activation="softmax", name="probabilities")(x))
    made.get_layer("edges").set_weights([np.stack([EDGE, EDGE.T], -1)[:, :, None]])
    return made


EDGE = np.array([[-1, 0, 1]] * 3, np.float32)


def test_filters_are_the_kernels_one_an_output() -> None:
    found = filters(network(), "edges")
    assert (found.shape, found.dtype) == ((2, 3, 3, 1), np.float32)
    np.testing.assert_array_equal(found[:, ..., 0], [EDGE, EDGE.T])


def test_depthwise_filters_see_one_channel_each() -> None:
    made = network()
    kernel = np.arange(3 * 3 * 2 * 2, dtype=np.float32).reshape(3, 3, 2, 2)
    made.get_layer("depthwise").set_weights([kernel, np.zeros(4)])
    found = filters(made, "depthwise")
    assert found.shape == (4, 3, 3, 1)
    # Output 2 × channel + multiple, as Keras orders them.
    np.testing.assert_array_equal(found[3, ..., 0], kernel[:, :, 1, 1])
    assert filters(made, "separable").shape == (4, 3, 3, 1)


def test_layers_with_filters_are_listed_and_others_refused() -> None:
    assert convolutions(network()) == ["edges", "depthwise", "separable"]
    with pytest.raises(UsageError, match="unknown layer with filters 'relu': known are edges, depthwise, separable"):
        filters(network(), "relu")
    inputs = keras.Input((4,))
    with pytest.raises(UsageError, match=r"network 'flat': expected convolutions\. It has none"):
        convolutions(keras.Model(inputs, layers.Dense(2)(inputs), name="flat"))


def test_feature_maps_are_what_the_layers_put_out() -> None:
    images = np.zeros((2, SIDE, SIDE, 1), np.uint8)
    images[0, :, 4:] = 10
    found = feature_maps(network(), ["edges", "relu"], images)
    assert found["edges"].shape == (2, SIDE, SIDE, 2)
    # Rows 1 to 6 see no border: a step of 10 levels in three rows.
    np.testing.assert_allclose(found["edges"][0, 1:-1, :, 0], [[0, 0, 0, 30, 30, 0, 0, -30]] * 6)
    np.testing.assert_array_equal(found["relu"], np.maximum(found["edges"], 0))
    np.testing.assert_array_equal(found["edges"][1], 0)
    np.testing.assert_array_equal(feature_maps(network(), ["edges"], images)["edges"], found["edges"])


def test_layers_without_places_have_no_maps() -> None:
    images = np.zeros((1, SIDE, SIDE, 1), np.uint8)
    with pytest.raises(UsageError, match="layer 'embedding': expected an output of height, width and channels"):
        feature_maps(network(), ["embedding"], images)
    with pytest.raises(UsageError, match="unknown layer 'edge': did you mean 'edges'"):
        feature_maps(network(), ["edge"], images)


def test_the_usual_layers_are_the_last_of_each_resolution() -> None:
    assert last_of_each_size(network()) == ["relu", "separable"]
    inputs = keras.Input((4,))
    with pytest.raises(UsageError, match=r"expected layers of height, width and channels\. It has none"):
        last_of_each_size(keras.Model(inputs, layers.Dense(2)(inputs)))
