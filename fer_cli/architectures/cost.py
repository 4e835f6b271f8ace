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
    if not (kernels := _kernels(layer)):
        return 0
    return int(math.prod(layer.output.shape[1:-1]) * sum(math.prod(kernel.shape) for kernel in kernels))


def _kernels(layer: keras.layers.Layer) -> list[keras.Variable]:
    if isinstance(layer, keras.layers.SeparableConv2D):
        return [layer.depthwise_kernel, layer.pointwise_kernel]
    if isinstance(layer, (keras.layers.Dense, keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
        return [layer.kernel]
    return []
