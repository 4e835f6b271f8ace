"""Plain convolutional networks: one layer after the other, as a pattern string spells them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Unpack

import keras
from keras import layers

from fer_cli.architectures import pattern
from fer_cli.architectures.blocks import batch_norm
from fer_cli.architectures.contract import Builder, PlainOptions, Shape, expect_count, published, scaled
from fer_cli.architectures.head import classifier
from fer_cli.architectures.pattern import Pattern
from fer_cli.architectures.stochastic import stochastic_pooling
from fer_cli.errors import UsageError

#: Rate of every D, units of every hidden F, and channels of the stages, where a pattern is not told other ones.
_RATE = 0.5
_UNITS = 256
_WIDTHS = (32, 64, 128, 256)
#: What the layers of each letter are called.
_KINDS = {"C": "conv", "P": "pool", "A": "pool", "S": "pool", "D": "dropout", "F": "dense"}


def from_pattern(letters: str) -> Builder:
    """The builder of the network that a pattern spells, such as CCPCCPFF (see `pattern`)."""

    @published("a pattern")
    def build(input_shape: Shape, num_classes: int, **options: Unpack[PlainOptions]) -> keras.Model:
        return plain_network(input_shape, num_classes, letters, name=f"pattern-{letters.upper()}", **options)

    return build


def plain_network(
    input_shape: Shape,
    num_classes: int,
    letters: str,
    *,
    name: str,
    kernel: Sequence[int] | int = 3,
    normalise: bool = True,
    rates: Sequence[float] | None = None,
    width: float = 1.0,
    widths: Sequence[int] | None = None,
    dense: Sequence[int] | None = None,
    activation: str = "relu",
    dropout: float | None = None,
) -> keras.Model:
    """The network that a pattern spells, for images in 0..255, which it rescales to -1..1.

    widths: channels of each stage, or of each convolution; 32, 64, 128 and from then on 256 when None. width:
    multiplies all widths. dense: units of each hidden F, or one number for all; 256 when None. kernel: side of each
    convolution, or of all. normalise: batch normalisation before each activation. dropout: rate of every D, or before
    the logits of a pattern without D; rates: of each D, where dropout is None. Poolings are 2×2 of stride 2.

    `embedding` is the last hidden layer; without one the flattened maps, and without any F their mean over the image.
    Raises `UsageError` for a pattern that cannot be built, and for numbers that are not one for each of its parts.
    """
    plan = pattern.parse(letters)
    net = _Assembly(
        plan,
        channels=[scaled(channels, width) for channels in _channels(plan, widths, name)],
        kernels=[kernel] * plan.convolutions if isinstance(kernel, int) else list(kernel),
        rates=rates if rates and dropout is None else [_RATE if dropout is None else dropout] * plan.dropouts,
        units=[scaled(units, width) for units in _units(plan, dense, name)],
        activation=activation,
        normalise=normalise,
    )
    inputs = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(inputs)
    for number, stage in enumerate(plan.stages, 1):
        x = net.chain(x, stage, f"block{number}_")
    flat = layers.Flatten if plan.dense else layers.GlobalAveragePooling2D
    x = flat(name="flatten" if plan.hidden else "embedding")(x)
    x = net.chain(x, plan.dense.removesuffix("F"), "")
    return classifier(inputs, x, num_classes, name, dropout=0.0 if plan.dropouts else dropout or 0.0)


class _Assembly:
    """Puts layers one after the other, each with the next of the numbers for its kind."""

    def __init__(
        self,
        plan: Pattern,
        *,
        channels: Sequence[int],
        kernels: Sequence[int],
        rates: Sequence[float],
        units: Sequence[int],
        activation: str,
        normalise: bool,
    ) -> None:
        self._convolutions = iter(zip(channels, kernels, strict=True))
        self._rates, self._units, self._hidden = iter(rates), iter(units), plan.hidden
        self._activation, self._normalise = activation, normalise

    def chain(self, x: Any, letters: str, prefix: str) -> Any:
        """`x` after a layer for each letter; names count within the chain: block1_conv1, block1_conv2."""
        seen: Counter[str] = Counter()
        for letter in letters:
            kind = _KINDS[letter]
            seen[kind] += 1
            x = self._layer(x, letter, f"{prefix}{kind}{seen[kind]}")
        return x

    def _layer(self, x: Any, letter: str, name: str) -> Any:
        if letter == "C":
            channels, side = next(self._convolutions)
            # The bias would be taken away again by the normalisation.
            convolution = layers.Conv2D(
                channels,
                side,
                padding="same",
                use_bias=not self._normalise,
                kernel_initializer="he_normal",
                name=name,
            )
            return self._activated(convolution(x), name, f"{name}_act")
        if letter == "F":
            units = layers.Dense(
                next(self._units), use_bias=not self._normalise, kernel_initializer="he_normal", name=name
            )
            self._hidden -= 1
            return self._activated(units(x), name, f"{name}_act" if self._hidden else "embedding")
        if letter == "D":
            return layers.Dropout(next(self._rates), name=name)(x)
        if letter == "S":
            return stochastic_pooling(x, name)
        # "same" keeps the last row of an odd size, and lets a pattern have more poolings than the image has halves.
        pooling = layers.MaxPooling2D if letter == "P" else layers.AveragePooling2D
        return pooling(2, padding="same", name=name)(x)

    def _activated(self, x: Any, name: str, output: str) -> Any:
        if self._normalise:
            x = batch_norm(x, f"{name}_bn")
        return layers.Activation(self._activation, name=output)(x)


def _channels(plan: Pattern, widths: Sequence[int] | None, name: str) -> list[int]:
    """The channels of each convolution."""
    stages, convolutions = len(plan.stages), plan.convolutions
    if widths is None:
        widths = [_WIDTHS[min(number, len(_WIDTHS) - 1)] for number in range(stages)]
    if len(widths) == convolutions:
        return list(widths)
    if len(widths) != stages:
        raise UsageError(
            f"--widths: {name} has {stages} stages and {convolutions} convolutions: "
            f"expected a number for each of the ones or of the others. Received: {', '.join(map(str, widths))}"
        )
    return [channels for stage, channels in zip(plan.stages, widths, strict=True) for _ in range(stage.count("C"))]


def _units(plan: Pattern, dense: Sequence[int] | None, name: str) -> list[int]:
    """The units of each hidden F."""
    if dense is None or (len(dense) == 1 and plan.hidden):
        return [_UNITS if dense is None else dense[0]] * plan.hidden
    expect_count("--dense", dense, plan.hidden, name, "hidden F (the last F gives the classes)")
    return list(dense)
