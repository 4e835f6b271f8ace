"""The widespread HDF5 conversion of FER2013: datasets Training_pixel, Training_label, PublicTest_pixel and so on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.datasets.base import Findings, ReadOptions
from fer_cli.errors import InputError
from fer_cli.labels import EMOTIONS, FER2013_USAGES, SPLITS
from fer_cli.records import Records
from fer_cli.store.schema import first_line, has_numbers, open_hdf5

_ENDINGS = {".h5", ".hdf5", ".hdf"}
_SIDE = 48
_ROWS = 1024


class Fer2013Hdf5:
    """USAGE_pixel (N, 2304), (N, 48, 48) or (N, 48, 48, 1) with values 0..255; USAGE_label (N,) with values 0..6.

    It answers for every HDF5 file that no other importer knows, to say what is wrong with it.
    """

    def __init__(self, source: Path, options: ReadOptions) -> None:
        self._source = source
        self.inputs = [source]
        self.class_names = EMOTIONS
        self.attribute_values: dict[str, tuple[str, ...]] = {}
        self.findings = Findings()
        with open_hdf5(source) as file:
            self._usages = [usage for usage in FER2013_USAGES if f"{usage}_pixel" in file]
            if not self._usages:
                raise InputError(
                    f"{source}: an HDF5 file of another kind; expected a fer-dataset, or Training_pixel and "
                    f"Training_label. Received: {', '.join(list(file)[:6]) or 'nothing'}"
                )
            self.rows: int | None = sum(self._check(file, usage) for usage in self._usages)

    @classmethod
    def detects(cls, source: Path) -> bool:
        """Any file with an HDF5 ending; ours are asked for before."""
        return source.is_file() and source.suffix.lower() in _ENDINGS

    def records(self) -> Iterator[Records]:
        """Rows by usage, in file order; the source of each is `FILE:USAGE:INDEX`, counted from 0."""
        with open_hdf5(self._source) as file:
            for usage in self._usages:
                for start in range(0, len(file[f"{usage}_pixel"]), _ROWS):
                    yield self._block(file, usage, start)

    def _check(self, file: Any, usage: str) -> int:
        """The number of rows of one usage; raises `InputError` where its two datasets do not fit."""
        pixels, labels = file.get(f"{usage}_pixel"), file.get(f"{usage}_label")
        if labels is None:
            raise InputError(f"{self._source}: {usage}_label: expected beside {usage}_pixel. Received: nothing")
        for name, item in ((f"{usage}_pixel", pixels), (f"{usage}_label", labels)):
            if not has_numbers(item):
                raise InputError(f"{self._source}: {name}: expected a dataset of numbers. Received: {item}")
        if pixels.ndim < 2 or int(np.prod(pixels.shape[1:])) != _SIDE * _SIDE:
            raise InputError(
                f"{self._source}: {usage}_pixel: expected (N, {_SIDE * _SIDE}) or (N, {_SIDE}, {_SIDE}). "
                f"Received: {pixels.shape}"
            )
        if labels.size != len(pixels):
            raise InputError(
                f"{self._source}: {usage}_label: expected {len(pixels)} values, one an image. Received: {labels.shape}"
            )
        return len(pixels)

    def _block(self, file: Any, usage: str, start: int) -> Records:
        rows = slice(start, start + _ROWS)
        try:
            pixels, labels = file[f"{usage}_pixel"][rows], file[f"{usage}_label"][rows]
        except OSError as error:
            raise InputError(f"{self._source}: {usage}: rows cannot be read ({first_line(error)})") from error
        count = len(pixels)
        return Records(
            images=self._bytes(pixels, f"{usage}_pixel", start, 255).reshape(count, _SIDE, _SIDE, 1),
            labels=self._bytes(labels, f"{usage}_label", start, len(EMOTIONS) - 1).reshape(count),
            split=np.full(count, SPLITS.index(FER2013_USAGES[usage]), np.uint8),
            source=[f"{self._source.name}:{usage}:{start + i}" for i in range(count)],
        )

    def _bytes(self, values: npt.NDArray[Any], name: str, start: int, highest: int) -> npt.NDArray[np.uint8]:
        """`values` as uint8; raises `InputError` for the first that is no whole number in 0..highest."""
        flat = values.reshape(len(values), -1)
        wrong = (flat < 0) | (flat > highest) | (flat != np.floor(flat))
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise InputError(
                f"{self._source}: {name}: row {start + row}: expected whole numbers in 0..{highest}. "
                f"Received: {flat[row, column]}"
            )
        return flat.astype(np.uint8)
