"""What a network costs to run."""

from __future__ import annotations

import math

import keras


def multiply_adds(network: keras.Model) -> int:
    """Multiply-accumulate operations of one forward pass of one image, in convolutions and dense layers.

    What else a network does (normalisation, pooling, activations) moves memory but hardly multiplies.
    """
    return sum(_layer_cost(layer) for layer in network._flatten_layers(include_self=False, recursive=True))


def _layer_cost(layer: keras.layers.Layer) -> int:
    """Every weight of a kernel is used once at each output position."""
    if isinstance(layer, (keras.layers.Dense, keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
        return int(math.prod(layer.output.shape[1:-1]) * math.prod(layer.kernel.shape))
    return 0
