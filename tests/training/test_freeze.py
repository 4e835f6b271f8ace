"""What is frozen stays, what is not learns, and stages are found in the names of layers."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import pytest
from keras import layers

from fer_cli.architectures.residual import mini
from fer_cli.errors import UsageError
from fer_cli.training import freeze
from tests.tiny import tiny


def chain(names: Sequence[str]) -> keras.Model:
    """A convolution for each name, then the head."""
    inputs = x = keras.Input((2, 2, 1))
    for name in names:
        x = layers.Conv2D(1, 1, name=name)(x)
    x = layers.GlobalAveragePooling2D(name="embedding")(x)
    return keras.Model(inputs, layers.Dense(2, name="logits")(x), name="chain")


def frozen(network: keras.Model) -> list[str]:
    return [layer.name for layer in network.layers if layer.weights and not layer.trainable]


def fit(network: keras.Model) -> None:
    rng = np.random.default_rng(0)
    network.compile("sgd", "categorical_crossentropy")
    for _ in range(2):
        images = rng.integers(0, 256, (8, 24, 24, 1)).astype(np.uint8)
        network.train_on_batch(images, np.eye(7)[rng.integers(0, 7, 8)])


def moved(network: keras.Model, before: dict[str, list[np.ndarray]]) -> set[str]:
    """Layers of which any weight, statistics included, is not what it was."""
    return {
        layer.name
        for layer in network.layers
        if any(not np.array_equal(a, b) for a, b in zip(layer.get_weights(), before[layer.name], strict=True))
    }


def test_a_frozen_body_stays_with_its_statistics_until_it_is_unfrozen() -> None:
    network = tiny((24, 24, 1), 7)
    before = {layer.name: layer.get_weights() for layer in network.layers}
    assert freeze.freeze(network, "all-but-head") == 2
    fit(network)
    assert moved(network, before) == {"embedding", "logits"}
    freeze.unfreeze(network)
    fit(network)
    assert moved(network, before) == {"blocks", "blocks_bn", "embedding", "logits"}


def test_a_stage_is_frozen_with_all_before_it() -> None:
    network = mini((48, 48, 1), 7)
    count = freeze.freeze(network, "Stage2")
    names = frozen(network)
    assert len(names) == count
    assert {name.split("_")[0] for name in names} == {"stem", "stage1", "stage2"}
    trainable = [layer.name for layer in network.layers if layer.weights and layer.trainable]
    assert {name.split("_")[0] for name in trainable} == {"stage3", "stage4", "logits"}


@pytest.mark.parametrize(
    ("names", "stages", "what", "last"),
    [
        (["block1_conv1", "block1_conv2", "block2_conv1"], ["block1", "block2"], "block1", "block1_conv2"),
        (["block1_conv1", "block10_conv1"], ["block1", "block10"], "block1", "block1_conv1"),
        (["conv1_conv", "conv1_bn", "conv2_block1_0_bn"], ["conv1", "conv2"], "conv1", "conv1_bn"),
        (["stem_conv", "block1a_project_conv", "block2b_bn", "top_conv"], ["stem", "block1", "block2"], "block1",
         "block1a_project_conv"),
        (["Conv1", "expanded_conv_project", "block_1_expand", "Conv_1"],
         ["Conv1", "expanded_conv", "block_1", "Conv_1"], "block_1", "block_1_expand"),
        (["conv", "expanded_conv_project", "expanded_conv_1_expand"], ["expanded_conv", "expanded_conv_1"],
         "expanded_conv", "expanded_conv_project"),
        (["convnext_tiny_stem_conv", "convnext_tiny_stage_0_block_0_layernorm", "convnext_tiny_downsampling_conv_0"],
         ["stem", "stage_0"], "stage_0", "convnext_tiny_stage_0_block_0_layernorm"),
        (["conv", "conv_bn", "conv_1"], ["conv_1"], "conv", "conv"),
        (["stage1_block1_conv1", "stage1_block2_conv1"], ["stage1"], "stage1_block1", "stage1_block1_conv1"),
    ],
)  # fmt: skip
def test_stages_are_read_from_the_names_of_layers(names: list[str], stages: list[str], what: str, last: str) -> None:
    network = chain(names)
    assert freeze.stages(network) == stages
    assert freeze.freeze(network, what) == names.index(last) + 1
    assert frozen(network) == names[: names.index(last) + 1]


def test_a_number_counts_layers_with_weights_from_the_input() -> None:
    network = tiny((24, 24, 1), 7)
    assert freeze.freeze(network, "1") == 1
    assert frozen(network) == ["blocks"]


def test_layers_within_a_nested_model_are_frozen_one_by_one() -> None:
    nested = keras.Sequential([layers.Conv2D(1, 1, name="stage1_a"), layers.Conv2D(1, 1, name="stage2_a")])
    inputs = keras.Input((2, 2, 1))
    x = layers.GlobalAveragePooling2D(name="embedding")(nested(inputs))
    network = keras.Model(inputs, layers.Dense(2, name="logits")(x))
    assert freeze.freeze(network, "stage1") == 1
    assert [layer.trainable for layer in nested.layers] == [False, True]


def test_dense_layers_around_the_embedding_are_the_head() -> None:
    inputs = keras.Input((4, 4, 1))
    x = layers.Flatten(name="flatten")(layers.Conv2D(2, 3, name="block1_conv1")(inputs))
    x = layers.Dense(4, name="embedding")(layers.Dense(6, name="dense1")(x))
    network = keras.Model(inputs, layers.Dense(2, name="logits")(layers.Dropout(0.5, name="dropout")(x)))
    names = [layer.name for layer in freeze.head_layers(network)]
    assert names == ["flatten", "dense1", "embedding", "dropout", "logits"]
    assert freeze.body_variables(network) == {"block1_conv1/kernel", "block1_conv1/bias"}


def test_frozen_layers_that_were_not_loaded_are_named() -> None:
    network = tiny((24, 24, 1), 7)
    freeze.freeze(network, "all-but-head")
    assert freeze.frozen_at_random(network, {"blocks"}) == ["blocks_bn"]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("stage7", "unknown stage of chain 'stage7': did you mean 'stage2'\\? known are all-but-head, stage1, stage2, "
                   "or a number of layers"),
        ("3", "expected fewer than the 3 layers of chain. Received: 3"),
    ],
)  # fmt: skip
def test_what_cannot_be_frozen_is_a_usage_error(what: str, message: str) -> None:
    network = chain(["stage1_conv", "stage2_conv"])
    with pytest.raises(UsageError, match=f"--freeze: {message}"):
        freeze.freeze(network, what)
    assert frozen(network) == []
