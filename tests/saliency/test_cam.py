"""Class activation maps: their closed form, and the layer that they weigh."""

from __future__ import annotations

import cv2
import keras
import numpy as np
import pytest
from keras import layers

from fer_cli import catalog
from fer_cli.errors import UsageError
from fer_cli.saliency.cam import GradCam, GradCamPlusPlus, map_layer, map_layers
from tests.saliency.planted import SIDE, pictures, planted_network
from tests.tiny import tiny

PICTURES = pictures()
SHAPE = (24, 24, 1)
RNG = np.random.default_rng(0)


def averaging() -> keras.Model:
    """Random convolutions with stride, whose maps are averaged before a linear head."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(8, 3, strides=2, padding="same", name="conv1")(layers.Rescaling(1 / 255)(inputs))
    x = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="conv2")(x)
    x = layers.GlobalAveragePooling2D(name="embedding")(x)
    return keras.Model(inputs, layers.Dense(4, activation="softmax", name="classes")(x))


@pytest.mark.parametrize("kind", [GradCam, GradCamPlusPlus])
def test_before_an_averaging_linear_head_it_is_the_class_activation_map(kind: type[GradCam]) -> None:
    network = averaging()
    images = RNG.uniform(0, 255, (4, *SHAPE)).astype(np.float32)
    classes = np.array([0, 3, 1, 2])
    maps = keras.Model(network.inputs, network.get_layer("conv2").output).predict(images, verbose=0)
    weights = network.get_layer("classes").kernel.numpy() / maps[0, :, :, 0].size
    # Grad-CAM++ takes the gradients above 0 alone, of which within a map all are the same here.
    weights = weights if kind is GradCam else np.maximum(weights, 0)
    coarse = np.maximum((maps * weights.T[classes][:, None, None]).sum(-1), 0)
    expected = [cv2.resize(cam, SHAPE[:2], interpolation=cv2.INTER_LINEAR) for cam in coarse]
    np.testing.assert_allclose(kind(network).maps(images, classes), expected, rtol=1e-3, atol=1e-7)
    assert coarse.any()


def test_grad_cam_plus_plus_favours_gradients_where_maps_are_small() -> None:
    """Two maps of the same mean gradient above 0: the one that is weaker in sum gets the more even weights."""
    weigh = GradCamPlusPlus(averaging()).weigh
    gradient = np.zeros((1, 2, 2, 1), np.float32)
    gradient[0, 0] = [[3.0], [1.0]]
    gradient[0, 1, 1] = -5
    for total in (0.0, 4.0):
        maps = np.full((1, 2, 2, 1), total / 4, np.float32)
        shares = np.array([1 / (2 + 3 * total), 1 / (2 + total)])
        expected = (shares * [3, 1]).sum() / shares.sum()
        np.testing.assert_allclose(keras.ops.convert_to_numpy(weigh(maps, gradient)).ravel(), expected, rtol=1e-6)


def test_maps_without_a_gradient_above_0_weigh_nothing() -> None:
    maps, gradient = np.ones((1, 2, 2, 3), np.float32), -np.ones((1, 2, 2, 3), np.float32)
    weights = GradCamPlusPlus(averaging()).weigh(maps, gradient)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(weights), 0)


def test_another_layer_can_be_weighed() -> None:
    coarse, fine = GradCam(planted_network()), GradCam(planted_network(), layer="found")
    assert coarse.layer == "maps"
    assert fine.layer == "found"
    maps = fine.maps(PICTURES.images, PICTURES.classes)
    assert PICTURES.share(maps).min() > 0.9
    # At the size of the picture, nothing is enlarged: half of the places are between the lines.
    assert (maps == 0).mean() > (coarse.maps(PICTURES.images, PICTURES.classes) == 0).mean()


#: Of small networks of these kinds, for faces of 48×48: what is coarser, padded, pooled or beside a shortcut is left.
LAST = {
    "mini": "stage3_block1_out",
    "mini-xception": "block3_add",
    "vgg13": "block4_conv3_act",
    "six-conv": "block4_conv1_act",
}


@pytest.mark.parametrize("name", LAST)
def test_the_layer_is_the_last_that_shows_places_and_finds_something(name: str) -> None:
    network = catalog.find(catalog.ARCHITECTURES, name, "architecture")((48, 48, 1), 7, width=0.1)
    assert map_layer(network) == LAST[name]


@pytest.mark.parametrize("kind", ["functional", "sequential"])
def test_a_network_inside_of_the_network_is_a_layer(kind: str) -> None:
    keras.utils.set_random_seed(0)
    inner = [keras.Input(SHAPE), layers.Conv2D(4, 3, activation="relu"), layers.Conv2D(4, 3, activation="relu")]
    body = keras.Sequential(inner, name="body")
    if kind == "functional":
        body = keras.Model(body.inputs, body.outputs[0], name="body")
    inputs = keras.Input(SHAPE)
    outputs = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(body(inputs)))
    network = keras.Model(inputs, outputs)
    assert map_layer(network) == "body"
    for name in ("grad-cam", "guided-grad-cam"):
        method = catalog.find(catalog.SALIENCY, name, "method")(network)
        assert method.maps(PICTURES.images[:2], np.array([0, 1])).any()


def test_a_network_without_maps_has_no_class_activation_map() -> None:
    inputs = keras.Input((SIDE, SIDE, 1))
    network = keras.Model(inputs, layers.Dense(3, name="logits")(layers.Flatten()(inputs)), name="flat")
    with pytest.raises(UsageError, match=r"convolution with maps of 4×4 places or more; the network 'flat' has none"):
        GradCam(network)


def test_a_layer_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(UsageError, match=r"unknown layer of maps 'block': did you mean 'blocks'\? known are blocks,"):
        GradCam(tiny((24, 24, 1), 7), layer="block")
    assert map_layers(tiny((24, 24, 1), 7)) == ("blocks", "blocks_bn")


def test_a_layer_beside_a_shortcut_is_refused() -> None:
    network = catalog.find(catalog.ARCHITECTURES, "mini", "architecture")((48, 48, 1), 7)
    inside = next(name for name in map_layers(network) if name.endswith("_conv1"))
    with pytest.raises(
        UsageError, match=rf"layer '{inside}': expected one that all .* Received: one beside a shortcut"
    ):
        GradCam(network, layer=inside)
