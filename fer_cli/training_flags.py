"""The options of a training run outside of a command line: read one at a time, and written back as flags."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from fer_cli.errors import UsageError
from fer_cli.training.settings import Settings
from fer_cli.training_options import ARCHITECTURE_OPTIONS, idle, training
from fer_cli.tuning.space import Field


@click.command("train")
@training
def _command(**passed: Any) -> None:
    """Stand for any command that has these options."""


_OPTIONS = [option for option in _command.params if isinstance(option, click.Option)]


def searchable() -> dict[str, Field]:
    """What a search space may name: each option of `training`, by its flag with underscores."""
    return {_flag(option): Field(str(option.name), partial(_convert, option)) for option in _OPTIONS}


def flags_of(settings: Settings) -> list[str]:
    """The flags of `fer train` that ask for these settings: --arch, and what differs from the defaults and counts."""
    flags, useless = ["--arch", settings.architecture], idle(vars(settings))
    for option in _OPTIONS:
        name = str(option.name)
        if name in useless:
            continue
        if name in ARCHITECTURE_OPTIONS:
            default, value = None, settings.architecture_options.get(name)
        elif name != "arch":
            default, value = getattr(Settings(), name), getattr(settings, name)
        else:
            continue
        if value != default:
            flags += _written(option, value)
    return [*flags, "--seed", str(settings.seed)] if settings.seed != Settings().seed else flags


def _written(option: click.Option, value: Any) -> list[str]:
    if option.is_flag and not option.secondary_opts:  # never written where it is off
        return [option.opts[0]]
    if option.secondary_opts:
        return [option.opts[0] if value else option.secondary_opts[0]]
    if option.multiple:
        return [text for item in value for text in (option.opts[0], str(item))]
    return [option.opts[0], ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)]


def _flag(option: click.Option) -> str:
    return option.opts[0].removeprefix("--").replace("-", "_")


def _convert(option: click.Option, raw: Any) -> Any:
    try:
        return option.process_value(click.Context(_command), [raw] if option.multiple else raw)
    except click.ClickException as error:
        raise UsageError(error.message) from None
