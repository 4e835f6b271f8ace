"""What a dataset file must look like, and opening HDF5 with one clear line for what does not.

The layout is a table in DESIGN.md, "Dataset file".
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from fer_cli.errors import InputError

FORMAT = "fer-dataset"
VERSION = 1
#: Rows a block when a file is read or copied from end to end.
BLOCK_ROWS = 4096


@contextlib.contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Any HDF5 file for reading; `InputError` for what is missing, is not HDF5, or breaks off."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if not h5py.is_hdf5(path):
        raise InputError(f"{path}: not an HDF5 file")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path}: a damaged HDF5 file ({first_line(error)})") from error
    with file:
        yield file


def is_dataset(path: Path) -> bool:
    """Whether `path` is an HDF5 file that says it is one of ours."""
    if not (path.is_file() and h5py.is_hdf5(path)):
        return False
    with open_hdf5(path) as file:
        return text(file.attrs.get("format", "")) == FORMAT


def validate(path: Path, file: h5py.File) -> None:
    """Raise `InputError` naming the first thing in the file that is not as DESIGN.md says."""

    def expect(condition: bool, what: str, expected: str, received: object) -> None:
        if not condition:
            raise InputError(f"{path}: {what}: expected {expected}. Received: {received}")

    version = int(file.attrs.get("version", 0))
    expect(version == VERSION, "version", str(VERSION), version)
    for name in ("class_names", "split_names", "color", "provenance", "transforms"):
        expect(name in file.attrs, f"attribute {name}", "to be there", "nothing")
    for name in ("images", "labels", "split", "source"):
        expect(isinstance(file.get(name), h5py.Dataset), f"/{name}", "a dataset", file.get(name))
    images, labels, split = file["images"], file["labels"], file["split"]
    expect(images.dtype == np.uint8, "/images", "uint8", images.dtype)
    expect(images.ndim == 4 and images.shape[3] in (1, 3), "/images", "(N, H, W, 1 or 3)", images.shape)
    rows = images.shape[0]
    columns = [file[n] for n in ("labels", "split", "source", "votes", "subject") if n in file]
    columns += list(file.get("attributes", {}).values())
    for column in columns:
        expect(column.shape[:1] == (rows,), column.name, f"{rows} rows", column.shape)
    classes, splits = len(file.attrs["class_names"]), len(file.attrs["split_names"])
    codes = split[:]
    expect(rows > 0, "/images", "at least one row", rows)
    expect(int(labels[:].max()) < classes, "/labels", f"values below {classes}", labels[:].max())
    expect(int(codes.max()) < splits, "/split", f"values below {splits}", codes.max())
    expect(bool((np.diff(codes.astype(np.int16)) >= 0).all()), "/split", "rows sorted by split", "another order")
    if "votes" in file:
        votes = file["votes"]
        expect(votes.shape == (rows, classes), "/votes", f"{(rows, classes)}", votes.shape)
        expect(bool(np.allclose(votes[:].sum(1), 1, atol=1e-3)), "/votes", "rows that sum to 1", "other sums")


def text(value: Any) -> str:
    """An HDF5 string as str, whichever way it was stored."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def first_line(error: BaseException) -> str:
    """The first line of an error's message, shortened: HDF5 writes whole pages."""
    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    return message if len(message) < 160 else message[:157] + "..."
