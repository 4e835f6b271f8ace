"""Publishing files whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from fer_cli.errors import InputError, OutputError, OutputExistsError

_HASH_CHUNK = 1 << 20
#: In the name of what is not finished, after a dot and the name of what it is to be.
_UNFINISHED = ".unfinished-"
#: What a file system answers when it will not take a file, as against a fault of the program.
_REFUSALS = frozenset(
    {
        errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS,
        errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG,
    }
)  # fmt: skip


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise `OutputExistsError` where `path` exists (a folder: is not empty) and may not be overwritten."""
    occupied = path.is_file() or (path.is_dir() and any(path.iterdir()))
    if occupied and not overwrite:
        raise OutputExistsError(f"{path} exists; choose another -o or say --overwrite")


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A name beside `path` for a file that moves onto `path` when the block ends well, and is removed when not.

    The block makes the file. The name keeps the ending, since some writers choose their format by it.
    Raises `OutputError` for what the file system refuses (no space, no permission).
    """
    temporary = _unfinished(path.parent, path.stem, path.suffix)
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            temporary.replace(path)
    finally:
        remove(temporary)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path`; its files move into `path` when the block ends well, else it is removed.

    Files of other names that are in `path` already stay. Raises `OutputError` for what the file system refuses.
    """
    temporary = _unfinished(path.parent, path.name)
    try:
        with writing(path):
            temporary.mkdir(parents=True)
        yield temporary
        with writing(path):
            path.mkdir(exist_ok=True)
            for file in sorted(temporary.iterdir()):
                file.replace(path / file.name)
    finally:
        remove(temporary)


@contextlib.contextmanager
def atomic_tree(path: Path) -> Iterator[Path]:
    """A name beside `path` for a folder of folders; it takes the place of `path` when the block ends well.

    Raises `OutputError` for what the file system refuses.
    """
    # Not `_UNFINISHED`: for a moment it holds the only copy of what was there before.
    beside = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    try:
        with writing(path):
            beside.mkdir(parents=True)
            yield beside / "new"
            if path.exists():
                path.replace(beside / "old")
            (beside / "new").replace(path)
    finally:
        remove(beside)


def _unfinished(folder: Path, name: str, suffix: str = "") -> Path:
    """A name that nothing has. Nothing is made yet, so an interruption here leaves nothing to tidy up."""
    return folder / f".{name}{_UNFINISHED}{secrets.token_hex(4)}{suffix}"


def unfinished(folder: Path) -> Iterator[tuple[Path, str]]:
    """What is not finished in `folder`, each with the name that it was to have.

    It is of `atomic_path` and `atomic_folder`: what they are at, and what a killed process has left.
    """
    for path in folder.glob(f".*{_UNFINISHED}*") if folder.is_dir() else ():
        if found := re.fullmatch(rf"\.(.+){re.escape(_UNFINISHED)}\w{{8}}(.*)", path.name):
            yield path, "".join(found.groups())


def remove(path: Path) -> None:
    """Remove a file or a folder; what cannot be removed stays."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the file system's refusals while writing `path` into `OutputError`."""
    try:
        yield
    except OSError as error:
        if error.errno in _REFUSALS:
            raise OutputError(f"{path}: cannot be written: {os.strerror(error.errno)}") from error
        raise


def plain_name(text: str) -> str:
    """A text of whatever origin as part of a file's name: letters, digits and - stay, all else becomes _."""
    return re.sub(r"[^\w-]+", "_", text)


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` in one step."""
    with atomic_path(path) as temporary:
        # A name may have bytes that are no UTF-8.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")


def write_json(path: Path, data: Any) -> None:
    """Write `data` as JSON to `path` in one step."""
    write_text(path, to_json(data, indent=2) + "\n")


def to_json(data: Any, indent: int | None = None, ascii_only: bool = False) -> str:
    """`data` as JSON. What is no finite number, which JSON has no word for, becomes null.

    ascii_only: escapes for all other letters, and so also for what no encoding has, of names of files.
    """
    write = partial(json.dumps, indent=indent, ensure_ascii=ascii_only, allow_nan=False)
    try:
        return write(data)
    except ValueError:
        return write(_finite(data))


def _finite(data: Any) -> Any:
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, Mapping):
        return {name: _finite(value) for name, value in data.items()}
    return [_finite(value) for value in data] if isinstance(data, list | tuple) else data


def read_json(path: Path) -> Any:
    """The JSON document in `path`; `InputError` when there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a readable JSON file ({error})") from error


def sha256(path: Path) -> str:
    """The SHA-256 of a file, or of a folder's file names and sizes, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    if path.is_dir():
        for file in _walk(path):
            digest.update(os.fsencode(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\n"))
        return digest.hexdigest()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_HASH_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise InputError(f"{path}: {os.strerror(error.errno or 0)}") from error
    return digest.hexdigest()


def _walk(folder: Path) -> Iterator[Path]:
    """Every file below `folder` in a fixed order; a folder at a time, since some data sets have a million files."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        yield from (file for name in sorted(names) if (file := Path(parent, name)).is_file())
