"""The networks of keras.applications, for small faces and with their ImageNet weights within reach.

Each is taken without its top, and its published preprocessing is a layer of the model. The layers lie flat in the model
and keep the names that Keras gives them, so that files of weights match by name.

Grey images are repeated to three channels. These networks reduce an image 32 times, which leaves nothing of a face of
48 pixels; so a shorter side below 64 is doubled until it is 64 or more (48 becomes 96, and the last maps 3×3). Faces of
64 pixels are taken as they are, as the studies that trained these networks on faces did.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Unpack

import keras
from keras import layers

from fer_cli.architectures.contract import HeadOptions, Shape, published
from fer_cli.architectures.head import classifier

#: Shorter side, in pixels, from which images are taken as they are.
_LARGE_ENOUGH = 64


@dataclass(frozen=True)
class Preprocessing:
    """What a network was trained on, from RGB in 0..255: pixels × scale + offset, one number or one a channel."""

    scale: float | Sequence[float]
    offset: float | Sequence[float]
    bgr: bool = False


#: -1..1.
_CENTRED = Preprocessing(1 / 127.5, -1.0)
#: Mean 0 and deviation 1 over ImageNet, channel by channel.
_NORMALISED = Preprocessing(
    [1 / (255 * deviation) for deviation in (0.229, 0.224, 0.225)],
    [-mean / deviation for mean, deviation in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))],
)
#: Blue, green, red, less their means over ImageNet.
_MEAN_FREE = Preprocessing(1.0, [-103.939, -116.779, -123.68], bgr=True)


@dataclass(frozen=True)
class Application:
    """A network of keras.applications.

    builder: its name there. weights: where its module says the address of its weights without top is: a constant, and
    the file's name where that is not a part of it. own_preprocessing: it brings some along, which is left out.
    convnext: its last layer normalises pooled features, and it has grouped convolutions.
    """

    builder: str
    preprocessing: Preprocessing
    weights: tuple[str, str]
    own_preprocessing: bool = False
    convnext: bool = False


_APPLICATIONS = {
    "vgg16": Application("VGG16", _MEAN_FREE, ("WEIGHTS_PATH_NO_TOP", "")),
    "resnet50v2": Application(
        "ResNet50V2",
        _CENTRED,
        ("resnet.BASE_WEIGHTS_PATH", "resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5"),
    ),
    "resnet152v2": Application(
        "ResNet152V2",
        _CENTRED,
        ("resnet.BASE_WEIGHTS_PATH", "resnet152v2_weights_tf_dim_ordering_tf_kernels_notop.h5"),
    ),
    "mobilenetv2": Application(
        "MobileNetV2",
        _CENTRED,
        ("BASE_WEIGHT_PATH", "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"),
    ),
    "mobilenetv3small": Application(
        "MobileNetV3Small",
        _CENTRED,
        ("BASE_WEIGHT_PATH", "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"),
        own_preprocessing=True,
    ),
    "efficientnetv2b0": Application(
        "EfficientNetV2B0",
        _NORMALISED,
        ("BASE_WEIGHTS_PATH", "efficientnetv2-b0_notop.h5"),
        own_preprocessing=True,
    ),
    "densenet121": Application("DenseNet121", _NORMALISED, ("DENSENET121_WEIGHT_PATH_NO_TOP", "")),
    "convnexttiny": Application(
        "ConvNeXtTiny",
        _NORMALISED,
        ("BASE_WEIGHTS_PATH", "convnext_tiny_notop.h5"),
        own_preprocessing=True,
        convnext=True,
    ),
}


@published("Simonyan and Zisserman 2015, arXiv:1409.1556")
def vgg16(input_shape: Shape, num_classes: int, **options: Unpack[HeadOptions]) -> keras.Model:
    """VGG-16: 13 convolutions without normalisation, 14.7 M parameters."""
    return _network("vgg16", input_shape, num_classes, **options)


@published("He et al. 2016, arXiv:1603.05027")
def resnet50v2(input_shape: Shape, num_classes: int, **options: Unpack[HeadOptions]) -> keras.Model:
    """ResNet-50 with activations before the convolutions, 23.6 M parameters."""
    return _network("resnet50v2", input_shape, num_classes, **options)


@published("He et al. 2016, arXiv:1603.05027")
def resnet152v2(input_shape: Shape, num_classes: int, **options: Unpack[HeadOptions]) -> keras.Model:
    """ResNet-152 with activations before the convolutions, 58.3 M parameters."""
    return _network("resnet152v2", input_shape, num_classes, **options)


@published("Sandler et al. 2018, arXiv:1801.04381")
def mobilenetv2(input_shape: Shape, num_classes: int, **options: Unpack[HeadOptions]) -> keras.Model:
    """MobileNetV2: inverted residuals with linear bottlenecks, 2.3 M parameters."""
    return _network("mobilenetv2", input_shape, num_classes, **options)


@published("Howard et al. 2019, arXiv:1905.02244")
def mobilenetv3small(input_shape: Shape, num_classes: int, **options: Unpack[HeadOptions]) -> keras.Model:
    """MobileNetV3-Small: found by search for phones, 0.9 M parameters."""
    return _network("mobilenetv3small", input_shape, num_classes, **options)


@published("Tan and Le 2021, arXiv:2104.00298")
def efficientnetv2b0(input_shape: Shape, num_classes: int, **options: Unpack[HeadOptions]) -> keras.Model:
    """EfficientNetV2-B0: fused and separable inverted residuals, 5.9 M parameters."""
    return _network("efficientnetv2b0", input_shape, num_classes, **options)


@published("Huang et al. 2017, arXiv:1608.06993")
def densenet121(input_shape: Shape, num_classes: int, **options: Unpack[HeadOptions]) -> keras.Model:
    """DenseNet-121: every layer sees all maps before it, 7.0 M parameters."""
    return _network("densenet121", input_shape, num_classes, **options)


@published("Liu et al. 2022, arXiv:2201.03545")
def convnexttiny(input_shape: Shape, num_classes: int, **options: Unpack[HeadOptions]) -> keras.Model:
    """ConvNeXt-Tiny: 7×7 depthwise convolutions in the manner of a transformer, 27.8 M parameters."""
    return _network("convnexttiny", input_shape, num_classes, **options)


def weights_file(name: str) -> tuple[str, str]:
    """The file of ImageNet weights without top that Keras publishes for an architecture of this module.

    Returns its name and its address. Raises `KeyError` for other architectures.
    """
    application = _APPLICATIONS[name]
    constant, file = application.weights
    # Keras' public modules leave the addresses out; the module that defines the builder has them.
    module = sys.modules[getattr(keras.applications, application.builder).__module__]
    address: str = attrgetter(constant)(module) + file
    return address.rpartition("/")[2], address


def _network(name: str, input_shape: Shape, num_classes: int, **options: Unpack[HeadOptions]) -> keras.Model:
    application = _APPLICATIONS[name]
    inputs = keras.Input(input_shape, name="image")
    arguments = {"include_preprocessing": False} if application.own_preprocessing else {}
    body = getattr(keras.applications, application.builder)(
        include_top=False, weights=None, input_tensor=preprocessed(name, inputs), **arguments
    )
    if not application.convnext:
        return classifier(
            inputs, layers.GlobalAveragePooling2D(name="embedding")(body.output), num_classes, name, **options
        )
    x = layers.GlobalAveragePooling2D(name="pool")(body.layers[-1].input)
    x = layers.LayerNormalization(epsilon=1e-6, name="layer_normalization")(x)
    x = layers.Activation("linear", name="embedding")(x)
    network = classifier(inputs, x, num_classes, name, **options)
    return keras.models.clone_model(network, clone_function=without_groups)


def without_groups(layer: Any) -> Any:
    """A copy of a layer, that of a convolution with a group for each channel as the depthwise one which it equals.

    TensorFlow has no grouped convolutions on a CPU, and what Keras does instead takes some 60 times as long. The
    kernels hold the same numbers in the same order: (7, 7, 1, C) becomes (7, 7, C, 1).
    """
    config = layer.get_config()
    if not isinstance(layer, layers.Conv2D) or layer.groups == 1:
        return type(layer).from_config(config)
    kept = ("name", "kernel_size", "strides", "padding", "dtype")
    return layers.DepthwiseConv2D(**{key: config[key] for key in kept})


def preprocessed(name: str, x: Any) -> Any:
    """Images (N, H, W, 1 or 3) of 0..255 as a network was trained on them: large enough, in colour, rescaled."""
    preprocessing = _APPLICATIONS[name].preprocessing
    _, height, width, channels = x.shape
    doublings = max(0, math.ceil(math.log2(_LARGE_ENOUGH / min(height, width))))
    if doublings:
        x = layers.UpSampling2D(2**doublings, interpolation="bilinear", name="enlarge")(x)
    if channels == 1:
        x = layers.Concatenate(name="grey_to_rgb")([x, x, x])
    elif preprocessing.bgr:
        x = keras.ops.flip(x, axis=-1)
    return layers.Rescaling(preprocessing.scale, preprocessing.offset, name="preprocessing")(x)
