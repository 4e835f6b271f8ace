"""Zip files that come from anywhere, such as model files: what is in them is not read before its size is known."""

from __future__ import annotations

import contextlib
import json
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fer_cli.errors import InputError

#: A file may unpack to so many bytes, and to so many times its own size where that is more than the least.
_MOST_BYTES, _MOST_RATIO, _LEAST_BYTES = 8 << 30, 50, 256 << 20
#: A description of a model is at most so large.
_MOST_JSON = 64 << 20


@contextlib.contextmanager
def open_zip(path: Path, what: str) -> Iterator[zipfile.ZipFile]:
    """A zip file for reading, which does not unpack to very much more than it is.

    what: it is, for the error. Raises `InputError` for a file that is none, is damaged or unpacks to too much, and for
    whatever `zipfile` and reading raise in the block.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(archive, path)
            yield archive
    # zipfile raises NotImplementedError for methods that it does not know, RuntimeError for a password.
    except (
        zipfile.BadZipFile, zlib.error, lzma.LZMAError, KeyError, ValueError, OSError, EOFError, NotImplementedError,
        RuntimeError,
    ) as error:  # fmt: skip
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: not {what} ({reason})") from error


def read_object(archive: zipfile.ZipFile, member: str) -> dict[str, Any]:
    """The JSON object in a member; raises `ValueError` for anything else, `KeyError` where there is none."""
    with archive.open(member) as stream:
        content = stream.read(_MOST_JSON + 1)  # no more, whatever the member says of its size
    if len(content) > _MOST_JSON:
        raise ValueError(f"{member}: expected at most {_MOST_JSON:,} bytes")
    found = json.loads(content)
    if not isinstance(found, dict):
        raise ValueError(f"{member}: expected an object. Received: {type(found).__name__}")
    return found


def _check_size(archive: zipfile.ZipFile, path: Path) -> None:
    unpacked = sum(member.file_size for member in archive.infolist())
    most = min(_MOST_BYTES, max(_LEAST_BYTES, _MOST_RATIO * path.stat().st_size))
    if unpacked > most:
        raise InputError(f"{path}: expected a model of at most {most:,} bytes unpacked. Received: {unpacked:,}")
