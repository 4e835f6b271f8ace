"""Batch normalisation in one kernel while TensorFlow trains.

Keras composes batch normalisation of a dozen operations, each of which reads and writes the whole feature map: on a
CPU they take two fifths of the time of a small residual network. TensorFlow has it as one operation forward and one
backward (oneDNN on a CPU, cuDNN on a GPU), which Keras does not use. benchmarks/README.md has the figures.
"""

from __future__ import annotations

import types
from typing import Any

import keras

#: oneDNN's AVX-512 kernel works on 16 channels at a time; for another number it takes one that is many times slower.
_CHANNELS = 16


def fuse_batch_norm(network: keras.Model) -> int:
    """Let the batch normalisation of a network run fused in its training steps; how many layers do.

    Only the live layers change: copies of the network, and its file, have those of Keras. Layers that the operation
    does not fit stay as they are, and so does everything on other backends than TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        return 0
    layers = [layer for layer in network._flatten_layers(include_self=False, recursive=True) if _fits(layer)]
    for layer in layers:
        layer.call = types.MethodType(_call, layer)
    return len(layers)


def _fits(layer: keras.layers.Layer) -> bool:
    if type(layer) is not keras.layers.BatchNormalization or layer.synchronized or layer.renorm:
        return False
    shape = layer.input.shape
    last = layer.axis in (-1, len(shape) - 1)
    return len(shape) == 4 and last and layer.scale and layer.center and shape[-1] % _CHANNELS == 0


def _call(layer: keras.layers.BatchNormalization, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    """What `BatchNormalization.call` computes, rounding aside."""
    import tensorflow as tf

    # Over several devices the statistics are those of the whole batch, which one kernel does not see.
    if layer.synchronized or not (training and layer.trainable) or mask is not None:
        return type(layer).call(layer, inputs, training=training, mask=mask)
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=tf.convert_to_tensor(layer.gamma.value),
        offset=tf.convert_to_tensor(layer.beta.value),
        mean=(),
        variance=(),
        epsilon=layer.epsilon,
        is_training=True,
    )
    # The operation gives the variance of a sample (n - 1), Keras keeps that of the batch (n).
    count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
    kept = layer.momentum
    layer.moving_mean.assign(layer.moving_mean * kept + mean * (1 - kept))
    layer.moving_variance.assign(layer.moving_variance * kept + variance * ((count - 1) / count) * (1 - kept))
    return outputs
