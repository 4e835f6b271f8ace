"""The plain networks of published studies of FER2013, spelled as patterns.

Studies that name only their layers leave kernels and widths open; those are chosen here, as the docstrings say.
"""

from __future__ import annotations

from typing import Unpack

import keras

from fer_cli.architectures.contract import PlainOptions, Shape, published
from fer_cli.architectures.plain import plain_network

_STUDY = "layers as in a study of FER2013; kernels and widths ours"


@published(_STUDY)
def six_conv(input_shape: Shape, num_classes: int, **options: Unpack[PlainOptions]) -> keras.Model:
    """Six 3×3 convolutions, each followed by max-pooling, and a dense layer; the widths are ours."""
    arguments: PlainOptions = {"widths": (32, 64, 128, 128, 256, 256), "dense": (256,), **options}
    return plain_network(input_shape, num_classes, "CPCPCPCPCPCPFF", name="six-conv", **arguments)


@published("four convolutions as in a study of FER2013, CK+, JAFFE and KDEF")
def four_conv(input_shape: Shape, num_classes: int, **options: Unpack[PlainOptions]) -> keras.Model:
    """Four wide convolutions, one of them 5×5, each with dropout; two dense layers."""
    arguments: PlainOptions = {"widths": (64, 128, 512, 512), "dense": (256, 512), **options}
    return plain_network(
        input_shape, num_classes, "CPDCPDCPDCPDFDFDF", name="four-conv", kernel=(3, 5, 3, 3), **arguments
    )


@published(_STUDY)
def five_layer(input_shape: Shape, num_classes: int, **options: Unpack[PlainOptions]) -> keras.Model:
    """Five layers with weights: three 5×5 convolutions, a dense layer, the classes; kernels and widths are ours."""
    arguments: PlainOptions = {"widths": (32, 64, 128), "dense": (256,), **options}
    return plain_network(input_shape, num_classes, "CPCPCPFF", name="five-layer", kernel=5, **arguments)


@published(_STUDY)
def cpcpcpfff(input_shape: Shape, num_classes: int, **options: Unpack[PlainOptions]) -> keras.Model:
    """Three single convolutions and two dense layers before the classes; kernels and widths are ours."""
    arguments: PlainOptions = {"widths": (32, 64, 128), "dense": (256, 128), **options}
    return plain_network(input_shape, num_classes, "CPCPCPFFF", name="cpcpcpfff", **arguments)


@published(_STUDY)
def ccpccpccpff(input_shape: Shape, num_classes: int, **options: Unpack[PlainOptions]) -> keras.Model:
    """Three pairs of convolutions and a dense layer before the classes; kernels and widths are ours."""
    arguments: PlainOptions = {"widths": (32, 64, 128), "dense": (256,), **options}
    return plain_network(input_shape, num_classes, "CCPCCPCCPFF", name="ccpccpccpff", **arguments)


@published("Pramerdorfer and Kampel 2016, arXiv:1612.02903")
def ccpccpccpccpff(input_shape: Shape, num_classes: int, **options: Unpack[PlainOptions]) -> keras.Model:
    """The small VGG of the review of FER2013 networks: ten layers with weights, 1.8 M parameters."""
    arguments: PlainOptions = {"widths": (32, 64, 128, 256), "dense": (256,), **options}
    return plain_network(input_shape, num_classes, "CCPCCPCCPCCPFF", name="ccpccpccpccpff", **arguments)


@published("Barsoum et al. 2016, arXiv:1608.01041")
def vgg13(input_shape: Shape, num_classes: int, **options: Unpack[PlainOptions]) -> keras.Model:
    """The network of FER+, made for 64×64 grey: ten convolutions and two dense layers, without normalisation."""
    arguments: PlainOptions = {"widths": (64, 128, 256, 256), "dense": (1024, 1024), **options}
    return plain_network(
        input_shape,
        num_classes,
        "CCPDCCPDCCCPDCCCPDFDFDF",
        name="vgg13",
        normalise=False,
        rates=(0.25, 0.25, 0.25, 0.25, 0.5, 0.5),
        **arguments,
    )
