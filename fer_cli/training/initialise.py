"""Starting a network from weights that another training left: ImageNet's, another model's, a weight file's.

The protocol of transfer learning, as far as weights are concerned:

1. The network is built for the new task, preprocessing included, with new weights.
2. Each of its layers takes the weights of the layer of the same name in the source, if the shapes agree; a layer takes
   all its weights or none (`matching` has the cases in which names do not decide). The others keep their new weights:
   the logits of another number of classes do, and whatever else the networks do not share. `Loaded` says which and why.
3. Weights and input belong together. ImageNet's go with the preprocessing of keras.applications, which our networks of
   those names contain. VGG-Face was trained on other means than ImageNet's VGG16, so its weights bring theirs along; so
   does a `.keras` file. A bare weight file of another program does not say how its images were scaled.
4. `freeze` and `--body-lr` then decide what becomes of the loaded layers.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

from fer_cli import files
from fer_cli.errors import InputError
from fer_cli.store.weights import StoredLayer, open_weights
from fer_cli.training import imagenet, input_scaling
from fer_cli.training.freeze import layers_with_weights
from fer_cli.training.matching import body_with_weights, fits, fitted, is_regrouped, match

IMAGENET = "imagenet"
_ABSENT = "not in the file"
#: `Loaded.describe` names so many layers of a sort.
_NAMED = 3


@dataclass(frozen=True)
class Loaded:
    """What came of starting from a file.

    source: the file; sha256: of its content. matched: how its layers were matched with the network's. layers: names of
    those that took its weights; parameters: their part of all the network's parameters, 0..1. fresh: name -> why, of
    those that kept their new weights. unused: layers of the file that went nowhere. notes: what was done besides.
    """

    source: str
    sha256: str
    matched: str
    layers: tuple[str, ...]
    parameters: float
    fresh: Mapping[str, str]
    unused: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def describe(self) -> str:
        """One line: how much was loaded, and what was not."""
        total, percent = len(self.layers) + len(self.fresh), math.floor(1000 * self.parameters) / 10
        parts = [
            f"{self.source}: loaded {len(self.layers)} of {total} layers {self.matched}, {percent} % of the weights"
        ]
        absent = [name for name, why in self.fresh.items() if why == _ABSENT]
        unfit = [f"{name} ({why})" for name, why in self.fresh.items() if why != _ABSENT]
        groups = (("new", unfit), (f"new, {_ABSENT}", absent), ("left in the file", self.unused))
        parts += [f"{what}: {_shortened(names)}" for what, names in groups if names]
        return "; ".join([*parts, *self.notes])

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def initialise(network: keras.Model, source: str, architecture: str) -> Loaded:
    """Give a network the weights of `source`, layer by layer, as far as names and shapes agree.

    source: "imagenet", or a .keras, .weights.h5 or .h5 file. architecture: name of the network in the catalog.
    A resumed run calls it too, before it restores its variables: how the input is scaled is part of the network's
    configuration, not of its variables.
    Raises `InputError` for a file that cannot be read or has nothing that fits, `UsageError` for "imagenet" where no
    such weights are published, `MissingError` where they are neither here nor can be fetched.
    """
    path = imagenet.fetch(architecture) if source == IMAGENET else Path(source)
    with open_weights(path) as stored:
        loaded = _load(network, path, stored, architecture)
    missing = [layer.name for layer in body_with_weights(network) if layer.name in loaded.fresh]
    if source == IMAGENET and missing:
        why = f"{missing[0]}: {loaded.fresh[missing[0]]}"
        raise InputError(f"{path}: not the ImageNet weights of {architecture} ({why}); delete it")
    if not loaded.layers:
        why = next((f"{name}: {why}" for name, why in loaded.fresh.items() if why != _ABSENT), "no names in common")
        raise InputError(f"{path}: no layer of it fits {architecture} ({why})")
    return loaded


def _load(network: keras.Model, path: Path, stored: list[StoredLayer], architecture: str) -> Loaded:
    vgg_face = architecture == "vgg16" and input_scaling.is_vgg_face(stored)
    matching = match(network, stored, input_scaling.vgg_face_name if vgg_face else None)
    layers = layers_with_weights(network)
    fresh = {layer.name: _ABSENT for layer in layers}
    notes = []
    for layer, candidate in matching.pairs:
        difference = _difference(layer, candidate)
        if not fits(layer, candidate):
            fresh[layer.name] = difference
            continue
        layer.set_weights(fitted(layer, candidate))
        del fresh[layer.name]
        if difference and not is_regrouped(layer, candidate):
            notes.append(f"{layer.name} was fitted to the colours of the images: {difference}")
    taken = [layer for layer in layers if layer.name not in fresh]
    used = {id(candidate) for _, candidate in matching.pairs}
    return Loaded(
        source=str(path),
        sha256=files.sha256(path),
        matched=matching.how,
        layers=tuple(layer.name for layer in taken),
        parameters=sum(layer.count_params() for layer in taken) / max(network.count_params(), 1),
        fresh=fresh,
        unused=tuple(layer.name or layer.kind for layer in stored if id(layer) not in used),
        notes=(*notes, *(_scale_input(network, path, vgg_face) if taken[:1] == layers[:1] else ())),
    )


def _scale_input(network: keras.Model, path: Path, vgg_face: bool) -> list[str]:
    """What the first layer's weights were trained on becomes the network's input; says what was changed."""
    if vgg_face:
        return input_scaling.use_vgg_face_means(network)
    return input_scaling.use_scaling_of(network, path) if zipfile.is_zipfile(path) else []


def _difference(layer: keras.Layer, stored: StoredLayer) -> str:
    """The first weights whose shapes differ, or how many there are; "" for none."""
    here = [tuple(weight.shape) for weight in layer.weights]
    if len(here) != len(stored.shapes):
        return f"{len(here)} arrays of weights here, {len(stored.shapes)} in the file"
    pairs = [pair for pair in zip(here, stored.shapes, strict=True) if pair[0] != pair[1]]
    return "{} here, {} in the file".format(*("×".join(map(str, shape)) for shape in pairs[0])) if pairs else ""


def _shortened(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
