"""The filters that the convolutions of a network have learned."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt

from fer_cli import catalog
from fer_cli.errors import UsageError

Floats = npt.NDArray[np.float32]


def filters(network: keras.Model, layer: str) -> Floats:
    """The filters of a convolution, float32 (F, h, w, c): F outputs, each of c channels of the layer's input.

    Those of a depthwise convolution, and the depthwise part of a separable one, see one channel each: (F, h, w, 1).
    Raises `UsageError` for a layer that is none of these, or is not there.
    """
    if layer not in (known := convolutions(network)):
        raise UsageError(catalog.unknown("layer with filters", layer, known))
    kernel, depthwise = _kernel(network.get_layer(layer))
    weights = np.asarray(keras.ops.convert_to_numpy(kernel), np.float32)
    if depthwise:
        height, width, channels, times = weights.shape
        weights = weights.reshape(height, width, 1, channels * times)
    return np.ascontiguousarray(np.moveaxis(weights, 3, 0))


def convolutions(network: keras.Model) -> list[str]:
    """The layers that have filters, from the input on. Raises `UsageError` where there is none."""
    names = [layer.name for layer in network.layers if _kernel(layer)[0] is not None]
    if not names:
        raise UsageError(f"network {network.name!r}: expected convolutions. It has none")
    return names


def _kernel(layer: keras.Layer) -> tuple[keras.Variable | None, bool]:
    """The kernel of a two-dimensional convolution, and whether each of its filters sees one channel."""
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return layer.kernel, True
    if isinstance(layer, keras.layers.SeparableConv2D):
        return layer.depthwise_kernel, True
    return (layer.kernel, False) if isinstance(layer, keras.layers.Conv2D) else (None, False)
