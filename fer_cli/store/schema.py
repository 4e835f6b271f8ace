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
from fer_cli.labels import SPLITS

FORMAT = "fer-dataset"
VERSION = 1
#: A block, when a file is read or copied from end to end, has at most so many rows and so many bytes of pixels.
BLOCK_ROWS = 4096
BLOCK_BYTES = 32 << 20

#: What is compressed holds a hundredth of what it declares at the least, where that is more than the least bytes.
_MOST_RATIO, _LEAST_BYTES = 100, 256 << 20

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
        check_contained(path, file)
        yield file


def check_contained(path: Path, file: h5py.File) -> None:
    """Raise `InputError` for an HDF5 file that leads to other files, or that declares very much more than it holds."""
    reasons: list[str] = []

    def of_link(name: str, link: Any) -> None:
        if isinstance(link, h5py.ExternalLink):
            reasons.append(f"/{name} is a link to another file, {link.filename}")

    def of_object(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        if item.external or item.is_virtual:
            reasons.append(f"/{name} has its data in other files")
        elif item.nbytes > max(_LEAST_BYTES, _MOST_RATIO * item.id.get_storage_size()):
            reasons.append(f"/{name} declares {item.shape} of {item.dtype}, but holds much less")

    try:
        file.visititems_links(of_link)
        file.visititems(of_object)
    # h5py stumbles over names that are no text with a SystemError.
    except (RuntimeError, ValueError, TypeError, KeyError, OSError, SystemError) as error:
        raise InputError(f"{path}: a damaged HDF5 file ({first_line(error)})") from error
    if reasons:
        raise InputError(f"{path}: expected an HDF5 file that is whole. Received: {reasons[0]}")


def block_rows(image_shape: tuple[int, ...]) -> int:
    """How many images of a shape make a block."""
    return max(1, min(BLOCK_ROWS, BLOCK_BYTES // math.prod(image_shape)))


def has_numbers(item: Any) -> bool:
    """Whether a part of an HDF5 file is a dataset of plain numbers."""
    return isinstance(item, h5py.Dataset) and item.dtype.kind in "biuf" and item.shape is not None


def is_dataset(path: Path) -> bool:
    """Whether `path` is a sound HDF5 file that says it is one of ours."""
    try:
        with open_hdf5(path) as file:
            return text(file.attrs.get("format", "")) == FORMAT
    except (InputError, OSError, ValueError):
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
    names = [text(name) for name in np.atleast_1d(file.attrs["class_names"])]
    expect(np.ndim(file.attrs["class_names"]) == 1, "attribute class_names", "a list", names)
    expect(len(set(names)) == len(names), "attribute class_names", "names that differ", names)
    splits = [text(name) for name in np.atleast_1d(file.attrs["split_names"])]
    expect(splits == list(SPLITS), "attribute split_names", str(list(SPLITS)), splits)
    document = text(file.attrs["provenance"])
    expect(isinstance(_json(document), dict), "attribute provenance", "JSON, an object", document[:40])
    document = text(file.attrs["transforms"])
    expect(_is_list_of_objects(_json(document)), "attribute transforms", "JSON, a list of objects", document[:40])


def _check_shapes(file: h5py.File, expect: _Expect) -> None:
    for name in ("images", "labels", "split", "source"):
        expect(isinstance(file.get(name), h5py.Dataset), f"/{name}", "a dataset", file.get(name))
    images = file["images"]
    expect(images.ndim == 4 and images.shape[3] in (1, 3), "/images", "(N, H, W, 1 or 3)", images.shape)
    expect(0 not in images.shape, "/images", "at least one row of pixels", images.shape)
    for name in ("images", "labels", "split"):
        expect(file[name].dtype == np.uint8, f"/{name}", "uint8", file[name].dtype)
    attributes = file.get("attributes", {})
    expect(not isinstance(attributes, h5py.Dataset), "/attributes", "a group", attributes)
    known = ("labels", "split", "source", "subject")
    columns = {f"/{name}": file[name] for name in known if name in file}
    columns |= {f"/attributes/{name}": attributes.get(name) for name in attributes}
    for name, column in columns.items():
        expect(isinstance(column, h5py.Dataset), name, "a dataset", column)
        expect(column.shape == (len(images),), name, f"{len(images)} rows", column.shape)
        is_text = h5py.check_string_dtype(column.dtype) is not None
        if name in ("/source", "/subject"):
            expect(is_text, name, "text", column.dtype)
        else:
            expect(column.dtype.kind in "biuf", name, "numbers", column.dtype)


def _check_values(file: h5py.File, expect: _Expect) -> None:
    classes, splits = len(file.attrs["class_names"]), len(file.attrs["split_names"])
    labels, split = file["labels"][:], file["split"][:]
    expect(labels.max() < classes, "/labels", f"values below {classes}", labels.max())
    expect(split.max() < splits, "/split", f"values below {splits}", split.max())
    expect((split[1:] >= split[:-1]).all(), "/split", "rows sorted by split", "another order")
    if "votes" in file:
        votes = file["votes"]
        expect(isinstance(votes, h5py.Dataset) and votes.dtype.kind == "f", "/votes", "a dataset of floats", votes)
        expect(votes.shape == (len(labels), classes), "/votes", f"{(len(labels), classes)}", votes.shape)
        expect(np.allclose(votes[:].sum(1), 1, atol=1e-3), "/votes", "rows that sum to 1", "other sums")


def text(value: Any) -> str:
    """An HDF5 string as str, whichever way it was stored."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _json(document: str) -> Any:
    """What a text holds as JSON, None for what is none."""
    try:
        return json.loads(document)
    except (ValueError, RecursionError):
        return None


def _is_list_of_objects(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(item, dict) for item in found)


def first_line(error: BaseException) -> str:
    """The first line of an error's message, shortened: HDF5 writes whole pages."""
    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    return message if len(message) < 160 else message[:157] + "..."
