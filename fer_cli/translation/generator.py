"""The network that changes the expression of a face: what it changes, and where.

A residual, attention-masked conditional generator. From StarGAN it takes one network for all emotions, which is told
the wanted one beside the image; from GANimation the attention mask, which leaves most of a face as it was. What the
network draws is a change that is added to the face, so that it begins as the identity.

Choi et al.: StarGAN: Unified Generative Adversarial Networks for Multi-Domain Image-to-Image Translation (CVPR 2018,
arXiv:1711.09020); Pumarola et al.: GANimation: Anatomically-aware Facial Animation from a Single Image (ECCV 2018,
arXiv:1807.09251); Perez et al.: FiLM: Visual Reasoning with a General Conditioning Layer (AAAI 2018,
arXiv:1709.07871).
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers

from fer_cli.errors import UsageError

#: Sides must be multiples of this: the network halves its resolution twice.
STRIDE = 4
#: Levels 0..255 that a face spans.
WHITE = 255.0
#: The part of the change that shows before anything is learnt.
_FIRST_MASK = 0.25


def build_generator(
    input_shape: tuple[int, int, int], num_classes: int, width: int = 32, blocks: int = 2
) -> keras.Model:
    """The generator for faces (H, W, C) and `num_classes` emotions; plain Keras, so that Keras alone loads its file.

    Inputs: `image` (N, H, W, C) of 0..255 and `condition` (N, K), a distribution over the emotions. Outputs: `image`
    float32 of 0..255, and `mask` float32 (N, H, W, 1) of 0..1, where 1 is changed. width: channels at half resolution;
    a quarter of the resolution, where the `blocks` residual blocks are, has twice as many. There is no normalisation:
    statistics of batches would tie faces to each other, those of instances would lose how bright a face is. Nor is the
    condition given a place of its own on the face: what it draws hangs on the features that are there. Raises
    `UsageError` for images whose sides it cannot halve twice.
    """
    height, wide, channels = input_shape
    if height % STRIDE or wide % STRIDE:
        raise UsageError(
            f"a generator needs images whose sides are multiples of {STRIDE}. Received: {height}×{wide}; "
            "fer prepare --size makes them so"
        )
    image = keras.Input(input_shape, name="image")
    condition = keras.Input((num_classes,), name="condition")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(image)
    fine = _convolved(x, width, 4, 2, "half")
    x = _convolved(fine, 2 * width, 3, 2, "quarter")
    for number in range(1, blocks + 1):
        x = _block(x, condition, f"block{number}")
    x = layers.Conv2DTranspose(width, 4, 2, padding="same", kernel_initializer="he_normal", name="half_again")(x)
    x = layers.ReLU(name="half_again_relu")(layers.Add(name="half_again_add")([x, fine]))
    x = _convolved(x, width, 3, 1, "drawn")
    changed, mask = _changed(image, x, channels)
    outputs = {"image": changed, "mask": mask}
    return keras.Model({"image": image, "condition": condition}, outputs, name="generator")


def _changed(image: Any, features: Any, channels: int) -> tuple[Any, Any]:
    """The face with the masked change that features (N, H / 2, W / 2, width) say, cut to 0..255, and the mask."""
    # Zeros: the first image is the face itself, from which the change grows.
    change = layers.Conv2D(
        channels, 3, padding="same", activation="tanh", kernel_initializer="zeros", name="half_change"
    )(features)
    bias = keras.initializers.Constant(math.log(_FIRST_MASK / (1 - _FIRST_MASK)))
    mask = layers.Conv2D(1, 3, padding="same", activation="sigmoid", bias_initializer=bias, name="half_mask")(features)
    # A change as smooth as this cannot be the pattern of single pixels that misleads a network.
    change = layers.UpSampling2D(interpolation="bilinear", name="change")(change)
    mask = layers.UpSampling2D(interpolation="bilinear", dtype="float32", name="mask")(mask)
    shown = layers.Multiply(name="shown")([layers.Rescaling(WHITE, name="levels")(change), mask])
    x = layers.Add(name="changed")([image, shown])
    return layers.ReLU(max_value=WHITE, dtype="float32", name="translated")(x), mask


def _convolved(x: Any, width: int, kernel: int, strides: int, name: str) -> Any:
    x = layers.Conv2D(width, kernel, strides, padding="same", kernel_initializer="he_normal", name=name)(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _block(x: Any, condition: Any, name: str) -> Any:
    """A residual block, in the middle of which the condition scales and shifts each channel (FiLM)."""
    width = x.shape[-1]
    y = layers.Conv2D(width, 3, padding="same", kernel_initializer="he_normal", name=f"{name}_conv1")(x)
    scale, shift = (
        layers.Reshape((1, 1, width), name=f"{name}_{what}_map")(layers.Dense(width, name=f"{name}_{what}")(condition))
        for what in ("scale", "shift")
    )
    scaled = layers.Multiply(name=f"{name}_scaled")([y, scale])
    y = layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_film")([y, scaled, shift]))
    # Small: a stack of blocks without normalisation is stable where each begins close to nothing.
    small = keras.initializers.VarianceScaling(0.1)
    y = layers.Conv2D(width, 3, padding="same", kernel_initializer=small, name=f"{name}_conv2")(y)
    return layers.Add(name=f"{name}_add")([x, y])
