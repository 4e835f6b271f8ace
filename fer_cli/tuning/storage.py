"""Where the trials of a study are kept: a database, or a journal file, which also works on network drives."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy.exc
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from fer_cli import files
from fer_cli.errors import InputError, MissingError, UsageError

_FORMS = "journal:FILE, sqlite:///FILE or another SQLAlchemy URL"


def absolute(text: str) -> str:
    """The same storage for a process that works in another folder."""
    kind, _, rest = text.partition(":")
    if kind == "journal" and rest:
        return f"journal:{Path(rest).absolute()}"
    if kind == "sqlite" and rest.startswith("///") and rest != "///:memory:":
        return f"sqlite:///{Path(rest[3:]).absolute()}"
    return text


def open_storage(text: str) -> BaseStorage:
    """The storage that a text names; a file is made where there is none.

    text: `journal:FILE`, or an SQLAlchemy URL such as `sqlite:///FILE`. Raises `UsageError` for another text,
    `InputError` for a file that is no storage, `OutputError` where none can be made, `MissingError` for a database
    whose driver is not installed.
    """
    kind, _, rest = text.partition(":")
    if not rest.strip("/") or kind == "redis" or text.endswith(":memory:"):
        raise UsageError(f"--storage: expected {_FORMS}. Received: {text}")
    path = Path(rest if kind == "journal" else rest[3:])
    with files.writing(path):
        if kind in ("journal", "sqlite"):
            path.parent.mkdir(parents=True, exist_ok=True)
        with readable(text):
            return JournalStorage(JournalFileBackend(str(path))) if kind == "journal" else RDBStorage(text)


@contextlib.contextmanager
def readable(text: str) -> Iterator[None]:
    """Turn the failures of a storage into ours; text: its name."""
    try:
        yield
    except sqlalchemy.exc.ArgumentError:
        raise UsageError(f"--storage: expected {_FORMS}. Received: {text}") from None
    except ImportError as error:
        raise MissingError(f"--storage {text}: its database driver is not installed ({error.__cause__})") from error
    # The journal is JSON lines: a damaged one is a ValueError, KeyError or so.
    except (
        sqlalchemy.exc.SQLAlchemyError, StorageInternalError, ValueError, KeyError, TypeError, AssertionError,
    ) as error:  # fmt: skip
        reason = (str(error.__cause__ or error) or type(error).__name__).splitlines()[0]
        raise InputError(f"--storage {text}: not a readable storage of trials ({reason})") from error
