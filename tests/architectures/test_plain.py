"""A pattern becomes the layers that it spells, and what cannot be built is refused with the letter at fault."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from fer_cli.architectures import choose, pattern
from fer_cli.architectures.cost import multiply_adds
from fer_cli.errors import UsageError


def build(letters: str, shape: tuple[int, int, int] = (12, 12, 1), **options: object) -> keras.Model:
    return choose.build(f"pattern:{letters}", shape, 3, options)


def kinds(network: keras.Model) -> list[str]:
    """The layers that a pattern has letters for."""
    wanted = ("Conv2D", "MaxPooling2D", "AveragePooling2D", "Functional", "Dropout", "Dense")
    return [type(layer).__name__ for layer in network.layers if type(layer).__name__ in wanted]


def test_letters_become_layers_in_their_order() -> None:
    network = build("CCPDCACSFDF")
    pooled = ["MaxPooling2D", "Dropout", "Conv2D", "AveragePooling2D", "Conv2D", "Functional"]
    assert kinds(network) == ["Conv2D", "Conv2D", *pooled, "Dense", "Dropout", "Dense"]
    assert network.get_layer("block2_pool1").output.shape[1:3] == (3, 3)
    assert network.get_layer("block3_pool1").output.shape[1:3] == (2, 2)
    assert network.get_layer("embedding").output.shape == (None, 256)


def test_small_letters_are_the_same_pattern() -> None:
    assert kinds(build("cpf")) == kinds(build("CPF")) == ["Conv2D", "MaxPooling2D", "Dense"]


@pytest.mark.parametrize(
    ("letters", "layer", "features"),
    [("CPFF", "Activation", 256), ("CPF", "Flatten", 6 * 6 * 32), ("CP", "GlobalAveragePooling2D", 32)],
)
def test_the_embedding_is_what_the_logits_see(letters: str, layer: str, features: int) -> None:
    embedding = build(letters).get_layer("embedding")
    assert (type(embedding).__name__, embedding.output.shape[-1]) == (layer, features)


@pytest.mark.parametrize(
    ("widths", "channels"),
    [(None, [32, 32, 64]), ((8, 16), [8, 8, 16]), ((8, 10, 12), [8, 10, 12])],
)
def test_widths_are_those_of_stages_or_of_convolutions(widths: tuple[int, ...] | None, channels: list[int]) -> None:
    options = {} if widths is None else {"widths": widths}
    convolutions = [layer for layer in build("CCPCPF", **options).layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == channels


def test_one_number_of_units_is_that_of_all_hidden_layers() -> None:
    assert [build("CPFFF", dense=(20,)).get_layer(name).units for name in ("dense1", "dense2")] == [20, 20]
    assert [build("CPFFF", dense=(20, 30)).get_layer(name).units for name in ("dense1", "dense2")] == [20, 30]


def test_a_rate_is_that_of_every_dropout_or_of_one_before_the_logits() -> None:
    def rates(letters: str) -> list[float]:
        network = build(letters, dropout=0.2)
        return [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)]

    assert rates("CPDFDF") == [0.2, 0.2]
    assert rates("CPF") == [0.2]


def test_more_poolings_than_the_image_has_halves() -> None:
    assert build("CPCPCPCPF", (5, 5, 1)).get_layer("block4_pool1").output.shape[1:3] == (1, 1)


@pytest.mark.parametrize(
    ("letters", "message"),
    [
        ("CCXPFF", r"pattern 'CCXPFF': expected one of C convolution, .*F fully connected\. Received: letter 3 is X"),
        ("CFPF", r"pattern 'CFPF': expected D or F after the first F\. Received: letter 3 is P"),
        ("PCF", r"pattern 'PCF': expected C or F at the beginning\. Received: letter 1 is P"),
        ("CPFD", r"expected F at the end, the layer that gives the classes\. Received: letter 4 is D"),
        ("", r"pattern '': expected C or F at the beginning\. Received: nothing"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_letter_at_fault(letters: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        pattern.parse(letters)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widths": (8, 9, 10, 11)}, r"has 2 stages and 3 convolutions: .* Received: 8, 9, 10, 11"),
        ({"dense": (8, 9, 10)}, r"--dense: pattern-CCPCPFFF has 2 hidden F .*: expected 2 numbers\. Received: 3"),
    ],
)
def test_numbers_that_fit_no_layers_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build("CCPCPFFF", **options)


def test_the_network_of_ferplus_has_the_published_parameters() -> None:
    network = choose.build("vgg13", (64, 64, 1), 8, {})
    assert network.count_params() / 1e6 == pytest.approx(8.75, abs=0.01)
    rates = [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.25] * 4 + [0.5] * 2


def test_the_small_vgg_has_the_published_cost() -> None:
    network = choose.build("ccpccpccpccpff", (48, 48, 1), 7, {})
    assert network.count_params() / 1e6 == pytest.approx(1.8, abs=0.05)
    assert multiply_adds(network) / 1e6 == pytest.approx(118, abs=0.5)


def test_mini_xception_averages_before_its_last_convolution_and_not_after() -> None:
    network = choose.build("mini-xception", (64, 64, 1), 7, {})
    assert network.count_params() == 58_423  # as published for 64×64 grey and 7 classes
    maps = np.random.default_rng(0).normal(size=(2, *network.get_layer("block4_add").output.shape[1:])).astype("f")
    published = keras.layers.Conv2D(7, 3, padding="same")
    published.build(maps.shape)
    kernel, bias = (keras.ops.convert_to_numpy(weight) for weight in published.weights)
    network.get_layer("logits").set_weights([kernel.reshape(-1, 7), bias])
    ours = keras.Model(network.get_layer("block4_add").output, network.get_layer("logits").output)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(ours(maps)),
        keras.ops.convert_to_numpy(keras.ops.mean(published(maps), axis=(1, 2))),
        atol=1e-5,
    )
