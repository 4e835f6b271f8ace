"""Does a map depend on what the network learnt? Its layers are given up one by one, from the answer to the image.

Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim, "Sanity checks for saliency maps", NeurIPS 2018 (arXiv:1810.03292):
a map that stays as it is while layer after layer is drawn anew shows edges of the face rather than the network. Where
half of the layers are, the answers are chance already, so a map that explains them must be another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from fer_cli.analysis.saliency.chance import Mean, mean
from fer_cli.analysis.saliency.explain import Methods
from fer_cli.analysis.saliency.subjects import Advance, Indices, Pixels
from fer_cli.models import uncompiled_twin
from fer_cli.saliency.base import Maps

#: Networks drawn anew, whose maps are averaged in what is told.
REPEATS = 2
#: A method fails whose maps correlate more than this, on average, where half or all of the layers are drawn anew.
LIMIT = 0.5


@dataclass(frozen=True)
class Stage:
    """layers: how many are drawn anew. down_to: name of the last. similarity: to the maps of the trained network."""

    layers: int
    down_to: str
    similarity: Mean


@dataclass(frozen=True)
class Sanity:
    """What became of one method's maps. passed: whether the similarity is at most `LIMIT` where it is judged."""

    method: str
    stages: list[Stage]
    passed: bool


def cascade(
    network: keras.Model,
    names: Sequence[str],
    images: Pixels,
    classes: Indices,
    seed: int,
    layer: str | None = None,
    advance: Advance = lambda _: None,
) -> list[Sanity]:
    """One a method. images: uint8 (N, H, W, C) of the network's input. classes: (N,), explained throughout.

    Similarity is Spearman's rank correlation of how much the pixels of a face speak for the class, 1 for the same
    order; that of a map in which nothing differs counts 0. advance: called with the number of maps just made,
    `maps_needed` in all.
    """

    def strengths(shown: keras.Model) -> dict[str, Maps]:
        # A method shows the weights that the network had when it was made.
        methods = Methods(shown, names, seed, layer)
        return methods.strengths(methods.maps(images, classes, advance))

    own = strengths(network)
    layers = learnt_layers(network)
    cuts = stages(len(layers))
    found: dict[str, list[list[npt.NDArray[np.float64]]]] = {name: [[] for _ in cuts] for name in own}
    for repeat in range(REPEATS):
        # Keras takes no seed above that.
        twin, fresh = uncompiled_twin(network), _fresh(network, (seed + repeat) % 2**32)
        for place, cut in enumerate(cuts):
            for name in layers[:cut]:
                twin.get_layer(name).set_weights(fresh.get_layer(name).get_weights())
            for name, maps in strengths(twin).items():
                found[name][place].append(rank_correlation(own[name], maps))
    return [_sanity(name, cuts, layers, similar, seed) for name, similar in found.items()]


def maps_needed(network: keras.Model, methods: int, faces: int) -> int:
    """Maps that `cascade` makes."""
    return methods * faces * (1 + REPEATS * len(stages(len(learnt_layers(network)))))


def learnt_layers(network: keras.Model) -> list[str]:
    """Names of the layers that have weights, from the answer back to the image; what scales the image is none."""
    scaling = keras.layers.Normalization | keras.layers.Rescaling
    return [one.name for one in reversed(network.layers) if one.weights and not isinstance(one, scaling)]


def stages(layers: int) -> list[int]:
    """How many of the layers are drawn anew: the one that answers, half of them, all. The last two are judged."""
    return sorted({1, -(-layers // 2), layers})


def rank_correlation(first: Maps, second: Maps) -> npt.NDArray[np.float64]:
    """(N,): Spearman's correlation of maps (N, H, W), -1..1; 0 where one of them is even."""
    one, other = (rankdata(maps.reshape(len(maps), -1), axis=1) for maps in (first, second))
    one, other = (ranks - ranks.mean(1, keepdims=True) for ranks in (one, other))
    spread = np.sqrt((one**2).sum(1) * (other**2).sum(1))
    return np.where(spread > 0, (one * other).sum(1) / np.where(spread > 0, spread, 1), 0.0)


def warning(found: Sanity) -> str | None:
    """One line for a method that failed."""
    if found.passed:
        return None
    return (
        f"{found.method} fails the sanity check: where half of the layers or more are drawn anew, and the answers are "
        f"chance, its maps still correlate {_judged(found.stages):.2f} with those of the trained network (allowed: "
        f"{LIMIT}); they show the face rather than why it is named so"
    )


def _sanity(
    name: str,
    cuts: Sequence[int],
    layers: Sequence[str],
    similar: Sequence[Sequence[npt.NDArray[np.float64]]],
    seed: int,
) -> Sanity:
    # A face is one of the rows drawn, with all its repeats.
    means = [mean(np.mean(repeats, axis=0), seed) for repeats in similar]
    found = [Stage(cut, layers[cut - 1], one) for cut, one in zip(cuts, means, strict=True)]
    return Sanity(name, found, _judged(found) <= LIMIT)


def _judged(found: Sequence[Stage]) -> float:
    return max(stage.similarity.mean for stage in found[-2:])


def _fresh(network: keras.Model, seed: int) -> keras.Model:
    """The network as it was before training, with other chance."""
    keras.utils.set_random_seed(seed)
    return type(network).from_config(network.get_config())
