"""Keeping other processes from an output while one is making it."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from fer_cli import files
from fer_cli.errors import OutputExistsError

try:
    import fcntl
except ImportError:  # only POSIX has it; elsewhere nobody is kept away
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def claimed(path: Path, wait: bool = False) -> Iterator[None]:
    """Have `path` for this process alone while the block runs.

    wait: until another process has done with it; else `OutputExistsError` names that process. The claim is a lock of
    the operating system on a file `.NAME.lock` beside `path`, so it ends with its process, however that ends; a file
    that a killed process left claims nothing, and what it had not finished of `path` is removed. What is no file or
    folder (a device, a pipe) cannot be claimed, and on a file system without locks nothing is. Raises `OutputError`
    where nothing can be written beside `path`.
    """
    if fcntl is None or (path.exists() and not (path.is_file() or path.is_dir())):
        yield
        return
    with _folder(path.parent):
        place = path.resolve() if path.is_dir() else path.parent.resolve() / path.name
        lock = _lock_of(place)
        handle = _locked(path, lock, wait)
        try:
            _tidy(place)
            yield
        finally:
            # An interruption may have come before a block that cleans up after itself had begun.
            _tidy(place)
            # While it is locked: whoever has opened it since finds that it is no longer the file of that name.
            lock.unlink(missing_ok=True)
            os.close(handle)


def _tidy(path: Path) -> None:
    """Remove what is unfinished of a claimed path, and of files in it that no other process claims."""
    beside = [left for left, name in files.unfinished(path.parent) if name == path.name]
    within = [left for left, name in files.unfinished(path) if not _lock_of(path / name).exists()]
    for left in (*beside, *within):
        files.remove(left)


def _lock_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def _locked(path: Path, lock: Path, wait: bool) -> int:
    """The handle of the lock file, which says who has it."""
    while True:
        with files.writing(path):
            try:
                lock.parent.mkdir(parents=True, exist_ok=True)
                handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
            except FileNotFoundError:  # whoever had made the folder has just removed it
                continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 300, 0).decode("utf-8", "replace")
            os.close(handle)
            raise OutputExistsError(
                f"{path}: another fer is writing it ({holder or 'just begun'}); wait for it, or choose another -o"
            ) from None
        except OSError:  # a file system that knows no locks
            return handle
        except BaseException:
            os.close(handle)
            raise
        if _is(handle, lock):
            with contextlib.suppress(OSError):
                os.truncate(handle, 0)
                os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
            return handle
        os.close(handle)


def _is(handle: int, lock: Path) -> bool:
    """Whether an open file is the one of that name, or its owner removed it before this process had the lock."""
    try:
        return os.path.samestat(os.fstat(handle), lock.stat())
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _folder(folder: Path) -> Iterator[None]:
    """Make a folder; if nothing is in it at the end, it goes again, with those above it that were made."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        with files.writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for each in missing:
            with contextlib.suppress(OSError):  # it is used
                each.rmdir()
