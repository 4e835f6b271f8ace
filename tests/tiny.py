"""A network of a few layers that learns planted faces in a second, under the name `tiny`.

`python -m tests.tiny ARGUMENTS` is `fer ARGUMENTS` in a process of its own that knows it.
"""

from __future__ import annotations

import signal
from typing import Any

from fer_cli import catalog
from fer_cli.main import cli

REFERENCE = "tests.tiny:tiny"


def tiny(input_shape: tuple[int, int, int], num_classes: int, dropout: float = 0.0) -> Any:
    """One convolution that sees a block at a time, normalised, and two dense layers."""
    import keras
    from keras import layers

    inputs = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255, name="rescaling")(inputs)
    x = layers.Conv2D(4, 6, strides=6, name="blocks")(x)
    x = layers.BatchNormalization(momentum=0.9, name="blocks_bn")(x)
    x = layers.Dense(16, activation="relu", name="embedding")(layers.Flatten(name="flatten")(x))
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(num_classes, name="logits")(x)
    return keras.Model(inputs, layers.Softmax(name="probabilities")(x))


if __name__ == "__main__":
    # A suite that runs in the background of a shell hands on that Ctrl-C is to be ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    catalog.ARCHITECTURES["tiny"] = REFERENCE
    cli()
