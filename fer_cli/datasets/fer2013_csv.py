"""FER2013 as csv: fer2013.csv, icml_face_data.csv and Kaggle's train.csv, with FER+ votes on request.

Goodfellow et al., "Challenges in representation learning: a report on three machine learning contests", 2013.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fer_cli.datasets.base import Findings, ReadOptions
from fer_cli.datasets.ferplus import VoteJoin
from fer_cli.datasets.pixels import parse_pixels
from fer_cli.errors import InputError
from fer_cli.labels import EMOTIONS, EMOTIONS_8, FER2013_CODES, FER2013_USAGES, SPLITS
from fer_cli.records import Records

_SIDE = 48
_BLOCK_ROWS = 1024
_BUFFER_BYTES = 1 << 20
_HEADER_BYTES = 4096
#: What may surround a field.
_PADDING = b' "\t\r\n'
_LABELS = {str(code).encode(): EMOTIONS.index(name) for code, name in FER2013_CODES.items()}
_USAGES = {usage.encode(): SPLITS.index(split) for usage, split in FER2013_USAGES.items()}


@dataclass(frozen=True)
class _Columns:
    """Position of each column among `names`; usage is None where there is none."""

    names: list[str]
    emotion: int
    pixels: int
    usage: int | None


@dataclass
class _Block:
    """Rows whose pixels are not parsed yet. lines: line numbers in the file, from 1."""

    lines: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    splits: list[int] = field(default_factory=list)
    pixels: list[bytes] = field(default_factory=list)


class Fer2013Csv:
    """Columns `emotion` (0..6), `pixels` (2304 numbers), and `Usage`, in any order; without Usage all is `train`.

    The source of a row is `FILE:LINE`. With FER+ votes there are eight classes, labels and `votes` come from the
    votes, and the attribute `fer2013_label` keeps the label that FER2013 gave.
    """

    def __init__(self, source: Path, options: ReadOptions) -> None:
        self._source = source
        self.rows: int | None = None
        self.findings = Findings()
        self.inputs, self.class_names = [source], EMOTIONS
        self.attribute_values: dict[str, tuple[str, ...]] = {}
        self._columns = _read_header(source)
        self._votes = VoteJoin(options.votes, options.votes_mode) if options.votes else None
        if options.votes:
            self.inputs, self.class_names = [source, options.votes], EMOTIONS_8
            self.attribute_values = {"fer2013_label": EMOTIONS}

    @classmethod
    def detects(cls, source: Path) -> bool:
        """Any csv file that no other importer knows; the header is looked at when it is opened."""
        return source.is_file() and source.suffix.lower() == ".csv"

    def records(self) -> Iterator[Records]:
        """Rows in file order."""
        for block in self._blocks():
            records = self._parse(block)
            yield self._votes.join(records) if self._votes else records
        if self._votes:
            self.findings.notes += self._votes.finish(self._source)

    def _blocks(self) -> Iterator[_Block]:
        block = _Block()
        with self._source.open("rb", buffering=_BUFFER_BYTES) as stream:
            next(stream)
            for number, line in enumerate(stream, 2):
                if line.strip(_PADDING):
                    self._add(block, number, line)
                if len(block.lines) == _BLOCK_ROWS:
                    yield block
                    block = _Block()
        if block.lines:
            yield block

    def _add(self, block: _Block, number: int, line: bytes) -> None:
        """Split one line into its fields, none of which contains a comma."""
        fields, columns = line.split(b","), self._columns
        if len(fields) != len(columns.names):
            raise InputError(
                f"{self._where(number)}: expected {len(columns.names)} columns ({', '.join(columns.names)}). "
                f"Received: {len(fields)}"
            )
        block.lines.append(number)
        block.labels.append(self._code(_LABELS, fields[columns.emotion], "an emotion", number))
        usage = b"Training" if columns.usage is None else fields[columns.usage]
        block.splits.append(self._code(_USAGES, usage, "a Usage", number))
        block.pixels.append(fields[columns.pixels].strip(_PADDING))

    def _code(self, codes: dict[bytes, int], field: bytes, what: str, number: int) -> int:
        code = codes.get(field.strip(_PADDING))
        if code is None:
            known = ", ".join(name.decode() for name in codes)
            shown = field.strip(_PADDING)[:40].decode("utf-8", "replace")
            raise InputError(f"{self._where(number)}: expected {what} of {known}. Received: {shown!r}")
        return code

    def _parse(self, block: _Block) -> Records:
        pixels = parse_pixels(block.pixels, _SIDE * _SIDE, lambda row: self._where(block.lines[row]))
        return Records(
            images=pixels.reshape(-1, _SIDE, _SIDE, 1),
            labels=np.array(block.labels, np.uint8),
            split=np.array(block.splits, np.uint8),
            source=[f"{self._source.name}:{number}" for number in block.lines],
        )

    def _where(self, number: int) -> str:
        return f"{self._source}: line {number}"


def _read_header(source: Path) -> _Columns:
    try:
        with source.open("rb") as stream:
            line = stream.readline(_HEADER_BYTES).decode("utf-8-sig", "replace")
    except OSError as error:
        raise InputError(f"{source}: {os.strerror(error.errno or 0)}") from error
    # icml_face_data.csv has a space in front of its names.
    names = [name.strip(_PADDING.decode()) for name in line.split(",")]
    if not line:
        raise InputError(f"{source}: the file is empty; expected the header emotion,pixels,Usage")
    if "pixels" not in names:
        raise InputError(f"{source}: expected the header emotion,pixels,Usage. Received: {line.strip()[:60]!r}")
    if "emotion" not in names:
        raise InputError(
            f"{source}: expected a column emotion. Received: {', '.join(names)}; images without labels make no dataset"
        )
    usage = names.index("Usage") if "Usage" in names else None
    return _Columns(names, names.index("emotion"), names.index("pixels"), usage)
