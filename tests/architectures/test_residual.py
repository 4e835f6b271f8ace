"""Residual networks are those that were published, and their options do what they say."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from fer_cli.architectures import choose
from fer_cli.architectures.cost import multiply_adds
from fer_cli.architectures.residual import residual_network
from fer_cli.errors import UsageError


def outline(name: str, shape: tuple[int, int, int] = (48, 48, 1), classes: int = 7, **options: object) -> keras.Model:
    with keras.StatelessScope(initialize_variables=False):
        built = choose.build(name, shape, classes, options)
    keras.backend.clear_session()
    return built


@pytest.mark.parametrize(
    ("name", "parameters", "giga"),
    # Of the reference implementation in torchvision, at 224×224 colour and 1,000 classes.
    [
        ("resnet18", 11_689_512, 1.81),
        ("resnet34", 21_797_672, 3.66),
        ("resnet50", 25_557_032, 4.09),
        ("resnet101", 44_549_160, 7.80),
    ],
)
def test_on_imagenet_they_are_the_published_networks(name: str, parameters: int, giga: float) -> None:
    network = outline(name, (224, 224, 3), 1000, stem="imagenet")
    assert sum(math.prod(weight.shape) for weight in network.trainable_weights) == parameters
    assert multiply_adds(network) / 1e9 == pytest.approx(giga, abs=0.01)


@pytest.mark.parametrize(
    ("name", "options", "parameters", "mega"),
    # As published for crops of 44 pixels.
    [("resnet10se", {}, 0.9, 113), ("resnet18", {"se": True}, 11.3, 1100)],
)
def test_on_crops_of_44_pixels_they_cost_what_is_published(
    name: str, options: dict[str, bool], parameters: float, mega: int
) -> None:
    network = outline(name, (44, 44, 1), **options)
    assert network.count_params() / 1e6 == pytest.approx(parameters, abs=0.05)
    assert multiply_adds(network) / 1e6 == pytest.approx(mega, rel=0.05)


def test_mini_is_small_enough_to_train_on_a_cpu() -> None:
    network = outline("mini")
    assert network.count_params() <= 1_000_000
    assert multiply_adds(network) <= 30_000_000


@pytest.mark.parametrize(("stem", "side"), [("small", 48), ("imagenet", 12)])
def test_a_stem_decides_the_resolution_of_the_first_stage(stem: str, side: int) -> None:
    assert outline("resnet18", stem=stem).get_layer("stage1_block1_add").output.shape[1] == side


def test_an_unknown_stem_says_what_was_expected() -> None:
    with pytest.raises(ValueError, match=r"expected small or imagenet\. Received: tiny"):
        residual_network((48, 48, 1), 7, name="net", depths=(1,), widths=(8,), strides=(1,), stem="tiny")


def test_a_width_multiplies_the_channels_of_every_layer() -> None:
    half, whole = outline("resnet10se", width=0.5), outline("resnet10se")
    for layer in ("stem", "stage1_block1_conv1", "stage4_block1_conv2"):
        assert 2 * half.get_layer(layer).filters == whole.get_layer(layer).filters


def test_options_reach_the_layers() -> None:
    network = outline("mini", se=False, activation="gelu", widths=(8, 8, 16, 16), dense=(20, 10), dropout=0.3)
    names = {layer.name for layer in network.layers}
    assert not any("_se_" in name for name in names)
    assert network.get_layer("stage1_block1_act1").activation is keras.activations.gelu
    assert network.get_layer("embedding").output.shape[-1] == 16
    assert [network.get_layer(name).units for name in ("dense1", "dense2")] == [20, 10]
    assert network.get_layer("dropout").rate == 0.3


def test_each_stage_needs_its_width() -> None:
    with pytest.raises(UsageError, match=r"--widths: mini has 4 stages: expected 4 numbers\. Received: 2 \(8, 16\)"):
        outline("mini", widths=(8, 16))


def test_a_step_of_training_survives_few_channels() -> None:
    """The gradient of a 1×1 convolution of stride 2 from 8 to 16 channels brings TensorFlow 2.21 down."""
    network = choose.build("mini", (48, 48, 1), 7, {"width": 0.5})
    network.compile("sgd", "categorical_crossentropy", jit_compile=False)
    images, targets = np.zeros((128, 48, 48, 1), np.uint8), np.eye(7, dtype=np.float32)[np.zeros(128, int)]
    assert np.isfinite(network.train_on_batch(images, targets))
