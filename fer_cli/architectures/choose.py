"""From the name of an architecture to the network, or to what it would cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fer_cli import catalog
from fer_cli.architectures import contract, pattern
from fer_cli.architectures.contract import Builder, Shape
from fer_cli.errors import UsageError

if TYPE_CHECKING:
    import keras

#: What a name begins with that spells out its layers.
PREFIX = "pattern:"


@dataclass(frozen=True)
class Listed:
    """An architecture of the catalog; parameters and multiply_adds are those at the shape asked for."""

    name: str
    parameters: int
    multiply_adds: int
    paper: str


def check_name(name: str) -> None:
    """Raise `UsageError` unless `name` is in the catalog or a pattern that can be built; loads no framework."""
    if name.startswith(PREFIX):
        pattern.parse(name.removeprefix(PREFIX))
    elif name not in catalog.ARCHITECTURES:
        known = [*catalog.ARCHITECTURES, f"{PREFIX}LETTERS"]
        raise UsageError(catalog.unknown("architecture", name, known))


def build(name: str, input_shape: Shape, num_classes: int, options: Mapping[str, Any]) -> keras.Model:
    """The network of that name for images (H, W, C), with `num_classes` outputs.

    options: the arguments that differ from the architecture's own. Raises `UsageError` for a name that is not known,
    and for an option that this architecture does not take.
    """
    builder = _builder(name)
    taken = contract.options_of(builder)
    for option in options:
        if option not in taken:
            raise UsageError(f"{name} takes no {_flag(option)}; it takes {', '.join(map(_flag, taken)) or 'no option'}")
    network: keras.Model = builder(input_shape, num_classes, **options)
    return network


def options_of(name: str) -> tuple[str, ...]:
    """The options that an architecture takes; `UsageError` for a name that is not known."""
    return contract.options_of(_builder(name))


def listing(input_shape: Shape, num_classes: int) -> list[Listed]:
    """Every architecture of the catalog, in its order, with its own options; their weights are never made."""
    import keras

    from fer_cli.architectures.cost import multiply_adds

    rows = []
    for name in catalog.ARCHITECTURES:
        builder = _builder(name)
        # A scope without state puts off the drawing of weights, which is most of the work of building a large network.
        with keras.StatelessScope(initialize_variables=False):
            network = builder(input_shape, num_classes)
        paper = getattr(builder, "paper", "")
        rows.append(Listed(name, network.count_params(), multiply_adds(network), paper))
    keras.backend.clear_session()  # forgets what was put off
    return rows


def _builder(name: str) -> Builder:
    check_name(name)
    if not name.startswith(PREFIX):
        builder: Builder = catalog.find(catalog.ARCHITECTURES, name, "architecture")
        return builder
    from fer_cli.architectures.plain import from_pattern

    return from_pattern(name.removeprefix(PREFIX))


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"
