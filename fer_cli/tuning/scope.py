"""Fitting a space to what is fixed: the options given as flags, and those that the architecture takes."""

from __future__ import annotations

from collections.abc import Collection

from fer_cli.architectures import choose
from fer_cli.errors import UsageError
from fer_cli.training.settings import Settings
from fer_cli.tuning.space import Choice, Space


def fitted(space: Space, given: Collection[str], architecture: str, place: str | None) -> Space:
    """The space to search.

    given: names of the options on the command line. architecture: the one to train, unless the space has several.
    place: where the space is written down; None for the default space, from which is left out what is given and what
    the architecture does not take. Raises `UsageError` for an option that is both given and searched, that an
    architecture does not take, or that changes what accuracies mean.
    """
    if place is None:
        taken = choose.options_of(architecture)
        space = space.without({name for name in space.names if name in given or _is_foreign(name, taken)})
    both = sorted(set(given) & set(space.names))
    if both:
        raise UsageError(f"{place}: {both[0]} is searched there, and fixed on the command line; leave one out")
    if "epsilon" in space.names:
        raise UsageError(f"{place}: epsilon: accuracies under stronger and weaker attacks do not compare; fix it")
    for name in _architectures(space, architecture):
        taken = choose.options_of(name)
        for option in (*given, *space.names):
            if _is_foreign(option, taken):
                origin = f"{place}: " if option in space.names else ""
                raise UsageError(f"{origin}{name} takes no {_flag(option)}; it takes {_flags(taken)}")
    return space


def _architectures(space: Space, architecture: str) -> tuple[str, ...]:
    searched = {parameter.name: parameter for parameter in space.parameters}.get("arch")
    return searched.values if isinstance(searched, Choice) else (architecture,)


def _is_foreign(option: str, taken: tuple[str, ...]) -> bool:
    """Whether an option is one of architectures, but not of this one."""
    return option not in ("arch", "seed", *Settings.__dataclass_fields__) and option not in taken


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def _flags(options: tuple[str, ...]) -> str:
    return ", ".join(map(_flag, options)) or "no option"
