"""Which group each row belongs to: from attributes of a dataset file, from intersections of them, from a table."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError, UsageError
from fer_cli.store.reader import Dataset

#: More groups than a table can show.
MOST_GROUPS = 100
#: The code of a row that belongs to no group.
NONE = -1
_COLUMNS = ("source", "group")

Codes = npt.NDArray[np.intp]
Edges = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Grouping:
    """The group of each of N rows.

    by: what divides them ("gender × race"). names: of the G groups, each of which has rows. codes: (N,), index into
    `names`, or `NONE`. notes: what the user should hear of it.
    """

    by: str
    names: tuple[str, ...]
    codes: Codes
    notes: tuple[str, ...] = ()


def from_dataset(dataset: Dataset, split: str, by: str, quantiles: int, edges: Edges) -> Grouping:
    """The grouping that "ATTRIBUTE", or "ATTRIBUTE,ATTRIBUTE" for the intersection, names.

    quantiles, edges: how attributes that are numbers become groups, see `from_numbers`; edges by attribute. Raises
    `InputError` for an attribute that is not there, and where the rows are in no group or in too many.
    """
    parts = []
    for name in by.split(","):
        values, names = dataset.attribute(name, split), dataset.attribute_values(name)
        if names is None:
            parts.append(from_numbers(name, np.asarray(values, np.float64), quantiles, edges.get(name)))
        else:
            parts.append(from_codes(name, values.astype(np.intp), names))
    grouping = parts[0] if len(parts) == 1 else cross(parts)
    _require_groups(grouping, f"{dataset.path}: {split}: {by}")
    return grouping


def from_codes(by: str, codes: Codes, names: Sequence[str]) -> Grouping:
    """Groups by a coded attribute (N,); codes without a name stand under their number."""
    known = max(len(names), int(codes.max()) + 1)
    return _present(by, [*names, *(f"code {code}" for code in range(len(names), known))], codes)


def from_numbers(by: str, values: npt.NDArray[np.float64], quantiles: int, edges: Sequence[float] | None) -> Grouping:
    """Groups by a number (N,): between `edges`, ascending; without them `quantiles` groups of about equal size.

    A number equal to an edge is in the group above it. Without edges, one of at most `quantiles` different values makes
    a group of each. Rows whose value is no number are in no group.
    """
    known = np.isfinite(values)
    distinct = np.unique(values[known])
    if edges is None and len(distinct) <= quantiles:
        return _present(by, [f"{value:g}" for value in distinct], _coded(np.searchsorted(distinct, values), known))
    inner = np.arange(1, quantiles) / quantiles
    bounds = np.unique(np.quantile(values[known], inner) if edges is None else np.asarray(edges, np.float64))
    texts = [f"{bound:.4g}" for bound in bounds]
    between = [f"{low} to {high}" for low, high in itertools.pairwise(texts)]
    names = [f"below {texts[0]}", *between, f"{texts[-1]} and up"]
    return _present(by, names, _coded(np.searchsorted(bounds, values, side="right"), known))


def cross(parts: Sequence[Grouping]) -> Grouping:
    """The intersections of groupings of the same rows; a row without a group in any of them has none."""
    code, names = parts[0].codes, list(parts[0].names)
    for part in parts[1:]:
        grouped = (code != NONE) & (part.codes != NONE)
        code = np.where(grouped, code * len(part.names) + part.codes, NONE)
        names = [f"{one}, {other}" for one in names for other in part.names]
    return _present(" × ".join(part.by for part in parts), names, code)


def from_table(path: Path, sources: Sequence[str]) -> Grouping:
    """Groups by a CSV table with the columns source and group; `sources` (N,) are the rows of a split.

    Rows that the table does not name, or names without a group, are in none; what it names beyond them is counted in a
    note. Raises `InputError` with the line where the table is not as it should be, and where it names none of the rows.
    """
    table = _read_table(path)
    names = tuple(sorted({group for group in table.values() if group}))
    place = {"": NONE, **{name: code for code, name in enumerate(names)}}
    codes = np.array([place[table.get(source, "")] for source in sources], np.intp)
    other = len(table.keys() - set(sources))
    if (codes == NONE).all():
        first = next(iter(table), "nothing")
        raise InputError(
            f"{path}: expected sources of these rows, such as {sources[0]!r}. Received: {len(table):,} others, such as "
            f"{first!r}"
        )
    notes = (f"{path}: {other:,} sources are not among these rows",) if other else ()
    grouping = _present(path.stem, names, codes, notes)
    _require_groups(grouping, str(path))
    return grouping


def parse_edges(texts: Sequence[str]) -> dict[str, list[float]]:
    """{"age": [20, 40]} for ["age=20,40"]; `UsageError` for anything that is not a name and ascending numbers."""
    found: dict[str, list[float]] = {}
    for text in texts:
        name, _, numbers = text.partition("=")
        try:
            edges = [float(number) for number in numbers.split(",")]
        except ValueError:
            edges = []
        if not name or not edges or not all(np.isfinite(edges)) or edges != sorted(set(edges)):
            raise UsageError(f"--edges: expected NAME=NUMBER,NUMBER,... with ascending numbers. Received: {text!r}")
        found[name] = edges
    return found


def _read_table(path: Path) -> dict[str, str]:
    """Source -> group."""
    table: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
                raise InputError(f"{path}: expected the columns {', '.join(_COLUMNS)}. Missing: {', '.join(missing)}")
            for row in reader:
                source, group = ((row[name] or "").strip() for name in _COLUMNS)
                if (before := table.setdefault(source, group)) != group:
                    line = f"{path}: line {reader.line_num}"
                    raise InputError(f"{line}: {source!r} is in {group!r} here and in {before!r} before")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a readable table ({error})") from error
    return table


def _coded(codes: Codes, known: npt.NDArray[np.bool_]) -> Codes:
    return np.where(known, codes, NONE)


def _present(by: str, names: Sequence[str], codes: Codes, notes: tuple[str, ...] = ()) -> Grouping:
    """Only the groups that have rows, in the order of `names`, and a note on the rows that have no group."""
    used, dense = np.unique(codes[codes != NONE], return_inverse=True)
    out = np.full(len(codes), NONE)
    out[codes != NONE] = dense
    if without := int(np.count_nonzero(codes == NONE)):
        notes = (*notes, f"{by}: {without:,} of {len(codes):,} rows have no group")
    return Grouping(by, tuple(names[code] for code in used), out, notes)


def _require_groups(grouping: Grouping, what: str) -> None:
    if not 2 <= len(grouping.names) <= MOST_GROUPS:
        raise InputError(
            f"{what}: expected from 2 to {MOST_GROUPS} groups. Received: {len(grouping.names)} "
            f"({', '.join(grouping.names[:3]) or 'no row has one'}{', …' if len(grouping.names) > 3 else ''})"
        )
