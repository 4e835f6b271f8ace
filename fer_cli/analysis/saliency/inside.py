"""A network's inside by the names that a user gives: filters, activation maps, and images that excite classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from fer_cli.analysis.saliency.subjects import Advance, Pixels, class_number
from fer_cli.models import LoadedModel
from fer_cli.saliency import feature_maps, filters, maximize

#: Stands for every layer or class where one can be named.
ALL = "all"

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Excitations:
    """Images uint8 (n, H, W, C), each of which excites the class of its name, and how probable the network finds it."""

    class_names: list[str]
    images: Pixels
    probabilities: list[float]


def learned_filters(network: keras.Model, layer: str) -> dict[str, Floats]:
    """Layer -> its filters, see `saliency.filters`; of one layer, or of `ALL` that see more than a pixel, if any do."""
    if layer != ALL:
        return {layer: filters.filters(network, layer)}
    found = {name: filters.filters(network, name) for name in filters.convolutions(network)}
    return {name: each for name, each in found.items() if each.shape[1:3] != (1, 1)} or found


def activation_maps(network: keras.Model, layers: Sequence[str], images: Pixels) -> dict[str, Floats]:
    """Layer -> its maps of each image, see `saliency.feature_maps`; `ALL` stands for the last layer of each size."""
    names = feature_maps.last_of_each_size(network) if ALL in layers else list(dict.fromkeys(layers))
    return feature_maps.feature_maps(network, names, images)


def excite(model: LoadedModel, wanted: str, seed: int, advance: Advance = lambda _: None) -> Excitations:
    """An image of the class `wanted`, or of each class for `ALL`, see `saliency.maximize`.

    advance: called with 1 after each of `maximize.STEPS` steps. Raises `UsageError` for an unknown class.
    """
    names = model.class_names
    logits = list(range(len(names))) if wanted == ALL else [class_number(wanted, names, "--maximize")]
    images = maximize.maximize_each(model.network, logits, seed, advance=advance)
    said = model.probabilities(images)[range(len(logits)), logits]
    return Excitations([names[logit] for logit in logits], images, said.tolist())
