"""The `fer` program: the list of commands and the one place where errors become an exit status."""

from __future__ import annotations

import importlib
import io
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from fer_cli import __version__
from fer_cli.errors import FerError, InterruptedWorkError, visible

COMMANDS = (
    "prepare", "eda", "augment", "train", "tune", "eval", "compare", "noise", "attack", "svm", "tsne", "saliency",
    "worst-labels", "bias", "transfer", "predict", "webcam", "aggregate", "export", "report",
)  # fmt: skip


class FerGroup(click.Group):
    """Imports a command's module when the command is asked for, and tells every failure in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of a study, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command `command` of the module `fer_cli.commands.NAME`."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"fer_cli.commands.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def main(  # type: ignore[override]  # it exits in either mode
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run, and exit with the status that DESIGN.md, "Commands", lists."""
        extra["standalone_mode"] = False
        if threading.current_thread() is threading.main_thread():
            # A polite kill leaves as little behind as Ctrl-C.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            status = super().main(args, prog_name or "fer", **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "fer"
            click.echo(f"fer: {_one_line(error.format_message())} (see {path} --help)", err=True)
            sys.exit(error.exit_code)
        except click.Abort:
            click.echo("fer: interrupted", err=True)
            sys.exit(InterruptedWorkError.exit_code)
        sys.exit(status if isinstance(status, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a `FerError` becomes its line and its exit status, an interruption `click.Abort`."""
        try:
            return super().invoke(ctx)
        except (FerError, SystemError) as error:
            if ctx.params["debug"]:
                traceback.print_exc()
            if _interrupted(error):
                raise click.Abort from error
            if isinstance(error, SystemError):
                raise
            click.echo(f"fer: {_one_line(str(error))}", err=True)
            ctx.exit(error.exit_code)


def _interrupted(error: BaseException) -> bool:
    """Whether Ctrl-C is behind an error: met by it, h5py tells of a `SystemError`, which looks like a damaged file."""
    if isinstance(error, InterruptedWorkError):  # it has more to say
        return False
    cause = error.__cause__
    return cause is not None and (isinstance(cause, KeyboardInterrupt) or _interrupted(cause))


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))


@click.group(cls=FerGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fer")
@click.option("-v", "--verbose", is_flag=True, help="Log what is done and why.")
@click.option("--debug", is_flag=True, help="Show the traceback behind an error.")
def cli(verbose: bool, debug: bool) -> None:
    """Facial-expression-recognition studies from the command line.

    Commands pass HDF5 datasets and Keras models between each other on disk:

    \b
      fer prepare fer2013.csv            raw data to data/fer2013.h5
      fer train --arch mini --augment    fit a network
      fer eval models/mini.keras         score it
    """
    # TensorFlow reads both when it is first imported, which happens later, inside a command.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # And OpenCV this: a picture of a few bytes may say that it has a billion pixels.
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1 << 28))
    # What no UTF-8 is in a file's name becomes an escape, which is JSON's as well.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    level = logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(name)s: %(message)s", stream=sys.stderr)
    # Other packages' debug logs are not about the study.
    logging.getLogger("fer_cli").setLevel(level)
    logging.getLogger().setLevel(logging.WARNING)


def every_command() -> dict[str, click.Command]:
    """Every command by the words that call it ("train", "transfer fit"), a group before its parts."""
    context, found = click.Context(cli), {}
    for name in COMMANDS:
        command = cli.get_command(context, name)
        found[name] = command
        if isinstance(command, click.Group):
            found |= {f"{name} {part}": command.get_command(context, part) for part in command.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


if __name__ == "__main__":
    cli()
