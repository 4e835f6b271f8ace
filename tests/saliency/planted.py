"""A convolutional network built by hand whose evidence for each class is a texture, and pictures with two of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.saliency.base import Images, Labels, Maps

SIDE = 24
#: Side of a patch of texture.
PATCH = 8
#: What is evidence for classes 0, 1 and 2, as signs at (row, column): lines across, lines down, a chessboard.
TEXTURES = (lambda r, c: (-1) ** r, lambda r, c: (-1) ** c, lambda r, c: (-1) ** (r + c))
#: Side of the filters, and what must be exceeded before one responds: a patch gives 0.31, the rim of another 0.08.
_FILTER, _THRESHOLD = 4, 0.16


def texture(label: int, side: int) -> npt.NDArray[np.float32]:
    """(side, side) of -1 and 1."""
    return np.fromfunction(np.vectorize(TEXTURES[label], otypes=[np.float32]), (side, side), dtype=int)


def planted_network() -> object:
    """Filters that respond to one texture each, pooled and averaged over the picture: logit k is how much of k it has.

    Textures of one pixel's width average to 0 under each other's filter.
    """
    import keras
    from keras import layers

    classes = len(TEXTURES)
    inputs = keras.Input((SIDE, SIDE, 1))
    x = layers.Rescaling(1 / 255, -0.5)(inputs)
    found = layers.Conv2D(classes, _FILTER, padding="same", name="filters")
    x = layers.MaxPooling2D(name="pool")(layers.Activation("relu", name="found")(found(x)))
    maps = layers.Conv2D(classes, 1, activation="relu", use_bias=False, name="maps")
    x = layers.GlobalAveragePooling2D(name="embedding")(maps(x))
    logits = layers.Dense(classes, use_bias=False, name="logits")
    network = keras.Model(inputs, layers.Softmax(name="probabilities")(logits(x)))
    kernel = np.stack([texture(label, _FILTER) for label in range(classes)], -1)[:, :, None] / _FILTER**2
    found.set_weights([kernel, np.full(classes, -_THRESHOLD)])
    maps.set_weights([np.eye(classes)[None, None]])
    logits.set_weights([400 * np.eye(classes)])
    return network


@dataclass(frozen=True)
class Pictures:
    """Grey pictures, each with two textures. images: float32 (N, SIDE, SIDE, 1) in 0..255.

    classes, others (N,): the two. inside, outside: bool (N, SIDE, SIDE), true where the one and where the other is.
    """

    images: Images
    classes: Labels
    others: Labels
    inside: npt.NDArray[np.bool_]
    outside: npt.NDArray[np.bool_]

    def share(self, strength: Maps) -> npt.NDArray[np.float64]:
        """(N,): how much of what speaks for the class lies where the class is."""
        mass = np.maximum(strength, 0).astype(np.float64)
        shares: npt.NDArray[np.float64] = (mass * self.inside).sum((1, 2)) / mass.sum((1, 2))
        return shares


def pictures(count: int = 6, seed: int = 0) -> Pictures:
    """Noise around grey with two patches, of different textures and in different quarters."""
    rng = np.random.default_rng(seed)
    images = rng.uniform(120, 136, (count, SIDE, SIDE, 1)).astype(np.float32)
    places = np.zeros((2, count, SIDE, SIDE), bool)
    labels = np.stack([np.arange(count) % 3, (np.arange(count) + 1 + np.arange(count) // 3 % 2) % 3])
    for row in range(count):
        for which, quarter in enumerate(rng.permutation(4)[:2]):
            top, left = (int(start) * SIDE // 2 + int(rng.integers(1, 4)) for start in divmod(quarter, 2))
            images[row, top : top + PATCH, left : left + PATCH, 0] += 80 * texture(labels[which, row], PATCH)
            # A filter that hangs over the edge of a patch still sees it.
            places[which, row, max(0, top - 2) : top + PATCH + 2, max(0, left - 2) : left + PATCH + 2] = True
    return Pictures(images, labels[0], labels[1], places[0], places[1])
