"""The network that a generator learns from: is this a real face, and which emotion does it show?

The two heads are those of StarGAN (Choi et al. 2018, arXiv:1711.09020), but the second has a class more, for faces
that were translated, as Salimans et al. have it: Improved Techniques for Training GANs (NeurIPS 2016,
arXiv:1606.03498). StarGAN's knows real faces alone, and soon takes stripes for a smile; this one learns that stripes
are no smile, and only what looks like a real one pays. It serves training alone, and is in no model file.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

Tensor = Any

_LEAK = 0.2
#: Bounds the norm of each filter, which keeps the discriminator from growing ever steeper.
_NORM = 1.5


def build_discriminator(
    input_shape: tuple[int, int, int], num_classes: int, width: int = 32, seed: int = 0
) -> keras.Model:
    """Faces (N, H, W, C) of 0..255 to `realness` (N, h, w, 1), a score for each patch, and logits `classes` (N, K + 1).

    The last class is of no emotion: translated. width: channels at half resolution; they double twice. In training mode
    each face is jittered, real or not.
    """
    image = keras.Input(input_shape, name="image")
    x = Jitter(input_shape[:2], seed=seed, name="jitter")(image)
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(x)
    for number, channels in enumerate((width, 2 * width, 4 * width), start=1):
        x = _convolved(x, channels, 2, f"down{number}")
    realness = layers.Conv2D(1, 3, padding="same", dtype="float32", name="realness")(x)
    x = _convolved(x, 4 * width, 2, "down4")
    x = layers.Dropout(0.2, seed=seed, name="dropout")(layers.Flatten(name="flat")(x))
    logits = layers.Dense(num_classes + 1, dtype="float32", name="classes")(x)
    return keras.Model(image, {"realness": realness, "classes": logits}, name="discriminator")


def _convolved(x: Any, width: int, strides: int, name: str) -> Any:
    bounded = keras.constraints.MaxNorm(_NORM, axis=[0, 1, 2])
    x = layers.Conv2D(
        width, 4, strides, padding="same", kernel_initializer="he_normal", kernel_constraint=bounded, name=name
    )(x)
    return layers.LeakyReLU(_LEAK, name=f"{name}_relu")(x)


class Jitter(layers.Layer):
    """Moves, enlarges, lights and grains each face a little, so that gradients pass through.

    Zhao, Liu, Lin, Zhu and Han: Differentiable Augmentation for Data-Efficient GAN Training (NeurIPS 2020,
    arXiv:2006.10738). A generator then cannot live on pixels that a network happens to be sensitive to: the face has to
    show the emotion wherever it stands. Outside of training it cuts out the centre.
    """

    def __init__(
        self,
        size: tuple[int, int],
        shift: float = 0.06,
        zoom: float = 0.08,
        light: float = 0.15,
        grain: float = 5.0,
        seed: int = 0,
        **rest: Any,
    ) -> None:
        """Give images of `size` (h, w), at most that of the input, in the input's scale.

        shift: of the side, either way. zoom, light: change of the factor 1 of size and of contrast; light is also the
        change of brightness, as a part of full scale. grain: standard deviation in levels 0..255.
        """
        super().__init__(**rest)
        self._size, self._shift, self._zoom, self._light, self._grain = size, shift, zoom, light, grain
        self._seeds = keras.random.SeedGenerator(seed)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Images float32 (N, h, w, C) of (N, H, W, C)."""
        images = ops.cast(images, "float32")
        count = ops.shape(images)[0]
        rows = self._taps(images.shape[1], self._size[0], count, training)
        columns = self._taps(images.shape[2], self._size[1], count, training)
        out = ops.einsum("nij,njkc->nikc", rows, images)
        out = ops.einsum("nlk,nikc->nilc", columns, out)
        return self._shade(out, count) if training else out

    def _taps(self, side: int, wanted: int, count: Tensor, training: bool) -> Tensor:
        """Weights (N, wanted, side) of linear interpolation along an axis; the edge goes on for ever."""
        places = ops.reshape(ops.arange(wanted, dtype="float32") - (wanted - 1) / 2, (1, wanted))
        places = ops.tile(places, (count, 1))
        if training:
            scale = 1 + self._uniform((count, 1), self._zoom)
            places = places * scale + self._uniform((count, 1), self._shift * side)
        places = ops.clip(places + (side - 1) / 2, 0, side - 1)
        return ops.relu(1 - ops.abs(places[:, :, None] - ops.arange(side, dtype="float32")))

    def _shade(self, images: Tensor, count: Tensor) -> Tensor:
        mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        each = (count, 1, 1, 1)
        out = mean + (images - mean) * (1 + self._uniform(each, self._light))
        grain = keras.random.normal(ops.shape(images), 0.0, self._grain, "float32", self._seeds)
        return out + self._uniform(each, self._light * 255) + grain

    def _uniform(self, shape: tuple[Any, ...], most: float) -> Tensor:
        return keras.random.uniform(shape, -most, most, "float32", self._seeds)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(N, h, w, C)."""
        return shape[0], *self._size, shape[3]
