"""What every architecture states about itself: its paper, and the options that it takes."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Sequence
from typing import Any, TypedDict, TypeVar

from fer_cli.errors import UsageError

#: Height, width and channels of the images.
Shape = tuple[int, int, int]
#: (input_shape, num_classes, **options) -> keras.Model
Builder = Callable[..., Any]
B = TypeVar("B", bound=Builder)


class HeadOptions(TypedDict, total=False):
    """dense: units of each hidden layer before the logits. dropout: rate before the logits."""

    dense: Sequence[int]
    dropout: float


class PlainOptions(HeadOptions, total=False):
    """width: multiplies all widths. widths: channels of each stage. activation: as Keras names it."""

    width: float
    widths: Sequence[int]
    activation: str


class ResidualOptions(PlainOptions, total=False):
    """stem: "small" or "imagenet". se: squeeze-and-excitation in every block."""

    stem: str
    se: bool


def published(paper: str) -> Callable[[B], B]:
    """State where an architecture comes from: authors, year and where to read it, as `builder.paper`."""

    def mark(builder: B) -> B:
        vars(builder)["paper"] = paper
        return builder

    return mark


def options_of(builder: Builder) -> tuple[str, ...]:
    """The options that a builder takes: its keywords, and those of the `T` in `**options: Unpack[T]`."""
    names: list[str] = []
    for parameter in list(inspect.signature(builder).parameters.values())[2:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            (options,) = typing.get_args(typing.get_type_hints(builder)[parameter.name])
            names += options.__annotations__
        else:
            names.append(parameter.name)
    return tuple(names)


def scaled(width: int, factor: float) -> int:
    """A number of channels times `factor`, to the nearest multiple of 8, which suits vector units; 8 at least."""
    return width if factor == 1 else max(8, round(width * factor / 8) * 8)


def expect_count(flag: str, values: Sequence[Any], count: int, network: str, of_what: str) -> None:
    """Raise `UsageError` where the numbers after a flag are not one for each of `count` parts of a network."""
    if len(values) != count:
        numbers = f"{count} number{'s' * (count != 1)}"
        received = f"{len(values)} ({', '.join(map(str, values))})"
        raise UsageError(f"{flag}: {network} has {count} {of_what}: expected {numbers}. Received: {received}")
