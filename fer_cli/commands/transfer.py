"""`fer transfer`: give faces another expression."""

from __future__ import annotations

import importlib

import click

SUBCOMMANDS = ("fit", "apply")


class _Group(click.Group):
    """Imports a part's module when the part is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """What is learnt first comes first."""
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command `command` of the module `fer_cli.commands.transfer_NAME`."""
        if cmd_name not in SUBCOMMANDS:
            return None
        command: click.Command = importlib.import_module(f"fer_cli.commands.transfer_{cmd_name}").command
        return command


@click.group(cls=_Group)
def command() -> None:
    """Give faces another expression: train an image-to-image translator, and apply it.

    This is transfer of emotions from face to face. Transfer learning, which is to start a classifier from the weights
    of another, is fer train --init WEIGHTS --freeze all-but-head.
    """
