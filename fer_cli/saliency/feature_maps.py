"""What the layers of a network make of an image, place by place."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt

from fer_cli import models
from fer_cli.errors import UsageError

Floats = npt.NDArray[np.float32]


def feature_maps(network: keras.Model, layers: Sequence[str], images: npt.NDArray[np.generic]) -> dict[str, Floats]:
    """Layer -> its output float32 (N, h, w, F) for images (N, H, W, C) in 0..255 of the network's input, in one pass.

    Raises `UsageError` for a layer that is not there or has no places.
    """
    outputs = {name: models.layer_output(network, name) for name in layers}
    for name, output in outputs.items():
        if len(output.shape) != 4:
            raise UsageError(
                f"layer {name!r}: expected an output of height, width and channels. Received: {output.shape}"
            )
    found = keras.Model(network.input, list(outputs.values())).predict(images, verbose=0)
    # Keras gives a list of one output as the output itself.
    arrays = found if isinstance(found, list | tuple) else [found]
    return {name: np.asarray(array, np.float32) for name, array in zip(outputs, arrays, strict=True)}


def last_of_each_size(network: keras.Model) -> list[str]:
    """The last layer of each resolution that a network goes through, from the input on: what each stage ends with.

    Raises `UsageError` where no layer has places.
    """
    last: dict[tuple[int | None, ...], str] = {}
    for layer in network.layers:
        output = None if isinstance(layer, keras.layers.InputLayer) else getattr(layer, "output", None)
        if isinstance(output, keras.KerasTensor) and len(output.shape) == 4 and output.shape[1:3] != (1, 1):
            last[output.shape[1:3]] = layer.name
    if not last:
        raise UsageError(f"network {network.name!r}: expected layers of height, width and channels. It has none")
    return list(last.values())
