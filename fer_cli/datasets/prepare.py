"""From raw data to one dataset file: read and spool, audit, select, publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from fer_cli import files, provenance
from fer_cli.datasets import audit, nearby, splits, uniform
from fer_cli.datasets.base import Importer, ReadOptions
from fer_cli.datasets.choose import Choice, Prints, Selection, choose
from fer_cli.datasets.combine import Combination, combine
from fer_cli.datasets.sources import source_name
from fer_cli.errors import InputError
from fer_cli.labels import SPLITS
from fer_cli.records import Records
from fer_cli.store.reader import open_dataset
from fer_cli.store.writer import DatasetWriter, create_dataset


def prepare_dataset(
    importers: Sequence[Importer],
    output: Path,
    options: ReadOptions,
    selection: Selection,
    advance: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Read the sources one after the other and publish what is selected of them at `output`.

    advance: called with the number of rows just read. Returns the record (`provenance.record`) that the file holds as
    its provenance. With `selection.folds`, `folds_path(output)` lists the rows of each fold. Raises `InputError` for a
    source that cannot be used, `OutputError` for a full disk; then nothing is written.
    """
    plan = splits.parse_split(options.split)
    uniform.require_one_light(importers, options)
    combination = combine(importers)
    sources = [source_name(importer) for importer in importers]
    parameters = {"sources": sources, "output": str(output), **_plain(asdict(options)), **_plain(asdict(selection))}
    values = dict(combination.attribute_values)
    if selection.folds:
        values[splits.FOLD] = tuple(str(fold + 1) for fold in range(selection.folds))
    with create_dataset(output, combination.class_names, values) as writer:
        prints = _spool(combination, writer, options, advance)
        if not len(writer):
            raise InputError(f"{', '.join(sources)}: no images are left to write")
        columns = writer.columns()
        known = [line for importer in importers for line in importer.findings.leaks]
        choice = choose(columns, prints, plan, selection, options.seed, known, combination.attribute_values)
        results = _results(combination.class_names, columns, prints, choice, selection.near)
        results["split"] = {**asdict(plan), "leaks": choice.leaks}
        before = [line for importer in importers for line in importer.findings.thinned]
        results["thinned"] = [*before, *map(str, selection.thin)]
        results["passed_over"] = [line for importer in importers for line in importer.findings.problems]
        results["notes"] = _notes(importers, combination, choice)
        inputs = [path for importer in importers for path in importer.inputs]
        record = provenance.record("prepare", inputs, parameters, results)
        extra = {} if choice.fold is None else {splits.FOLD: choice.fold}
        writer.finish(record, uniform.all_transforms(importers), choice.keep, choice.split, extra)
    if selection.folds:
        write_folds(output)
    return record


def folds_path(output: Path) -> Path:
    """Where the rows of each fold of a dataset file are listed."""
    return output.with_suffix(".folds.json")


def write_folds(dataset_path: Path) -> None:
    """List the rows (from 0, in the file) of each fold of a dataset file beside it."""
    with open_dataset(dataset_path, budget=0) as dataset:
        fold = dataset.attribute(splits.FOLD, None)
        names = dataset.attribute_values(splits.FOLD) or ()
    rows = {name: np.flatnonzero(fold == code).tolist() for code, name in enumerate(names)}
    files.write_json(folds_path(dataset_path), {"dataset": dataset_path.name, "folds": len(names), "rows": rows})


def _spool(
    combination: Combination, writer: DatasetWriter, options: ReadOptions, advance: Callable[[int], None]
) -> Prints:
    """Write all rows and take their prints."""
    digests, hashes = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    for importer, records in combination.records:
        uniform_records = uniform.make_uniform(records, options, importer.findings)
        writer.append(uniform_records)
        digests.append(audit.digests(uniform_records.images))
        hashes.append(nearby.perceptual_hashes(uniform_records.images))
        advance(len(records))
    return Prints(np.concatenate(digests), np.concatenate(hashes))


def _results(
    class_names: Sequence[str], columns: Records, prints: Prints, choice: Choice, distance: int
) -> dict[str, Any]:
    """What is told to the user and stored; the duplicates are those among the rows written, in their order there."""
    kept = np.flatnonzero(choice.keep)
    rows = kept[np.argsort(choice.split[kept], kind="stable")]
    labels, split, digest = columns.labels[rows], choice.split[rows], prints.digest[rows]
    table = {
        name: {part: int(np.count_nonzero((labels == k) & (split == s))) for s, part in enumerate(SPLITS)}
        for k, name in enumerate(class_names)
    }
    near = nearby.find_near(prints.hashes[rows], distance)
    return {
        "rows": len(labels),
        "table": table,
        "duplicates": asdict(audit.find_duplicates(digest, labels, split)),
        "near_duplicates": audit.near_duplicates(near, digest, labels, split),
        "dropped": choice.dropped,
    }


def _notes(importers: Sequence[Importer], combination: Combination, choice: Choice) -> list[str]:
    return combination.notes + [line for importer in importers for line in importer.findings.notes] + choice.notes


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
