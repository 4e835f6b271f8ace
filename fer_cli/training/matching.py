"""Which stored layer belongs to which layer of a network, and whether its weights fit."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import keras
import numpy as np
import numpy.typing as npt

from fer_cli.store.weights import StoredLayer
from fer_cli.training.freeze import head_layers, layers_with_weights

Pairs = list[tuple[keras.Layer, StoredLayer]]
Shape = tuple[int, ...]
T = TypeVar("T")


@dataclass(frozen=True)
class Matching:
    """Pairs of a network's layer and the stored one that goes with it, whether or not the weights fit.

    how: "by name", "by the names of VGG-Face" or "by order".
    """

    how: str
    pairs: Pairs


def match(network: keras.Model, stored: Sequence[StoredLayer], renamed: Callable[[str], str] | None = None) -> Matching:
    """Pair the layers of a network with those of a file.

    By name; but where that leaves a part of the body without weights, by the names that `renamed` makes of those in the
    file, or else by order, if that serves the whole body. By order means that the layers of the body have, one by one,
    the shapes of the first layers of the file; files that tell the kinds of layers are compared kind by kind.
    """
    layers, body = layers_with_weights(network), body_with_weights(network)
    named = _by_name(layers, stored, str)
    if _serves(named, body):
        return Matching("by name", named)
    if renamed is not None:
        pairs = _by_name(layers, stored, renamed)
        if _serves(pairs, body):
            return Matching("by the names of VGG-Face", pairs)
    ordered = _by_order(body, stored)
    return Matching("by order", ordered) if ordered else Matching("by name", named)


def body_with_weights(network: keras.Model) -> list[keras.Layer]:
    """The layers that hold weights and are not the head's, in the order of the network."""
    head = {id(layer) for layer in head_layers(network)}
    return [layer for layer in layers_with_weights(network) if id(layer) not in head]


def fits(layer: keras.Layer, stored: StoredLayer) -> bool:
    """Whether a layer can take stored weights: of its own shapes, or grouped, or for the other number of colours."""
    here = _shapes(layer)
    return (
        here == stored.shapes
        or is_regrouped(layer, stored)
        or (_differ_in_color(here, stored.shapes) and here[1:] == stored.shapes[1:])
    )


def is_regrouped(layer: keras.Layer, stored: StoredLayer) -> bool:
    """Whether a depthwise convolution meets the grouped one that it equals, as in `architectures.applications`.

    Their kernels, (h, w, C, 1) here and (h, w, 1, C) there, hold the same numbers in the same order.
    """
    if not isinstance(layer, keras.layers.DepthwiseConv2D):
        return False
    (height, width, channels, _), *others = _shapes(layer)
    return stored.shapes == [(height, width, 1, channels), *others]


def fitted(layer: keras.Layer, stored: StoredLayer) -> list[npt.NDArray[np.generic]]:
    """Stored weights that fit, in the shapes of the layer.

    The kernel of a first convolution changes between grey and colour so that a grey face, whose channels are equal,
    gets the same answers: the sum over the three channels, or three copies of a third.
    """
    values = stored.read()
    if is_regrouped(layer, stored):
        return [value.reshape(shape) for value, shape in zip(values, _shapes(layer), strict=True)]
    if _differ_in_color(_shapes(layer), stored.shapes):
        kernel = values[0]
        values[0] = kernel.sum(2, keepdims=True) if kernel.shape[2] == 3 else np.repeat(kernel / 3, 3, axis=2)
    return values


def _by_name(layers: Sequence[keras.Layer], stored: Iterable[StoredLayer], rename: Callable[[str], str]) -> Pairs:
    """Pairs of one name; and of what is left, pairs whose names differ only in the number that Keras adds to names."""
    there = _unique((rename(layer.name), layer) for layer in stored)
    here = _unique((layer.name, layer) for layer in layers)
    pairs = {name: (here.pop(name), there.pop(name)) for name in list(here) if name in there}
    loose_here = _unique((_unnumbered(name), layer) for name, layer in here.items())
    loose_there = _unique((_unnumbered(name), layer) for name, layer in there.items())
    for name, layer in loose_here.items():
        if name in loose_there and fits(layer, loose_there[name]):
            pairs[layer.name] = (layer, loose_there[name])
    return list(pairs.values())


def _by_order(body: Sequence[keras.Layer], stored: Sequence[StoredLayer]) -> Pairs:
    """Pairs kind by kind, none at all unless every layer of the body finds its shapes."""
    of_kind: dict[str, list[StoredLayer]] = defaultdict(list)
    for layer in stored:
        of_kind[layer.kind].append(layer)
    next_of = {kind: iter(layers) for kind, layers in of_kind.items()}
    pairs = []
    for layer in body:
        candidate = next(next_of.get("" if "" in next_of else _kind(layer), iter(())), None)
        if candidate is None or candidate.shapes != _shapes(layer):
            return []
        pairs.append((layer, candidate))
    return pairs


def _serves(pairs: Pairs, body: Sequence[keras.Layer]) -> bool:
    """Whether every layer of the body gets weights."""
    served = {id(layer) for layer, stored in pairs if fits(layer, stored)}
    return bool(body) and all(id(layer) in served for layer in body)


def _unique(named: Iterable[tuple[str, T]]) -> dict[str, T]:
    """Name -> what has it, without names that several have."""
    found: dict[str, list[T]] = defaultdict(list)
    for name, value in named:
        found[name].append(value)
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _unnumbered(name: str) -> str:
    """layer_normalization of layer_normalization_7: Keras counts the layers that it names itself."""
    return re.sub(r"_\d+$", "", name)


def _kind(layer: keras.Layer) -> str:
    """The class in the snake case of Keras' weight files: Conv2D is conv2d, BatchNormalization batch_normalization."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def _shapes(layer: keras.Layer) -> list[Shape]:
    return [tuple(weight.shape) for weight in layer.weights]


def _differ_in_color(here: Sequence[Shape], there: Sequence[Shape]) -> bool:
    """Whether two first weights are kernels of one convolution, for grey images the one, for colour the other."""
    mine, other = here[0], there[0]
    return (
        len(mine) == len(other) == 4 and mine[:2] + mine[3:] == other[:2] + other[3:] and {mine[2], other[2]} == {1, 3}
    )
