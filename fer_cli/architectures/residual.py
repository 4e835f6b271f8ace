"""Residual networks for small faces.

He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition (CVPR 2016, arXiv:1512.03385), with the 3×3 stride-1
stem that suits inputs of about 48 pixels; `stem="imagenet"` is the published one. Inputs are 0..255; the first layer
rescales them to -1..1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import keras
from keras import layers

from fer_cli.architectures.blocks import Blocks, conv_bn
from fer_cli.architectures.contract import ResidualOptions, Shape, expect_count, published, scaled
from fer_cli.architectures.head import classifier

_RESNET = published("He et al. 2016, arXiv:1512.03385")
_SE_RESNET = published("He et al. 2016, arXiv:1512.03385; Hu et al. 2018, arXiv:1709.01507")


@_SE_RESNET
def mini(input_shape: Shape, num_classes: int, **options: Unpack[ResidualOptions]) -> keras.Model:
    """The default network: 4 stages of one squeeze-and-excitation block, made to train on a CPU.

    A thin stem looks at full resolution, and every stage, the first too, halves it. All widths are multiples of 16, the
    number of float32 values that a CPU with AVX-512 works on at a time.
    """
    arguments: ResidualOptions = {"widths": (32, 64, 96, 192), "se": True, **options}
    return residual_network(
        input_shape,
        num_classes,
        name="mini",
        depths=(1, 1, 1, 1),
        strides=(2, 2, 2, 2),
        stem_width=16,
        se_ratio=8,
        **arguments,
    )


@_SE_RESNET
def resnet10se(input_shape: Shape, num_classes: int, **options: Unpack[ResidualOptions]) -> keras.Model:
    """SE-ResNet-10 with thin stages: 0.9 M parameters, a tenth of the work of ResNet-18."""
    arguments: ResidualOptions = {"widths": (32, 64, 128, 192), "se": True, **options}
    return residual_network(input_shape, num_classes, name="resnet10se", depths=(1, 1, 1, 1), **arguments)


@_RESNET
def resnet18(input_shape: Shape, num_classes: int, **options: Unpack[ResidualOptions]) -> keras.Model:
    """ResNet-18: 8 basic blocks, 11.2 M parameters."""
    return residual_network(input_shape, num_classes, name="resnet18", depths=(2, 2, 2, 2), **options)


@_RESNET
def resnet34(input_shape: Shape, num_classes: int, **options: Unpack[ResidualOptions]) -> keras.Model:
    """ResNet-34: 16 basic blocks, 21.3 M parameters."""
    return residual_network(input_shape, num_classes, name="resnet34", depths=(3, 4, 6, 3), **options)


@_RESNET
def resnet50(input_shape: Shape, num_classes: int, **options: Unpack[ResidualOptions]) -> keras.Model:
    """ResNet-50: 16 bottleneck blocks, 23.6 M parameters."""
    return residual_network(input_shape, num_classes, name="resnet50", depths=(3, 4, 6, 3), bottleneck=True, **options)


@_RESNET
def resnet101(input_shape: Shape, num_classes: int, **options: Unpack[ResidualOptions]) -> keras.Model:
    """ResNet-101: 33 bottleneck blocks, 42.6 M parameters."""
    return residual_network(
        input_shape, num_classes, name="resnet101", depths=(3, 4, 23, 3), bottleneck=True, **options
    )


def residual_network(
    input_shape: Shape,
    num_classes: int,
    *,
    name: str,
    depths: Sequence[int],
    strides: Sequence[int] = (1, 2, 2, 2),
    bottleneck: bool = False,
    stem_width: int | None = None,
    se_ratio: int = 16,
    stem: str = "small",
    se: bool = False,
    width: float = 1.0,
    widths: Sequence[int] = (64, 128, 256, 512),
    dense: Sequence[int] = (),
    activation: str = "relu",
    dropout: float = 0.0,
) -> keras.Model:
    """A residual network of basic or bottleneck blocks.

    depths, widths, strides: of each stage its blocks, the channels of its 3×3 convolutions, and by how much its first
    block reduces resolution. width: multiplies all channels. stem: "small" 3×3 stride 1; "imagenet" 7×7 stride 2 and
    3×3 max-pooling stride 2. stem_width: its channels, those of the first stage when None. se, se_ratio:
    squeeze-and-excitation in every block, whose gates keep one channel in se_ratio. dense, dropout: see
    `head.classifier`. Raises `UsageError` unless each stage has its width.
    """
    expect_count("--widths", widths, len(depths), name, "stages")
    blocks = Blocks(activation, bottleneck, se_ratio if se else None)
    inputs = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(inputs)
    x = _stem(x, scaled(stem_width or widths[0], width), stem, blocks)
    for stage, (depth, channels, stride) in enumerate(zip(depths, widths, strides, strict=True), 1):
        for number in range(1, depth + 1):
            x = blocks.block(x, scaled(channels, width), stride if number == 1 else 1, f"stage{stage}_block{number}")
    x = layers.GlobalAveragePooling2D(name="embedding")(x)
    return classifier(inputs, x, num_classes, name, dense=dense, activation=activation, dropout=dropout)


def _stem(x: Any, width: int, kind: str, blocks: Blocks) -> Any:
    if kind == "small":
        return blocks.activated(conv_bn(x, width, 3, 1, "stem"), "stem_act")
    if kind == "imagenet":
        x = blocks.activated(conv_bn(x, width, 7, 2, "stem"), "stem_act")
        return layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(x)
    raise ValueError(f"stem: expected small or imagenet. Received: {kind}")
