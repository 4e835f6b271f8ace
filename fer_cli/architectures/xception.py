"""Mini-Xception, made for expressions in real time.

Arriaga, Valdenegro-Toro, Plöger: Real-time Convolutional Neural Networks for Emotion and Gender Classification (2017,
arXiv:1710.07557), after Chollet: Xception (CVPR 2017, arXiv:1610.02357).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from fer_cli.architectures.blocks import batch_norm
from fer_cli.architectures.contract import Shape, expect_count, published, scaled
from fer_cli.architectures.head import classifier

#: Channels of the two convolutions before the modules.
_STEM = 8


@published("Arriaga et al. 2017, arXiv:1710.07557")
def mini_xception(
    input_shape: Shape,
    num_classes: int,
    *,
    width: float = 1.0,
    widths: Sequence[int] = (16, 32, 64, 128),
    dense: Sequence[int] = (),
    activation: str = "relu",
    dropout: float = 0.0,
) -> keras.Model:
    """Residual modules of depthwise separable convolutions: 58 k parameters; made for 64×64 grey.

    widths: channels of the four modules; width: multiplies all. dense, dropout: see `head.classifier`.
    The published network ends in a 3×3 convolution to the classes, whose maps are averaged over the image. Averaging
    first gives the same logits from as many weights: the mean of a convolution is a weighted sum of the means of its
    nine shifted inputs, which are the `embedding` here.
    """
    expect_count("--widths", widths, 4, "mini-xception", "modules")
    inputs = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(inputs)
    for number in (1, 2):
        name = f"stem_conv{number}"
        x = layers.Conv2D(scaled(_STEM, width), 3, use_bias=False, kernel_initializer="he_normal", name=name)(x)
        x = layers.Activation(activation, name=f"{name}_act")(batch_norm(x, f"{name}_bn"))
    for number, channels in enumerate(widths, 1):
        x = _module(x, scaled(channels, width), activation, f"block{number}")
    x = layers.ZeroPadding2D(1, name="shifts_pad")(x)
    x = layers.AveragePooling2D((x.shape[1] - 2, x.shape[2] - 2), 1, name="shifts_mean")(x)
    x = layers.Flatten(name="embedding")(x)
    return classifier(inputs, x, num_classes, "mini-xception", dense=dense, activation=activation, dropout=dropout)


def _module(x: Any, channels: int, activation: str, name: str) -> Any:
    """Two separable convolutions and a pooling around a projected shortcut; both ways halve the resolution."""
    shortcut = layers.Conv2D(channels, 1, 2, padding="same", use_bias=False, name=f"{name}_shortcut")(x)
    shortcut = batch_norm(shortcut, f"{name}_shortcut_bn")
    x = batch_norm(_separable(x, channels, f"{name}_conv1"), f"{name}_conv1_bn")
    x = layers.Activation(activation, name=f"{name}_conv1_act")(x)
    x = batch_norm(_separable(x, channels, f"{name}_conv2"), f"{name}_conv2_bn")
    x = layers.MaxPooling2D(3, 2, padding="same", name=f"{name}_pool")(x)
    return layers.Add(name=f"{name}_add")([x, shortcut])


def _separable(x: Any, channels: int, name: str) -> Any:
    return layers.SeparableConv2D(channels, 3, padding="same", use_bias=False, name=name)(x)
