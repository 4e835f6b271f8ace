"""Averages of weights over the steps of a run, and the batch statistics that belong to them.

Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 30(4), 1992. The
moving statistics of batch normalisation are those of the weights of the moment. Average weights under them lose half
of their accuracy while the learning rate is high, so they get statistics of their own after each epoch: Izmailov et
al., "Averaging weights leads to wider optima and better generalization", UAI 2018, arXiv:1803.05407, section 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np
import numpy.typing as npt

#: Images that statistics are taken from; each has as many values of a channel as the feature map has places.
IMAGES = 2048


def average_weights(network: keras.Model) -> dict[str, keras.Variable]:
    """Path of a trained variable of a network compiled with `use_ema` -> its average; batch statistics have none."""
    optimizer = getattr(network.optimizer, "inner_optimizer", network.optimizer)
    # Keras keeps the averages in this list and offers no public way to read them without overwriting the weights.
    pairs = zip(network.trainable_variables, optimizer._model_variables_moving_average, strict=True)
    return {variable.path: average for variable, average in pairs}


def take_statistics(network: keras.Model, batches: Iterable[npt.NDArray[np.generic]]) -> None:
    """Give the batch normalisation of a network the mean of the statistics of `batches`, each (N, H, W, C) in 0..255.

    Layers that are not trained keep what they have. All else stays as it is.
    """
    layers = [layer for layer in network._flatten_layers(include_self=False) if _has_statistics(layer)]
    if not layers:
        return
    kept = [layer.momentum for layer in layers]
    for number, images in enumerate(batches):
        for layer in layers:
            layer.momentum = number / (number + 1)  # so that all batches count alike in the end
        network(keras.ops.convert_to_tensor(images, "float32"), training=True)
    for layer, momentum in zip(layers, kept, strict=True):
        layer.momentum = momentum


def _has_statistics(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
