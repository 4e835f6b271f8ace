"""What a dataset file must look like, and opening HDF5 with one clear line for what does not.

The layout is a table in DESIGN.md, "Dataset file".
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from fer_cli.errors import InputError

FORMAT = "fer-dataset"
VERSION = 1
#: A block, when a file is read or copied from end to end, has at most so many rows and so many bytes of pixels.
BLOCK_ROWS = 4096
BLOCK_BYTES = 32 << 20

#: expect(condition, what, expected, received) raises where the condition does not hold.
_Expect = Callable[[bool | np.bool_, str, str, object], None]


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


def block_rows(image_shape: tuple[int, ...]) -> int:
    """How many images of a shape make a block."""
    return max(1, min(BLOCK_ROWS, BLOCK_BYTES // math.prod(image_shape)))


def is_dataset(path: Path) -> bool:
    """Whether `path` is a sound HDF5 file that says it is one of ours."""
    try:
        with open_hdf5(path) as file:
            return text(file.attrs.get("format", "")) == FORMAT
    except InputError:
        return False


def validate(path: Path, file: h5py.File) -> None:
    """Raise `InputError` naming the first thing in the file that is not as DESIGN.md says."""

    def expect(condition: bool | np.bool_, what: str, expected: str, received: object) -> None:
        if not condition:
            raise InputError(f"{path}: {what}: expected {expected}. Received: {received}")

    _check_attributes(file, expect)
    _check_shapes(file, expect)
    _check_values(file, expect)


def _check_attributes(file: h5py.File, expect: _Expect) -> None:
    version = file.attrs.get("version")
    expect(np.array_equal(version, VERSION), "version", str(VERSION), version)
    for name in ("class_names", "split_names", "color", "provenance", "transforms"):
        expect(name in file.attrs, f"attribute {name}", "to be there", "nothing")
    for name in ("provenance", "transforms"):
        document = text(file.attrs[name])
        expect(_is_json(document), f"attribute {name}", "JSON", document[:40])


def _check_shapes(file: h5py.File, expect: _Expect) -> None:
    for name in ("images", "labels", "split", "source"):
        expect(isinstance(file.get(name), h5py.Dataset), f"/{name}", "a dataset", file.get(name))
    images = file["images"]
    expect(images.ndim == 4 and images.shape[3] in (1, 3), "/images", "(N, H, W, 1 or 3)", images.shape)
    expect(len(images) > 0, "/images", "at least one row", images.shape)
    for name in ("images", "labels", "split"):
        expect(file[name].dtype == np.uint8, f"/{name}", "uint8", file[name].dtype)
    columns = [file[name] for name in ("labels", "split", "source", "subject") if name in file]
    for column in [*columns, *file.get("attributes", {}).values()]:
        expect(column.shape == (len(images),), column.name, f"{len(images)} rows", column.shape)


def _check_values(file: h5py.File, expect: _Expect) -> None:
    classes, splits = len(file.attrs["class_names"]), len(file.attrs["split_names"])
    labels, split = file["labels"][:], file["split"][:]
    expect(labels.max() < classes, "/labels", f"values below {classes}", labels.max())
    expect(split.max() < splits, "/split", f"values below {splits}", split.max())
    expect((split[1:] >= split[:-1]).all(), "/split", "rows sorted by split", "another order")
    if "votes" in file:
        votes = file["votes"]
        expect(votes.shape == (len(labels), classes), "/votes", f"{(len(labels), classes)}", votes.shape)
        expect(np.allclose(votes[:].sum(1), 1, atol=1e-3), "/votes", "rows that sum to 1", "other sums")


def text(value: Any) -> str:
    """An HDF5 string as str, whichever way it was stored."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _is_json(document: str) -> bool:
    try:
        json.loads(document)
    except ValueError:
        return False
    return True


def first_line(error: BaseException) -> str:
    """The first line of an error's message, shortened: HDF5 writes whole pages."""
    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    return message if len(message) < 160 else message[:157] + "..."
