"""From raw data to one dataset file: read and spool, audit, select, publish."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli import catalog, provenance
from fer_cli.datasets import audit, select
from fer_cli.datasets.base import Importer, ReadOptions
from fer_cli.errors import InputError, UsageError
from fer_cli.labels import SPLITS
from fer_cli.records import Records
from fer_cli.store.writer import create_dataset
from fer_cli.transform.adapt import adapt

#: Options that mean something to one format only.
_SPECIAL = {"votes": "fer2013-csv", "count": "synthetic", "label_noise": "synthetic"}
#: The source that is a word, not a path.
_SYNTHETIC = "synthetic"
_CHANNELS = {"gray": 1, "rgb": 3}


@dataclass(frozen=True)
class Selection:
    """Which rows of a source are written, and in which split.

    limit: at most so many rows a class and split, drawn at random. drop_duplicates: see `audit.surplus_rows`.
    val_fraction: where there is no val split, the part of train that becomes one; see `select.split_off_val`.
    """

    limit: int | None = None
    drop_duplicates: bool = False
    val_fraction: float | None = None


@dataclass(frozen=True)
class _Choice:
    """keep: mask (N,) of the rows to write. split: uint8 (N,), new. dropped: reason -> rows. notes: for the user."""

    keep: npt.NDArray[np.bool_]
    split: npt.NDArray[np.uint8]
    dropped: dict[str, int]
    notes: list[str]


def open_source(source: Path, format: str | None, options: ReadOptions) -> Importer:
    """The importer of a source: the one of `format`, or the first in the catalog that knows the layout.

    Raises `InputError` for a source that is missing or of no known layout, `UsageError` for options not of its format.
    """
    name = format or _detect(source)
    if name != _SYNTHETIC and not source.exists():
        raise InputError(f"{source}: no such file or folder")
    for option, only in _SPECIAL.items():
        if getattr(options, option) and name != only:
            flag = option.replace("_", "-")
            raise UsageError(f"--{flag} is for sources of the format {only}; {source} is of the format {name}")
    importer: Importer = catalog.find(catalog.IMPORTERS, name, "format")(source, options)
    return importer


def expected_rows(importers: Sequence[Importer]) -> int | None:
    """How many rows the sources have, None where one of them cannot tell."""
    rows = [importer.rows for importer in importers]
    return None if None in rows else sum(row for row in rows if row is not None)


def prepare_dataset(
    importers: Sequence[Importer],
    output: Path,
    options: ReadOptions,
    selection: Selection,
    advance: Callable[[int], None] = lambda rows: None,
) -> dict[str, Any]:
    """Read the sources one after the other and publish what is selected of them at `output`.

    advance: called with the number of rows just read. Returns the record (`provenance.record`) that the file holds as
    its provenance. Raises `InputError` for a source that cannot be used, `OutputError` for a full disk; then nothing
    is written.
    """
    first = importers[0]
    _require_alike(importers)
    inputs = [path for importer in importers for path in importer.inputs]
    sources = [_name(importer) for importer in importers]
    parameters = {"sources": sources, "output": str(output), **_plain(asdict(options)), **_plain(asdict(selection))}
    digests: list[audit.Digests] = []
    with create_dataset(output, first.class_names, first.attribute_values) as writer:
        for records in _read(importers, options):
            writer.append(records)
            digests.append(audit.digests(records.images))
            advance(len(records))
        if not len(writer):
            raise InputError(f"{', '.join(sources)}: no images are left to write")
        columns, digest = writer.columns(), np.concatenate(digests)
        choice = _choose(columns, digest, selection, options.seed)
        results = _results(importers, columns, digest, choice)
        record = provenance.record("prepare", inputs, parameters, results)
        writer.finish(record, _transforms(importers), choice.keep, choice.split)
    return record


def _detect(source: Path) -> str:
    for name in catalog.IMPORTERS:
        if catalog.find(catalog.IMPORTERS, name, "format").detects(source):
            return name
    if not source.exists():
        raise InputError(f"{source}: no such file or folder")
    raise InputError(f"{source}: no layout that fer knows; --format names one of: {', '.join(catalog.IMPORTERS)}")


def _require_alike(importers: Sequence[Importer]) -> None:
    first = importers[0]
    for other in importers[1:]:
        for what in ("class_names", "attribute_values"):
            if getattr(other, what) != getattr(first, what):
                raise UsageError(
                    f"sources that go into one file need the same {what.replace('_', ' ')}. "
                    f"{first.inputs[0]}: {getattr(first, what)}. {other.inputs[0]}: {getattr(other, what)}"
                )


def _read(importers: Sequence[Importer], options: ReadOptions) -> Iterator[Records]:
    """All records in the wanted shape; with several sources, each row says which one it is from."""
    for importer in importers:
        for records in importer.records():
            if not len(records):
                continue
            shape = _wanted_shape(records.images.shape, options)
            images = adapt(records.images, shape)
            if images is not records.images:
                importer.findings.adapted(shape)
            source = records.source if len(importers) == 1 else [f"{_name(importer)}:{name}" for name in records.source]
            yield replace(records, images=images, source=source)


def _wanted_shape(have: tuple[int, ...], options: ReadOptions) -> tuple[int, int, int]:
    _, height, width, channels = have
    if options.color is not None:
        channels = _CHANNELS[options.color]
    return options.size or height, options.size or width, channels


def _name(importer: Importer) -> str:
    return importer.inputs[0].as_posix() if importer.inputs else _SYNTHETIC


def _choose(columns: Records, digest: audit.Digests, selection: Selection, seed: int) -> _Choice:
    """Duplicates go first, so that they do not count towards the size of val or the limit."""
    split, rows, notes = columns.split.copy(), np.arange(len(columns)), list[str]()
    dropped = {}
    if selection.drop_duplicates:
        surplus = audit.surplus_rows(digest, split)
        dropped["duplicates"] = int(surplus.sum())
        rows = rows[~surplus]
    has_val = bool((split == SPLITS.index("val")).any())
    if selection.val_fraction is not None and has_val:
        notes.append("there is a val split already: --val-fraction is not used")
    elif selection.val_fraction is not None:
        groups = digest if columns.subject is None else np.array(columns.subject)
        split[rows] = select.split_off_val(
            columns.labels[rows], split[rows], groups[rows], selection.val_fraction, seed
        )
    elif not has_val:
        notes.append("there is no val split; --val-fraction 0.1 makes one of a part of train")
    if selection.limit is not None:
        kept = select.limit_rows(columns.labels[rows], split[rows], selection.limit, seed)
        dropped["limit"] = int(np.count_nonzero(~kept))
        rows = rows[kept]
    return _Choice(np.isin(np.arange(len(columns)), rows), split, dropped, notes)


def _results(importers: Sequence[Importer], columns: Records, digest: audit.Digests, choice: _Choice) -> dict[str, Any]:
    """What is told to the user and stored; the duplicates are those among the rows written."""
    labels, split, names = columns.labels[choice.keep], choice.split[choice.keep], importers[0].class_names
    table = {
        name: {part: int(np.count_nonzero((labels == k) & (split == s))) for s, part in enumerate(SPLITS)}
        for k, name in enumerate(names)
    }
    return {
        "rows": len(labels),
        "table": table,
        "duplicates": asdict(audit.find_duplicates(digest[choice.keep], labels, split)),
        "dropped": choice.dropped,
        "passed_over": [line for importer in importers for line in importer.findings.problems],
        "notes": [line for importer in importers for line in importer.findings.notes] + choice.notes,
    }


def _transforms(importers: Sequence[Importer]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for importer in importers:
        found += [step for step in importer.findings.transforms if step not in found]
    return found


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
