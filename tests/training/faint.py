"""Faces of which a faint pattern says more than a plain block: what robust networks must not rely on.

The pattern is 3 levels high and always right, the block 60 levels high and right for four rows of five. So a network
that may use both is right nearly always, and one that is to withstand 6 levels for four rows of five.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fer_cli.labels import EMOTIONS
from fer_cli.records import Records
from tests import helpers

REFERENCE = "tests.training.faint:linear"
HONEST = 0.8
EPSILON = "6/255"


def write_faint(path: Path, train: int = 350, val: int = 140, seed: int = 0) -> Path:
    """A dataset file of such faces, grey, the classes in turn."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(train + val) % len(EMOTIONS)).astype(np.uint8)
    others = (labels + rng.integers(1, len(EMOTIONS), len(labels))) % len(EMOTIONS)
    # Exactly one row of five, in each class as often.
    shown = np.where(np.arange(train + val) // len(EMOTIONS) % 5 == 0, others, labels)
    images = rng.normal(100, 2, (len(labels), helpers.SIDE, helpers.SIDE, 1))
    for image, label, block in zip(images, labels, shown, strict=True):
        image[helpers.place(int(block))] += 60
        image[helpers.SIDE // 2 :].reshape(-1)[int(label) :: len(EMOTIONS)] += 3
    records = Records(
        images=np.clip(np.rint(images), 0, 255).astype(np.uint8),
        labels=labels,
        split=np.repeat(np.arange(2, dtype=np.uint8), (train, val)),
        source=[f"faint:{i}" for i in range(train + val)],
    )
    return helpers.write_dataset(path, records)


def linear(input_shape: tuple[int, int, int], num_classes: int) -> Any:
    """A softmax regression on pixels."""
    import keras
    from keras import layers

    inputs = keras.Input(input_shape)
    x = layers.Rescaling(1 / 8, offset=-100 / 8)(inputs)
    x = layers.Flatten(name="embedding")(x)
    x = layers.Dense(num_classes, kernel_initializer="zeros", name="logits")(x)
    return keras.Model(inputs, layers.Softmax(name="probabilities")(x))
