"""The model file (.keras): the only loader and saver of models and of the metadata that travels inside them.

What a model of ours looks like is in DESIGN.md, "Model file".
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import numpy.typing as npt

from fer_cli import archives, catalog, files
from fer_cli.errors import InputError, UsageError
from fer_cli.labels import known_classes

#: The zip member that holds our metadata.
METADATA_MEMBER = "fer.json"
_WHAT = "a Keras 3 model file"


class Scorer(Protocol):
    """Whatever gives class probabilities for images: a network, or a classical model (`classical.model`)."""

    @property
    def path(self) -> Path:
        """The file it was loaded from."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the outputs."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the images that it takes."""

    @property
    def metadata(self) -> dict[str, Any]:
        """The content of its `fer.json`."""

    @property
    def parameters(self) -> int | None:
        """How many numbers it learnt; None where that says nothing of the model."""

    def probabilities(self, images: npt.NDArray[np.generic], batch_size: int = 256) -> npt.NDArray[np.float32]:
        """Class probabilities float32 (N, K) of images (N, H, W, C) in 0..255 that have the input shape already."""


@dataclass(frozen=True)
class LoadedModel:
    """A network with what is known about it.

    class_names: in the order of the outputs. input_shape: (H, W, C).
    metadata: the content of `fer.json`, {} without one.
    """

    path: Path
    network: keras.Model
    class_names: tuple[str, ...]
    input_shape: tuple[int, int, int]
    metadata: dict[str, Any]

    @property
    def parameters(self) -> int:
        """How many numbers the network has, trained or not."""
        return int(self.network.count_params())

    def probabilities(self, images: npt.NDArray[np.generic], batch_size: int = 256) -> npt.NDArray[np.float32]:
        """Class probabilities float32 (N, K) of images (N, H, W, C) in 0..255 that have the input shape already."""
        return probabilities(self.network, images, batch_size)


def probabilities(
    network: keras.Model, images: npt.NDArray[np.generic], batch_size: int = 256
) -> npt.NDArray[np.float32]:
    """Outputs float32 (N, K) of a network for images (N, H, W, C) in 0..255."""
    return np.asarray(network.predict(images, batch_size=batch_size, verbose=0), np.float32)


def save_model(network: keras.Model, path: Path, metadata: dict[str, Any]) -> None:
    """Write network and metadata to `path` in one step; the optimizer's state is not part of it.

    metadata: JSON-able; `class_names` and `input_shape` are required.
    """
    missing = {"class_names", "input_shape"} - set(metadata)
    if missing:
        raise ValueError(f"metadata: expected class_names and input_shape. Missing: {', '.join(sorted(missing))}")
    with files.atomic_path(path) as temporary:
        (uncompiled_twin(network) if network.compiled else network).save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(METADATA_MEMBER, files.to_json(metadata, indent=2, ascii_only=True))


def uncompiled_twin(network: keras.Model) -> keras.Model:
    """The same network without loss and optimizer, whose moments Keras would save with it: they double a file."""
    twin = type(network).from_config(network.get_config())
    twin.set_weights(network.get_weights())
    return twin


def read_metadata(path: Path) -> dict[str, Any]:
    """The `fer.json` of a model file, {} when it has none; loads no framework's graph."""
    if not path.is_file():
        raise InputError(f"{path}: no such model file")
    with archives.open_zip(path, _WHAT) as archive:
        if METADATA_MEMBER not in archive.namelist():
            return {}
        metadata = archives.read_object(archive, METADATA_MEMBER)
    known_classes(metadata, path)
    return metadata


def input_scalings(path: Path) -> dict[str, tuple[Any, Any]]:
    """Name -> (scale, offset), numbers or a list of one a channel, of the `Rescaling` layers of a model file.

    Raises `InputError` for what is no model file.
    """
    with archives.open_zip(path, _WHAT) as archive:
        config = archives.read_object(archive, "config.json")["config"]
    layers = [layer["config"] for layer in config.get("layers", ()) if layer["class_name"] == "Rescaling"]
    read = keras.saving.deserialize_keras_object
    return {layer["name"]: (read(layer["scale"]), read(layer["offset"])) for layer in layers}


def load_model(path: Path, classes: Sequence[str] | None = None) -> LoadedModel:
    """Load a model file; nothing in it is run as code (Keras' safe mode).

    classes: names of the outputs for a model without our metadata. Raises `InputError` for what cannot be used.
    """
    metadata = read_metadata(path)
    if metadata.get("kind") == "generator":
        raise InputError(f"{path}: expected a model that names expressions. Received: a generator of fer transfer fit")
    names = tuple(classes or known_classes(metadata, path))
    if not names:
        raise InputError(f"{path}: the file does not say what its outputs mean; name them with --classes")
    network = load_network(path)
    taken, given = (getattr(network, name, None) for name in ("input_shape", "output_shape"))
    images = isinstance(taken, tuple) and len(taken) == 4 and all(isinstance(side, int) for side in taken[1:])
    if not (images and isinstance(given, tuple) and len(given) == 2):
        raise InputError(
            f"{path}: expected an input (N, H, W, C) of images and an output (N, K). Received: {taken} and {given}"
        )
    outputs = network.output_shape[-1]
    if outputs != len(names):
        raise InputError(f"{path}: expected {outputs} class names, one an output. Received: {', '.join(names)}")
    height, width, channels = network.input_shape[1:]
    return LoadedModel(path, network, names, (height, width, channels), metadata)


def load_network(path: Path) -> keras.Model:
    """The network of a model file alone, whatever its outputs mean; nothing in it is run as code (Keras' safe mode).

    Raises `InputError` for what Keras cannot load.
    """
    with archives.open_zip(path, _WHAT):
        pass  # Keras alone would also read older files, whose code it does not refuse
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever the damaged or hostile part raises
        raise InputError(
            f"{path}: Keras cannot load it ({str(error).splitlines()[0] or type(error).__name__})"
        ) from error


def layer_output(network: keras.Model, layer: str) -> keras.KerasTensor:
    """The output (N, ...) of a layer of a network, to build another network up to there.

    Raises `UsageError` with the nearest name for a layer that is not there, or that has no single output.
    """
    names = [each.name for each in network.layers]
    if layer not in names:
        raise UsageError(catalog.unknown("layer", layer, names))
    try:
        output = network.get_layer(layer).output
    except (AttributeError, ValueError):  # it is used twice
        output = None
    if not isinstance(output, keras.KerasTensor):
        raise UsageError(f"layer {layer!r}: expected one output. Received: several")
    return output
