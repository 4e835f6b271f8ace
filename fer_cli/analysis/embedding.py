"""What a layer of a network makes of images: features for a classical classifier."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from fer_cli import models
from fer_cli.analysis.predict import Transforms, fit_to_model
from fer_cli.errors import InputError

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

#: The layer of globally pooled features in models of ours.
LAYER = "embedding"


class Embedding:
    """The output of a layer of a network, flattened; in the units of that layer.

    Images are brought to the network's input, its crop and its correction of illumination as for `fer eval`.
    path: the model file, which need not say what its outputs mean. layer: the name of the layer. transforms: what was
    applied to the images already. Raises `InputError` for a file that Keras cannot load and for a layer that is not
    there or has no fixed size.
    """

    def __init__(self, path: Path, layer: str = LAYER, transforms: Transforms = ()) -> None:
        metadata, network = models.read_metadata(path), models.load_network(path)
        #: The bytes of the model file.
        self.content = path.read_bytes()
        height, width, channels = network.input_shape[1:]
        #: The whole network, without names of classes.
        self.model = models.LoadedModel(path, network, (), (height, width, channels), metadata)
        self._layer, self._transforms = layer, transforms
        if layer not in (known := [each.name for each in network.layers]):
            raise InputError(f"{path}: no layer {layer!r}; it has {', '.join(known)}")
        output = network.get_layer(layer).output
        if None in output.shape[1:]:
            raise InputError(f"{path}: layer {layer!r}: expected an output of a fixed size. Received: {output.shape}")
        self._width = int(np.prod(output.shape[1:]))
        #: From images to the layer.
        self.network = keras.Model(network.input, output)

    def names(self, shape: tuple[int, int, int]) -> list[str]:
        """`LAYER NUMBER`, for images of any shape."""
        return [f"{self._layer} {number}" for number in range(self._width)]

    def compute(self, images: Pixels) -> Floats:
        """float32 (N, D) of images uint8 (N, H, W, C). Raises `InputError` where the layer gives no finite numbers."""
        fitted = fit_to_model(images, self.model, self._transforms)
        # One compiled pass; `predict` would set up its input pipeline anew for each block.
        outputs = np.asarray(self.network.predict_on_batch(fitted), np.float32).reshape(len(images), self._width)
        if not np.isfinite(outputs).all():
            raise InputError(f"{self.model.path}: layer {self._layer!r} gives numbers that are not finite")
        return outputs
