"""Reading a dataset file: whole columns, and images in memory or streamed from disk."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError
from fer_cli.records import Records
from fer_cli.store.schema import FORMAT, block_rows, first_line, open_hdf5, text, validate

#: Splits larger than this stay on disk and are read row by row.
MEMORY_BUDGET = 2 << 30

Pixels = npt.NDArray[np.uint8]


class ImageRows:
    """The images of one split: uint8 (N, H, W, C), in memory or on disk, read by `take` and `blocks`."""

    def __init__(self, data: h5py.Dataset, start: int, stop: int, budget: int) -> None:
        self._data, self._start = data, start
        self.shape: tuple[int, int, int, int] = (stop - start, *data.shape[1:])
        self._memory: Pixels | None = None
        if int(np.prod(self.shape)) <= budget:
            self._memory = self._read(start, stop)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def in_memory(self) -> bool:
        """Whether the split fitted the budget."""
        return self._memory is not None

    def take(self, rows: Sequence[int] | npt.NDArray[np.integer[Any]]) -> Pixels:
        """The images of `rows` (indices from 0 within the split), in the order named."""
        index = np.asarray(rows, dtype=np.intp)
        if self._memory is not None:
            return self._memory[index]
        out = np.empty((len(index), *self.shape[1:]), np.uint8)
        # Ascending order lets neighbours share a chunk in HDF5's cache.
        for i in np.argsort(index, kind="stable"):
            row = self._start + int(index[i])
            out[i] = self._read(row, row + 1)[0]
        return out

    def blocks(self, size: int | None = None) -> Iterator[Pixels]:
        """All images in order, `size` at a time (the last block may be smaller); by default some megabytes."""
        step = size or block_rows(self.shape[1:])
        for start in range(0, len(self), step):
            stop = min(start + step, len(self))
            if self._memory is not None:
                yield self._memory[start:stop]
            else:
                yield self._read(self._start + start, self._start + stop)

    def _read(self, start: int, stop: int) -> Pixels:
        try:
            rows: Pixels = self._data[start:stop]
        except OSError as error:
            name = self._data.file.filename
            raise InputError(f"{name}: rows {start} to {stop - 1} cannot be read ({first_line(error)})") from error
        return rows


class Dataset:
    """An open dataset file. Columns are whole arrays; images come through `images(split)`.

    Every column method takes a split name, or None for all rows.
    """

    def __init__(self, path: Path, file: h5py.File, budget: int) -> None:
        validate(path, file)
        self.path = path
        self._file, self._budget = file, budget
        self.class_names: tuple[str, ...] = tuple(text(n) for n in file.attrs["class_names"])
        self.split_names: tuple[str, ...] = tuple(text(n) for n in file.attrs["split_names"])
        self.provenance: dict[str, Any] = json.loads(text(file.attrs["provenance"]))
        self.transforms: list[dict[str, Any]] = json.loads(text(file.attrs["transforms"]))
        self.attribute_names: tuple[str, ...] = tuple(sorted(file.get("attributes", ())))
        self._split: Pixels = file["split"][:]

    def __len__(self) -> int:
        return len(self._split)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        height, width, channels = self._file["images"].shape[1:]
        return int(height), int(width), int(channels)

    def rows(self, split: str | None) -> slice:
        """The contiguous range of file rows that a split occupies."""
        if split is None:
            return slice(0, len(self))
        if split not in self.split_names:
            raise InputError(f"{self.path}: no split {split!r}; it knows {', '.join(self.split_names)}")
        code = self.split_names.index(split)
        return slice(*(int(np.searchsorted(self._split, c)) for c in (code, code + 1)))

    def count(self, split: str | None) -> int:
        """How many rows a split has."""
        rows = self.rows(split)
        return int(rows.stop - rows.start)

    def require(self, split: str) -> None:
        """Raise `InputError` where a split has no rows."""
        if not self.count(split):
            filled = [name for name in self.split_names if self.count(name)]
            raise InputError(f"{self.path}: the split {split!r} is empty; filled are: {', '.join(filled) or 'none'}")

    def table(self) -> npt.NDArray[np.int64]:
        """Rows per class and split: int64 (classes, splits)."""
        table = np.zeros((len(self.class_names), len(self.split_names)), np.int64)
        np.add.at(table, (self.labels(None), self._split), 1)
        return table

    def images(self, split: str | None) -> ImageRows:
        """The images of a split, read into memory when they fit the budget."""
        rows = self.rows(split)
        return ImageRows(self._file["images"], rows.start, rows.stop, self._budget)

    def labels(self, split: str | None) -> Pixels:
        """uint8 (N,), index into `class_names`."""
        labels: Pixels = self._file["labels"][self.rows(split)]
        return labels

    def splits(self) -> Pixels:
        """uint8 (N,) of all rows, index into `split_names`."""
        return self._split

    def sources(self, split: str | None) -> list[str]:
        """N strings: where each row came from."""
        return self._strings("source", split)

    def subjects(self, split: str | None) -> list[str] | None:
        """N person names, or None where the set does not know them."""
        return self._strings("subject", split) if "subject" in self._file else None

    def votes(self, split: str | None) -> npt.NDArray[np.float32] | None:
        """float32 (N, K) label distributions, or None."""
        return self._file["votes"][self.rows(split)] if "votes" in self._file else None

    def attribute(self, name: str, split: str | None) -> npt.NDArray[np.generic]:
        """(N,) uint8 or float32 values of one attribute; `InputError` where the file has none of that name."""
        if name not in self.attribute_names:
            raise InputError(f"{self.path}: no attribute {name!r}; it has {', '.join(self.attribute_names) or 'none'}")
        values: npt.NDArray[np.generic] = self._file["attributes"][name][self.rows(split)]
        return values

    def attribute_values(self, name: str) -> tuple[str, ...] | None:
        """The names that an attribute's codes stand for, or None for a plain number."""
        names = self._file["attributes"][name].attrs.get("names")
        return None if names is None else tuple(text(n) for n in names)

    def records(self, size: int | None = None) -> Iterator[Records]:
        """The whole file as `Records`, block by block."""
        images, subjects, votes = self.images(None), self.subjects(None), self.votes(None)
        labels, sources = self.labels(None), self.sources(None)
        attributes = {name: self.attribute(name, None) for name in self.attribute_names}
        start = 0
        for block in images.blocks(size):
            rows = slice(start, start + len(block))
            start = rows.stop
            yield Records(
                images=block,
                labels=labels[rows],
                split=self._split[rows],
                source=sources[rows],
                votes=None if votes is None else votes[rows],
                subject=None if subjects is None else subjects[rows],
                attributes={name: column[rows] for name, column in attributes.items()},
            )

    def _strings(self, name: str, split: str | None) -> list[str]:
        return [text(value) for value in self._file[name][self.rows(split)]]


@contextlib.contextmanager
def open_dataset(path: Path, budget: int = MEMORY_BUDGET) -> Iterator[Dataset]:
    """Open and validate a dataset file.

    budget: bytes; splits whose images are larger stay on disk. Raises `InputError` for anything but a sound file.
    """
    with open_hdf5(path) as file:
        yield _checked(path, file, budget)


def _checked(path: Path, file: h5py.File, budget: int) -> Dataset:
    try:
        if text(file.attrs.get("format", "")) != FORMAT:
            raise InputError(
                f"{path}: an HDF5 file, but not a {FORMAT} (it has {', '.join(list(file)[:6]) or 'nothing'}); "
                "`fer prepare` makes one"
            )
        return Dataset(path, file, budget)
    # Parts that cannot be found or decoded; h5py has many ways to say so.
    except (OSError, KeyError, RuntimeError, ValueError, SystemError) as error:
        raise InputError(f"{path}: a damaged HDF5 file ({first_line(error)})") from error
