"""Several sources as one: their classes brought together by name, and the columns that all of them have."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.datasets.base import Importer
from fer_cli.datasets.sources import short_names
from fer_cli.datasets.splits import FOLD
from fer_cli.errors import InputError
from fer_cli.labels import canonical, is_emotion, order_classes
from fer_cli.records import Records

Codes = npt.NDArray[np.uint8]

#: The attribute of a combined file that names the source of each row.
ORIGIN = "origin"


@dataclass(frozen=True)
class Combination:
    """What a dataset file of several sources will hold.

    notes: what the user should hear of it. records: all rows, source by source, each with the importer it is from.
    """

    class_names: tuple[str, ...]
    attribute_values: dict[str, tuple[str, ...]]
    notes: list[str]
    records: Iterator[tuple[Importer, Records]]


@dataclass(frozen=True)
class _Part:
    """A source whose first rows have been read. name: unique among the sources. codes: its labels -> ours, (K,)."""

    importer: Importer
    name: str
    first: Records
    rest: Iterator[Records]
    codes: Codes


@dataclass(frozen=True)
class _Columns:
    """The columns that stay."""

    votes: bool
    subject: bool
    attributes: frozenset[str]


def combine(importers: Sequence[Importer]) -> Combination:
    """One stream of all sources.

    A single source passes as it is. Of several, classes are matched by name and united in canonical order; a column
    stays when all sources have it; `source` and `subject` begin with the name of the source, which the attribute
    `origin` keeps, too. Raises `InputError` where the classes do not fit.
    """
    if len(importers) == 1:
        only = importers[0]
        return Combination(
            only.class_names, dict(only.attribute_values), [], ((only, records) for records in _filled(only))
        )
    class_names, notes = _unite_classes(importers)
    parts = list(_open(importers, class_names))
    columns = _common_columns(parts)
    values = {name: names for name, names in importers[0].attribute_values.items() if name in columns.attributes}
    return Combination(
        class_names,
        {**values, ORIGIN: tuple(part.name for part in parts)},
        notes + _left_out(parts, columns),
        _stream(parts, columns, len(class_names)),
    )


def _filled(importer: Importer) -> Iterator[Records]:
    return (records for records in importer.records() if len(records))


def _unite_classes(importers: Sequence[Importer]) -> tuple[tuple[str, ...], list[str]]:
    """All classes in canonical order, and a note on each that not every source has."""
    names = short_names(importers)
    own = [{canonical(name) for name in importer.class_names} for importer in importers]
    united, notes = order_classes(sorted(set.union(*own))), []
    for class_name in united:
        having = [name for name, classes in zip(names, own, strict=True) if class_name in classes]
        if len(having) == len(names):
            continue
        if not is_emotion(class_name):
            raise InputError(
                f"sources that go into one file need the same classes, but for emotions: {class_name!r} is only in "
                f"{', '.join(having)}"
            )
        notes.append(f"the class {class_name} is only in {', '.join(having)}")
    return united, notes


def _open(importers: Sequence[Importer], class_names: tuple[str, ...]) -> Iterator[_Part]:
    """The sources that have any rows; the first ones tell which columns there are."""
    for importer, name in zip(importers, short_names(importers), strict=True):
        stream = _filled(importer)
        first = next(stream, None)
        codes = np.array([class_names.index(canonical(own)) for own in importer.class_names], np.uint8)
        if first is not None:
            yield _Part(importer, name, first, stream, codes)


def _common_columns(parts: Sequence[_Part]) -> _Columns:
    kinds = [{_kind(part, name) for name in part.first.attributes} for part in parts]
    common = set.intersection(*kinds) if kinds else set()
    return _Columns(
        votes=all(part.first.votes is not None for part in parts),
        subject=all(part.first.subject is not None for part in parts),
        # A fold, or an origin, of one source means nothing in the whole.
        attributes=frozenset(name for name, *_ in common) - {FOLD, ORIGIN},
    )


def _kind(part: _Part, name: str) -> tuple[Any, ...]:
    """What must agree between attributes of the same name."""
    return name, part.first.attributes[name].dtype.str, part.importer.attribute_values.get(name)


def _left_out(parts: Sequence[_Part], columns: _Columns) -> list[str]:
    names = [
        column
        for column in ("votes", "subject")
        if not getattr(columns, column) and any(getattr(part.first, column) is not None for part in parts)
    ]
    attributes = {name for part in parts for name in part.first.attributes} - columns.attributes
    if attributes:
        names.append(f"attributes {', '.join(sorted(attributes))}")
    return [f"left out, since not all sources have the same: {', '.join(names)}"] if names else []


def _stream(parts: Sequence[_Part], columns: _Columns, classes: int) -> Iterator[tuple[Importer, Records]]:
    for number, part in enumerate(parts):
        for records in itertools.chain([part.first], part.rest):
            yield part.importer, _mapped(records, part, number, columns, classes)


def _mapped(records: Records, part: _Part, number: int, columns: _Columns, classes: int) -> Records:
    votes = None
    if columns.votes and records.votes is not None:
        votes = np.zeros((len(records), classes), np.float32)
        votes[:, part.codes] = records.votes
    subject = None
    if columns.subject and records.subject is not None:
        subject = [f"{part.name}:{person}" for person in records.subject]
    kept = {name: column for name, column in records.attributes.items() if name in columns.attributes}
    return replace(
        records,
        labels=part.codes[records.labels],
        source=[f"{part.name}:{name}" for name in records.source],
        votes=votes,
        subject=subject,
        attributes={**kept, ORIGIN: np.full(len(records), number, np.uint8)},
    )
