"""The blocks of residual networks.

He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition (CVPR 2016, arXiv:1512.03385);
Hu, Shen, Sun: Squeeze-and-Excitation Networks (CVPR 2018, arXiv:1709.01507).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import layers

#: A bottleneck block puts out this many times the channels that its 3×3 convolution has.
EXPANSION = 4


@dataclass(frozen=True)
class Blocks:
    """How the blocks of one network are made.

    bottleneck: 1×1, 3×3, 1×1 convolutions instead of two of 3×3. se_ratio: a squeeze-and-excitation gate keeps one
    channel in this many; None for no gate.
    """

    activation: str = "relu"
    bottleneck: bool = False
    se_ratio: int | None = None

    def block(self, x: Any, width: int, strides: int, name: str) -> Any:
        """Two or three convolutions around a shortcut, which is projected where the shape changes."""
        outputs = width * (EXPANSION if self.bottleneck else 1)
        shortcut = x
        if strides > 1:
            # The pixels that a 1×1 convolution with this stride would read. TensorFlow 2.21 crashes in the gradient of
            # such a convolution from 8 to 16 channels (oneDNN 3.7.3); `mini` trains as fast either way.
            shortcut = layers.MaxPooling2D(1, strides, name=f"{name}_subsample")(shortcut)
        if strides > 1 or x.shape[-1] != outputs:
            shortcut = conv_bn(shortcut, outputs, 1, 1, f"{name}_shortcut")
        if self.bottleneck:
            x = self.activated(conv_bn(x, width, 1, 1, f"{name}_conv1"), f"{name}_act1")
            # The stride is on the 3×3 convolution, where it loses less than on the 1×1 before it ("v1.5").
            x = self.activated(conv_bn(x, width, 3, strides, f"{name}_conv2"), f"{name}_act2")
            x = conv_bn(x, outputs, 1, 1, f"{name}_conv3")
        else:
            x = self.activated(conv_bn(x, width, 3, strides, f"{name}_conv1"), f"{name}_act1")
            x = conv_bn(x, width, 3, 1, f"{name}_conv2")
        if self.se_ratio:
            x = _squeeze_excite(x, self.se_ratio, f"{name}_se")
        return self.activated(layers.Add(name=f"{name}_add")([x, shortcut]), f"{name}_out")

    def activated(self, x: Any, name: str) -> Any:
        """The network's non-linearity."""
        return layers.Activation(self.activation, name=name)(x)


def _squeeze_excite(x: Any, ratio: int, name: str) -> Any:
    width = x.shape[-1]
    gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    gate = layers.Dense(max(8, width // ratio), activation="relu", name=f"{name}_reduce")(gate)
    gate = layers.Dense(width, activation="sigmoid", name=f"{name}_expand")(gate)
    return layers.Multiply(name=f"{name}_scale")([x, gate])


def conv_bn(x: Any, width: int, kernel: int, strides: int, name: str) -> Any:
    """A convolution without bias, then batch normalisation."""
    x = layers.Conv2D(
        width, kernel, strides, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)
    return batch_norm(x, f"{name}_bn")


def batch_norm(x: Any, name: str) -> Any:
    """Batch normalisation whose statistics follow within a hundred steps."""
    # Keras' momentum of 0.99 needs hundreds of steps to forget its start: too slow for small data sets.
    return layers.BatchNormalization(momentum=0.9, name=name)(x)
