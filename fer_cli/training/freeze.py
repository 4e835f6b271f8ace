"""Keeping a part of a network as it is while the rest trains.

A frozen layer's weights stay, and a frozen batch normalisation uses the mean and variance that it has and does not
update them (Keras runs it in inference mode), so a frozen body is a fixed function of the image, but for its dropout.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

import keras

from fer_cli import catalog
from fer_cli.errors import UsageError

#: What `freeze` calls everything but the layers that are new for a task.
ALL_BUT_HEAD = "all-but-head"
#: The stage in the name of a layer: stage3_block1_conv1, block4_conv2, block6a_expand_conv, conv4_block1_0_bn,
#: block_12_add, convnext_tiny_stage_2_block_0_layernorm.
_STAGE = re.compile(r"(?:convnext_[a-z]+_)?((?:stage|block|conv|expanded_conv)_?\d+|expanded_conv|stem)(?!\d)", re.I)


def head_layers(network: keras.Model) -> list[keras.Layer]:
    """The layers that a new task replaces: from `embedding` to the output, in order.

    Dense layers between the last feature map and `embedding` belong to the head too: they depend on the size of the
    image, and nets that have them learn most of the task there.
    """
    layers = network.layers
    start = [layer.name for layer in layers].index("embedding")
    while len(layers[start - 1].output.shape) == 2:
        start -= 1
    return list(layers[start:])


def body_layers(network: keras.Model) -> list[keras.Layer]:
    """The layers before the head, in order."""
    return list(network.layers[: -len(head_layers(network))])


def body_variables(network: keras.Model) -> frozenset[str]:
    """Paths of the trainable variables of the body: those whose learning rate `--body-lr` lowers."""
    return frozenset(variable.path for layer in body_layers(network) for variable in layer.trainable_variables)


def layers_with_weights(network: keras.Model) -> list[keras.Layer]:
    """The layers that hold weights, in the order of the network, those of nested models where they stand."""
    return [layer for layer in _flat(network.layers) if layer.weights]


def stages(network: keras.Model) -> list[str]:
    """Names of the stages of the body, in order: "stem", "stage1" …, "block1" …, as the layers' names begin."""
    found = (_stage(layer.name) for layer in _flat(body_layers(network)) if layer.weights)
    return list(dict.fromkeys(stage for stage in found if stage))


def freeze(network: keras.Model, what: str) -> int:
    """Make a part of the network untrainable, and say how many layers with weights that are.

    what: "all-but-head"; a stage, a layer or the beginning of layers' names up to an underscore ("stage3_block1"), for
    everything up to and including it; or a number N, for the first N layers that have weights. Compile the network
    afterwards.
    Raises `UsageError` for a stage that the network does not have, or when nothing would be left to train.
    """
    frozen = _part(network, what)
    for layer in frozen:
        layer.trainable = False
    return sum(bool(layer.weights) for layer in frozen)


def unfreeze(network: keras.Model) -> None:
    """Make every layer trainable again. Compile the network afterwards."""
    for layer in network.layers:
        layer.trainable = True


def frozen_at_random(network: keras.Model, loaded: Collection[str]) -> list[str]:
    """Names of the frozen layers that hold weights but are not among the `loaded` ones: theirs are random, and stay."""
    return [layer.name for layer in layers_with_weights(network) if not layer.trainable and layer.name not in loaded]


def _part(network: keras.Model, what: str) -> list[keras.Layer]:
    """The layers to freeze."""
    body = list(_flat(body_layers(network)))
    if what == ALL_BUT_HEAD:
        return body
    if what.isdecimal():
        return _first(network, int(what))
    names, part = [layer.name.casefold() for layer in body], what.casefold()
    in_stage = [place for place, name in enumerate(names, 1) if part in (_stage(name), name)]
    begin_so = [place for place, name in enumerate(names, 1) if name.startswith(f"{part}_")]
    if not in_stage and not begin_so:
        known = [ALL_BUT_HEAD, *stages(network)]
        raise UsageError(f"--freeze: {catalog.unknown(f'stage of {network.name}', what, known)}, or a number of layers")
    return body[: (in_stage or begin_so)[-1]]


def _first(network: keras.Model, number: int) -> list[keras.Layer]:
    layers = layers_with_weights(network)
    if number >= len(layers):
        raise UsageError(
            f"--freeze: expected fewer than the {len(layers)} layers of {network.name}. Received: {number}"
        )
    return layers[:number]


def _stage(name: str) -> str:
    found = _STAGE.match(name)
    return found[1] if found else ""


def _flat(layers: Iterable[keras.Layer]) -> Iterator[keras.Layer]:
    for layer in layers:
        if isinstance(layer, keras.Model):
            yield from _flat(layer.layers)
        else:
            yield layer
