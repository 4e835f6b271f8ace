"""Residual networks for small faces.

He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition (CVPR 2016, arXiv:1512.03385), with the 3×3 stride-1
stem that suits inputs of about 48 pixels, and the squeeze-and-excitation blocks of Hu, Shen, Sun (CVPR 2018,
arXiv:1709.01507). Inputs are 0..255; the first layer rescales them to -1..1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

#: A squeeze-and-excitation bottleneck keeps one channel in this many.
_SE_RATIO = 8


def mini(input_shape: tuple[int, int, int], num_classes: int, **options: Any) -> keras.Model:
    """The default network: 4 stages of one squeeze-and-excitation block, made to train on a CPU.

    A thin stem looks at full resolution, and every stage, the first too, halves it. At 48×48 grey and 7 classes a test
    holds it to 1 M parameters and 30 M multiply-adds.
    """
    arguments: dict[str, Any] = {
        "depths": (1, 1, 1, 1),
        "widths": (24, 48, 96, 192),
        "strides": (2, 2, 2, 2),
        "stem_width": 16,
        "se": True,
    }
    return residual_network(input_shape, num_classes, name="mini", **(arguments | options))


def resnet18(input_shape: tuple[int, int, int], num_classes: int, **options: Any) -> keras.Model:
    """ResNet-18: 11.2 M parameters."""
    return residual_network(input_shape, num_classes, name="resnet18", depths=(2, 2, 2, 2), **options)


def resnet34(input_shape: tuple[int, int, int], num_classes: int, **options: Any) -> keras.Model:
    """ResNet-34: 21.3 M parameters."""
    return residual_network(input_shape, num_classes, name="resnet34", depths=(3, 4, 6, 3), **options)


def residual_network(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    name: str,
    depths: Sequence[int],
    widths: Sequence[int] = (64, 128, 256, 512),
    strides: Sequence[int] = (1, 2, 2, 2),
    stem: str = "small",
    stem_width: int | None = None,
    se: bool = False,
    dropout: float = 0.0,
) -> keras.Model:
    """A residual network of basic blocks.

    depths, widths, strides: of each stage its blocks, its channels, and by how much its first block reduces resolution.
    stem: "small" 3×3 stride 1; "imagenet" 7×7 stride 2 and 3×3 max-pooling stride 2. stem_width: its channels, those of
    the first stage when None. se: squeeze-and-excitation in every block. dropout: rate before the logits.
    """
    inputs = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(inputs)
    x = _stem(x, stem_width or widths[0], stem)
    for stage, (depth, width, stride) in enumerate(zip(depths, widths, strides, strict=True), 1):
        for block in range(1, depth + 1):
            x = _basic_block(x, width, stride if block == 1 else 1, se, f"stage{stage}_block{block}")
    x = layers.GlobalAveragePooling2D(name="embedding")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    outputs = layers.Softmax(dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, outputs, name=name)


def _stem(x: Any, width: int, kind: str) -> Any:
    if kind == "imagenet":
        x = _conv_bn(x, width, 7, 2, "stem")
        return layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(layers.ReLU(name="stem_relu")(x))
    if kind != "small":
        raise ValueError(f"stem: expected small or imagenet. Received: {kind}")
    return layers.ReLU(name="stem_relu")(_conv_bn(x, width, 3, 1, "stem"))


def _basic_block(x: Any, width: int, strides: int, se: bool, name: str) -> Any:
    """Two 3×3 convolutions around a shortcut, which is projected where the shape changes."""
    shortcut = x
    if strides > 1 or x.shape[-1] != width:
        shortcut = _conv_bn(x, width, 1, strides, f"{name}_shortcut")
    x = layers.ReLU(name=f"{name}_relu1")(_conv_bn(x, width, 3, strides, f"{name}_conv1"))
    x = _conv_bn(x, width, 3, 1, f"{name}_conv2")
    if se:
        x = _squeeze_excite(x, f"{name}_se")
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu2")(x)


def _squeeze_excite(x: Any, name: str) -> Any:
    width = x.shape[-1]
    gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    gate = layers.Dense(max(8, width // _SE_RATIO), activation="relu", name=f"{name}_reduce")(gate)
    gate = layers.Dense(width, activation="sigmoid", name=f"{name}_expand")(gate)
    return layers.Multiply(name=f"{name}_scale")([x, gate])


def _conv_bn(x: Any, width: int, kernel: int, strides: int, name: str) -> Any:
    x = layers.Conv2D(
        width, kernel, strides, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)
    # Keras' momentum of 0.99 needs hundreds of steps to forget its start: too slow for small data sets.
    return layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
