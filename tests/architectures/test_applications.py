"""The networks of keras.applications see what they were trained on, and their weights are where Keras has them."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fer_cli.architectures import applications, choose
from fer_cli.training.initialise import initialise

#: The module of keras.applications that publishes the preprocessing of each network, and the network's name there.
PUBLISHED = {
    "vgg16": ("vgg16", "VGG16"),
    "resnet50v2": ("resnet_v2", "ResNet50V2"),
    "resnet152v2": ("resnet_v2", "ResNet152V2"),
    "mobilenetv2": ("mobilenet_v2", "MobileNetV2"),
    "densenet121": ("densenet", "DenseNet121"),
    "mobilenetv3small": (None, "MobileNetV3Small"),
    "efficientnetv2b0": (None, "EfficientNetV2B0"),
    "convnexttiny": (None, "ConvNeXtTiny"),
}


class AskedError(Exception):
    """Raised in place of a download."""


def outline(name: str, shape: tuple[int, int, int]) -> keras.Model:
    with keras.StatelessScope(initialize_variables=False):
        built = choose.build(name, shape, 7, {})
    keras.backend.clear_session()
    return built


def preprocessed(name: str, images: np.ndarray) -> np.ndarray:
    """What the body of a network gets to see of images (N, 64, 64, C)."""
    inputs = keras.Input(images.shape[1:])
    network = keras.Model(inputs, applications.preprocessed(name, inputs))
    return np.asarray(keras.ops.convert_to_numpy(network(images)))


def published(name: str, images: np.ndarray) -> np.ndarray:
    module, builder = PUBLISHED[name]
    if module:
        theirs = importlib.import_module(f"keras.applications.{module}")
        return np.asarray(theirs.preprocess_input(images.astype(np.float32)))
    # The others publish theirs as the first layers of the network.
    with keras.StatelessScope(initialize_variables=False):
        network = getattr(keras.applications, builder)(include_top=False, weights=None, input_shape=(64, 64, 3))
    keras.backend.clear_session()
    x = images.astype(np.float32)
    for layer in network.layers[1:]:
        if not isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization):
            break
        x = keras.ops.convert_to_numpy(type(layer).from_config(layer.get_config())(x))
    return np.asarray(x)


@pytest.mark.parametrize("name", PUBLISHED)
def test_colour_and_grey_are_preprocessed_as_published(name: str) -> None:
    colour = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    np.testing.assert_allclose(preprocessed(name, colour), published(name, colour), atol=1e-4)
    grey = colour[..., :1]
    np.testing.assert_allclose(preprocessed(name, grey), published(name, np.repeat(grey, 3, -1)), atol=1e-4)


@pytest.mark.parametrize("name", PUBLISHED)
def test_its_weights_are_where_keras_would_fetch_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def get_file(file: str, address: str, **more: Any) -> None:
        asked.append((file, address))
        raise AskedError

    builder = getattr(keras.applications, PUBLISHED[name][1])
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    with keras.StatelessScope(initialize_variables=False), pytest.raises(AskedError):
        builder(include_top=False, weights="imagenet", input_shape=(224, 224, 3))
    keras.backend.clear_session()
    assert asked == [applications.weights_file(name)]


# ResNet152V2 is ResNet50V2 with more of the same blocks.
@pytest.mark.parametrize("name", sorted(set(PUBLISHED) - {"resnet152v2"}))
def test_layers_with_weights_keep_the_names_of_keras(name: str) -> None:
    with keras.StatelessScope(initialize_variables=False):
        theirs = getattr(keras.applications, PUBLISHED[name][1])(
            include_top=False, weights=None, input_shape=(96, 96, 3)
        )
    keras.backend.clear_session()
    ours = {layer.name: [w.shape for w in layer.weights] for layer in outline(name, (48, 48, 1)).layers}
    for layer in theirs.layers:
        if layer.weights and not layer.name.startswith("layer_normalization"):
            squeezed = [[side for side in shape if side > 1] for shape in ours[layer.name]]
            assert squeezed == [[side for side in weight.shape if side > 1] for weight in layer.weights]


@pytest.mark.parametrize(("side", "enlarged"), [(24, 96), (32, 64), (44, 88), (48, 96), (64, 64), (100, 100)])
def test_small_faces_are_doubled_until_they_are_large_enough(side: int, enlarged: int) -> None:
    x = applications.preprocessed("mobilenetv2", keras.Input((side, side + 8, 1)))
    assert x.shape[1] == enlarged
    assert x.shape[2] == (side + 8) * enlarged // side


def test_a_network_without_groups_takes_the_weights_of_the_one_with_them(tmp_path: Path) -> None:
    inputs = keras.Input((9, 9, 6))
    x = keras.layers.Conv2D(6, 7, padding="same", groups=6, name="mix")(inputs)
    x = keras.layers.Dense(3, name="logits")(keras.layers.GlobalAveragePooling2D(name="embedding")(x))
    grouped = keras.Model(inputs, x)
    grouped.save_weights(tmp_path / "grouped.weights.h5")
    depthwise = keras.models.clone_model(grouped, clone_function=applications.without_groups)
    loaded = initialise(depthwise, str(tmp_path / "grouped.weights.h5"), "small")
    assert (loaded.layers, loaded.fresh, loaded.notes) == (("mix", "logits"), {}, ())
    maps = np.random.default_rng(0).normal(size=(1, 9, 9, 6)).astype("f")
    answers = [keras.ops.convert_to_numpy(network(maps)) for network in (grouped, depthwise)]
    np.testing.assert_allclose(*answers, atol=1e-5)
    assert type(depthwise.get_layer("mix")) is keras.layers.DepthwiseConv2D
