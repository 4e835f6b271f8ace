"""The error boundary: every failure is one line and the right exit status."""

from __future__ import annotations

import click
import pytest

from fer_cli import errors, main
from tests.helpers import run_fer


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Replace `fer train` by a command that raises what it is given."""

    def arrange(error: BaseException) -> None:
        @click.command()
        def command() -> None:
            raise error

        monkeypatch.setattr(main.FerGroup, "get_command", lambda self, ctx, name: command)

    return arrange


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.UsageError, 2),
        (errors.InputError, 3),
        (errors.OutputError, 3),
        (errors.OutputExistsError, 4),
        (errors.MissingError, 5),
        (errors.InterruptedWorkError, 130),
    ],
)
def test_an_error_is_one_line_and_its_status(failing, kind: type[errors.FerError], status: int) -> None:  # type: ignore[no-untyped-def]
    failing(kind("row 7:\n  expected 2304 pixels"))
    result = run_fer("train")
    assert result.exit_code == status
    assert result.stderr == "fer: row 7: expected 2304 pixels\n"
    assert result.stdout == ""


def test_debug_adds_the_traceback(failing) -> None:  # type: ignore[no-untyped-def]
    failing(errors.InputError("bad"))
    result = run_fer("--debug", "train")
    assert "Traceback (most recent call last)" in result.stderr
    assert result.stderr.endswith("fer: bad\n")


def test_an_interrupt_is_130(failing) -> None:  # type: ignore[no-untyped-def]
    failing(KeyboardInterrupt())
    result = run_fer("train")
    assert result.exit_code == 130
    assert result.stderr.strip() == "fer: interrupted"


def test_an_interrupt_that_looks_like_something_else_is_130(failing) -> None:  # type: ignore[no-untyped-def]
    """h5py answers a Ctrl-C inside of it with a `SystemError`, which whoever reads the file takes for damage."""
    met = SystemError("returned a result with an exception set")
    met.__cause__ = KeyboardInterrupt()
    read = errors.InputError("a damaged HDF5 file")
    read.__cause__ = met
    for error in (met, read):
        failing(error)
        result = run_fer("train")
        assert result.exit_code == 130
        assert result.stderr.strip() == "fer: interrupted"


def test_an_interrupted_work_tells_what_was_saved(failing) -> None:  # type: ignore[no-untyped-def]
    error = errors.InterruptedWorkError("epoch 3 is saved")
    error.__cause__ = KeyboardInterrupt()
    failing(error)
    assert run_fer("train").stderr == "fer: epoch 3 is saved\n"


def test_an_unexpected_exception_keeps_its_traceback(failing) -> None:  # type: ignore[no-untyped-def]
    failing(ZeroDivisionError("a fault of ours"))
    with pytest.raises(ZeroDivisionError):
        run_fer("train")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trane",), "fer: No such command 'trane'"),
        (("train", "--epoch", "3"), "fer: No such option"),
        (("--nonsense",), "fer: No such option"),
    ],
)
def test_wrong_usage_is_one_line_and_2(arguments: tuple[str, ...], message: str) -> None:
    result = run_fer(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
    assert "--help)" in result.stderr


def test_no_arguments_show_the_help() -> None:
    result = run_fer()
    assert result.exit_code == 2
    for name in main.COMMANDS:
        assert f"  {name} " in result.stderr


def test_the_version() -> None:
    result = run_fer("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("fer, version ")
