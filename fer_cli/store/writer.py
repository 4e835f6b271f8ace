"""Writing a dataset file: rows stream in any order and are published sorted by split, or not at all."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from fer_cli import files
from fer_cli.errors import InputError
from fer_cli.labels import SPLITS
from fer_cli.records import Records, concatenate
from fer_cli.store.schema import FORMAT, VERSION, block_rows, validate
from fer_cli.store.spool import Spool

#: A chunk holds about this much, so that one random row costs little more than itself.
_CHUNK_BYTES = 64 << 10

Pixels = npt.NDArray[np.uint8]


class DatasetWriter:
    """Takes `Records` in any split order; images stream to disk, the small columns wait in memory until `finish`."""

    def __init__(
        self, path: Path, temporary: Path, class_names: Sequence[str], attribute_values: Mapping[str, Sequence[str]]
    ) -> None:
        self._path, self._temporary = path, temporary
        self._class_names, self._attribute_values = tuple(class_names), attribute_values
        self._spool = Spool(temporary, "w")
        self._images: h5py.Dataset | None = None
        self._parts: list[Records] = []
        self.finished = False

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def append(self, records: Records) -> None:
        """Add rows; their image shape and their columns must be those of the rows before."""
        if not len(records):
            return
        if int(records.labels.max()) >= len(self._class_names):
            raise InputError(f"labels: expected below {len(self._class_names)}. Received: {records.labels.max()}")
        if self._images is None:
            self._images = _create_images(self._spool.hdf5, records.images.shape[1:])
        elif self._images.shape[1:] != records.images.shape[1:]:
            raise InputError(
                f"{records.source[0]}: expected an image of {self._images.shape[1:]} like those before. "
                f"Received: {records.images.shape[1:]}; --size and --color bring all to one shape"
            )
        start = len(self)
        self._images.resize(start + len(records), axis=0)
        self._images[start:] = records.images
        self._spool.check()
        # The columns are kept, the pixels are not.
        self._parts.append(_without_pixels(records))

    def columns(self) -> Records:
        """All columns so far as one `Records` whose images have no pixels (N, 0, 0, 1)."""
        if not self._parts:
            raise InputError("no images were found")
        return concatenate(self._parts)

    def finish(
        self,
        provenance: Mapping[str, Any],
        transforms: Sequence[Mapping[str, Any]] = (),
        keep: npt.NDArray[np.bool_] | None = None,
        split: Pixels | None = None,
        attributes: Mapping[str, npt.NDArray[np.generic]] | None = None,
    ) -> None:
        """Write the columns, sorted by split, and close the file.

        keep: mask (N,) of the rows that stay. split: uint8 (N,) that replaces the splits appended. attributes: columns
        (N,) that are added to those appended, or replace them.
        """
        columns = self.columns()
        columns = replace(columns, attributes={**columns.attributes, **(attributes or {})})
        codes = columns.split if split is None else split
        kept = np.arange(len(columns)) if keep is None else np.flatnonzero(keep)
        order = kept[np.argsort(codes[kept], kind="stable")]
        if not len(order):
            raise InputError("no images are left to write")
        if not np.array_equal(order, np.arange(len(columns))):
            self._sort_images(order)
        file = self._spool.hdf5
        _write_columns(file, columns.take(order), codes[order], self._attribute_values)
        file.attrs.update(
            {
                "format": FORMAT,
                "version": VERSION,
                "class_names": list(self._class_names),
                "split_names": list(SPLITS),
                "color": "gray" if file["images"].shape[3] == 1 else "rgb",
                "provenance": json.dumps(provenance),
                "transforms": json.dumps(list(transforms)),
            }
        )
        self._spool.flush()
        validate(self._path, file)
        self._spool.close()
        self.finished = True

    def discard(self) -> None:
        """Close the file without finishing it."""
        self._spool.discard()

    def _sort_images(self, order: npt.NDArray[np.intp]) -> None:
        """Copy the images of `order` (ascending within each split) into a fresh file that takes this one's place."""
        sorted_path = self._temporary.with_suffix(".sorted")
        target = Spool(sorted_path, "w")
        try:
            _copy_images(self._spool.hdf5["images"], target, order)
            target.close()
            self._spool.close()
            sorted_path.replace(self._temporary)
        finally:
            target.discard()
            sorted_path.unlink(missing_ok=True)
        self._spool = Spool(self._temporary, "r+")


@contextlib.contextmanager
def create_dataset(
    path: Path, class_names: Sequence[str], attribute_values: Mapping[str, Sequence[str]] | None = None
) -> Iterator[DatasetWriter]:
    """A writer whose file appears at `path` only when the block ends well; the block must call `finish`.

    attribute_values: for coded attributes, the names that their codes stand for. Raises `OutputError` where the file
    system refuses, a full disk included.
    """
    with files.atomic_path(path) as temporary:
        writer = DatasetWriter(path, temporary, class_names, attribute_values or {})
        try:
            yield writer
        finally:
            writer.discard()
        if not writer.finished:
            raise RuntimeError(f"{path}: finish() was not called")


def _copy_images(old: h5py.Dataset, target: Spool, order: npt.NDArray[np.intp]) -> None:
    new = _create_images(target.hdf5, old.shape[1:], len(order))
    written = 0
    for rows in _block_runs(order, block_rows(old.shape[1:])):
        first, last = int(rows[0]), int(rows[-1])
        new[written : written + len(rows)] = old[first : last + 1][rows - first]
        target.check()
        written += len(rows)


def _create_images(file: h5py.File, shape: tuple[int, ...], rows: int = 0) -> h5py.Dataset:
    row_bytes = int(np.prod(shape))
    chunk = max(1, _CHUNK_BYTES // row_bytes)
    return file.create_dataset("images", (rows, *shape), np.uint8, maxshape=(None, *shape), chunks=(chunk, *shape))


def _write_columns(
    file: h5py.File, columns: Records, split: Pixels, attribute_values: Mapping[str, Sequence[str]]
) -> None:
    _check_unique(columns.source)
    file["labels"] = columns.labels.astype(np.uint8)
    file["split"] = split.astype(np.uint8)
    text = h5py.string_dtype("utf-8")
    file.create_dataset("source", data=list(columns.source), dtype=text)
    if columns.subject is not None:
        file.create_dataset("subject", data=list(columns.subject), dtype=text)
    if columns.votes is not None:
        file["votes"] = columns.votes.astype(np.float32)
    for name, values in columns.attributes.items():
        dataset = file.create_dataset(f"attributes/{name}", data=values)
        if name in attribute_values:
            dataset.attrs["names"] = list(attribute_values[name])


def _check_unique(source: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in source:
        if name in seen:
            raise InputError(f"{name}: this source stands twice; each row needs its own")
        seen.add(name)


def _without_pixels(records: Records) -> Records:
    return replace(records, images=np.empty((len(records), 0, 0, 1), np.uint8))


def _block_runs(order: npt.NDArray[np.intp], size: int) -> list[npt.NDArray[np.intp]]:
    """Cut `order` into ascending runs, each within one block of `size` rows, which bounds the memory of a copy."""
    block = order // size
    return np.split(order, np.flatnonzero((np.diff(order) < 0) | (np.diff(block) != 0)) + 1)
