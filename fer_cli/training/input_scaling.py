"""The first layer of a network, which brings pixels of 0..255 to what its weights were trained on.

Weights and input belong together: whoever takes over the weights of another training takes over its scaling as well.
It is a plain `Rescaling` layer, named "rescaling" or "preprocessing", so a saved model needs nothing else to be right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fer_cli import models
from fer_cli.store.weights import StoredLayer

#: Means of blue, green and red over the faces of VGG-Face (Parkhi, Vedaldi, Zisserman: Deep Face Recognition, BMVC
#: 2015; the `averageImage` of its authors). The VGG16 of ImageNet has 103.939, 116.779, 123.68.
VGG_FACE_MEANS = (93.5940, 104.7624, 129.1863)
#: People that VGG-Face tells apart: the outputs of its last layer.
_PEOPLE = 2622
_NAMES = ("rescaling", "preprocessing")


def vgg_face_name(name: str) -> str:
    """The name in keras.applications of a layer that VGG-Face calls conv3_1: block3_conv1. Others stay."""
    return re.sub(r"^conv([1-5])_([1-3])$", r"block\1_conv\2", name)


def is_vgg_face(stored: Sequence[StoredLayer]) -> bool:
    """Whether a file's layers are those of VGG-Face: 2622 people at the end, or its names from conv1_1 to conv5_3."""
    names = {layer.name for layer in stored}
    return {"conv1_1", "conv5_3"} <= names or any(layer.shapes[-1] == (_PEOPLE,) for layer in stored)


def use_vgg_face_means(network: keras.Model) -> list[str]:
    """Let vgg16 subtract the means of VGG-Face instead of ImageNet's, blue first in both; says so in a few words."""
    network.get_layer("preprocessing").offset = [-mean for mean in VGG_FACE_MEANS]
    return ["the means of VGG-Face are subtracted from the input"]


def use_scaling_of(network: keras.Model, path: Path) -> list[str]:
    """Let a network scale its input as the layer of that name in a `.keras` file does; says so if that is a change."""
    changes = []
    for name, (scale, offset) in models.input_scalings(path).items():
        layer = next((layer for layer in network.layers if layer.name == name and name in _NAMES), None)
        if layer is not None and not _same((layer.scale, layer.offset), (scale, offset)):
            layer.scale, layer.offset = scale, offset
            changes.append(f"the input is scaled as in {path.name}")
    return changes


def _same(here: tuple[Any, Any], there: tuple[Any, Any]) -> bool:
    return all(np.shape(a) == np.shape(b) and np.allclose(a, b) for a, b in zip(here, there, strict=True))
