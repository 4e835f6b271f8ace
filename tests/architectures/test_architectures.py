"""The contract that every architecture of the catalog keeps, and what each one is said to cost."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from fer_cli import catalog
from fer_cli.architectures.cost import multiply_adds
from fer_cli.architectures.residual import residual_network

#: Parameters in millions at 48×48 grey and 7 classes, moving statistics of the normalisation included.
PARAMETERS = {"mini": 0.71, "resnet18": 11.18, "resnet34": 21.30}


def build(name: str, input_shape: tuple[int, int, int] = (48, 48, 1), **options: object) -> keras.Model:
    keras.utils.set_random_seed(0)
    return catalog.find(catalog.ARCHITECTURES, name, "architecture")(input_shape, 7, **options)


@pytest.mark.parametrize("name", catalog.ARCHITECTURES)
class TestContract:
    def test_parts_have_the_names_that_others_rely_on(self, name: str) -> None:
        network = build(name)
        assert network.name == name
        assert network.get_layer("embedding").output.shape[0] is None
        assert len(network.get_layer("embedding").output.shape) == 2
        assert isinstance(network.get_layer("logits"), keras.layers.Dense)
        assert network.layers[-1].name == "probabilities"

    def test_uint8_and_float_pixels_give_the_same_distribution(self, name: str) -> None:
        network = build(name, (32, 32, 3))
        images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
        outputs = network.predict(images, verbose=0)
        assert outputs.shape == (2, 7)
        np.testing.assert_allclose(outputs.sum(1), 1, atol=1e-5)
        np.testing.assert_allclose(outputs, network.predict(images.astype(np.float32), verbose=0), atol=1e-6)

    def test_parameters_are_as_listed(self, name: str) -> None:
        assert build(name).count_params() / 1e6 == pytest.approx(PARAMETERS[name], abs=0.005)

    def test_it_needs_nothing_of_ours_to_load(self, name: str, tmp_path: Path) -> None:
        if name != "mini":
            pytest.skip("the family shares its layers; the smallest member is enough")
        build(name).save(tmp_path / "network.keras")
        config = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True).get_config()
        modules = {layer["module"] for layer in config["layers"]}
        assert modules == {"keras.layers"}


def test_mini_is_small_enough_to_train_on_a_cpu() -> None:
    network = build("mini")
    assert network.count_params() <= 1_000_000
    assert multiply_adds(network) <= 30_000_000


def test_multiply_adds_of_a_network_counted_by_hand() -> None:
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same")(inputs)  # 4×4 places, 3·3·1 inputs, 4 outputs
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)  # 4×4 places, 3·3 inputs, 4 channels
    x = keras.layers.Dense(5)(keras.layers.GlobalAveragePooling2D()(x))  # 4 inputs, 5 outputs
    assert multiply_adds(keras.Model(inputs, x)) == 16 * 9 * 4 + 16 * 9 * 4 + 4 * 5


@pytest.mark.parametrize(("stem", "side"), [("small", 48), ("imagenet", 12)])
def test_a_stem_decides_the_resolution_of_the_first_stage(stem: str, side: int) -> None:
    assert build("resnet18", stem=stem).get_layer("stage1_block1_add").output.shape[1] == side


def test_an_unknown_stem_says_what_was_expected() -> None:
    with pytest.raises(ValueError, match=r"expected small or imagenet\. Received: tiny"):
        residual_network((48, 48, 1), 7, name="net", depths=(1,), widths=(8,), stem="tiny")
