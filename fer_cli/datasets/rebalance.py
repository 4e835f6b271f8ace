"""More rows out of a dataset's own: rare classes raised, all classes multiplied, by plain or by augmented copies."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Set
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fer_cli import catalog, provenance
from fer_cli.datasets.splits import known_leaks
from fer_cli.datasets.thin import known_thinnings
from fer_cli.errors import InputError, UsageError
from fer_cli.labels import SPLITS, canonical
from fer_cli.records import Records
from fer_cli.store.reader import Dataset
from fer_cli.store.writer import create_dataset
from fer_cli.transform.augment import augment
from fer_cli.transform.policy import Policy, parse_policy

#: Rows read at a time, and copies made at a time. Each block of rows has a random generator of its own, so that chance
#: depends on nothing but the seed and the order of the rows; another number here would make other copies.
_ROWS = 256
#: What chance is drawn for, beside the seed.
_CHOICE, _AUGMENTATION, _SPLIT = range(3)

Codes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Balance = Literal["oversample", "augment"]


@dataclass(frozen=True)
class Growth:
    """Which rows get copies, and of what kind.

    policy: the augmentation. balance: raise every class to the size of the largest, by plain copies ("oversample") or
    by augmented ones ("augment"); None leaves the classes as they are. factor: after that, each row ends up so many
    times: as itself and as factor - 1 augmented copies. classes: only these get copies; all, where empty.
    before_split: copy the rows of all splits, and split the whole at random afterwards. seed: fixes everything random.
    """

    policy: str = "default"
    factor: int = 1
    balance: Balance | None = None
    classes: tuple[str, ...] = ()
    before_split: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Copies:
    """How many copies each of the N rows of a file gets: int64 (N,) plain ones, and augmented ones."""

    plain: Integers
    augmented: Integers

    def __len__(self) -> int:
        """All of them."""
        return int(self.plain.sum() + self.augmented.sum())


def plan(dataset: Dataset, growth: Growth) -> Copies:
    """How many copies each row of a dataset is to get; rows of val and test get none, but with `before_split`.

    Raises `UsageError` for an unknown class, for a growth that adds nothing, and for augmented copies by a policy that
    leaves faces as they are; `InputError` for a class without rows to copy, or a file that cannot be split again.
    """
    dataset.require("train")
    if growth.before_split and dataset.count("train") == len(dataset):
        raise InputError(
            f"{dataset.path}: --before-split: expected rows in train and val or test. Received: only train"
        )
    eligible = len(dataset) if growth.before_split else dataset.count("train")
    labels = dataset.labels(None)
    chosen = _chosen_classes(dataset, growth.classes, labels[:eligible])
    rng = np.random.default_rng((growth.seed, _CHOICE))
    part = count_copies(labels[:eligible], chosen, growth.balance, growth.factor, rng)
    # Train is the first split of a file, so the rows that get none follow.
    rest = (0, len(dataset) - eligible)
    copies = Copies(np.pad(part.plain, rest), np.pad(part.augmented, rest))
    if not len(copies):
        raise UsageError("no row would be copied: say --factor 2 or more, or --balance for classes of unequal size")
    if copies.augmented.any() and not parse_policy(growth.policy).magnitudes:
        raise UsageError(f"--policy {growth.policy} leaves faces as they are; --balance oversample makes plain copies")
    return copies


def count_copies(
    labels: Codes, chosen: npt.NDArray[np.bool_], balance: Balance | None, factor: int, rng: np.random.Generator
) -> Copies:
    """Copies of rows with these labels (N,), so that classes grow as `Growth` says.

    chosen: bool (K,), the classes that may grow. The rows of a class get the same number of copies for balance, and
    some drawn at random one more.
    """
    counts = np.bincount(labels, minlength=len(chosen))
    added = np.zeros(len(labels), np.int64)
    for label in np.flatnonzero(chosen & (counts > 0) & (balance is not None)):
        each, more = divmod(int(counts.max() - counts[label]), int(counts[label]))
        rows = rng.permutation(np.flatnonzero(labels == label))
        added[rows] = each
        added[rows[:more]] += 1
    total = (1 + added) * np.where(chosen[labels], factor, 1)
    plain = added if balance == "oversample" else np.zeros_like(added)
    return Copies(plain, total - 1 - plain)


def grow(dataset: Dataset, copies: Copies, policy: Policy, seed: int) -> Iterator[tuple[Records, Integers]]:
    """All rows of a dataset, each block followed by its copies; with every `Records` the file's rows they are of.

    Copies keep everything but pixels and source. The source of an augmented copy is `ORIGINAL#aug1`, of a plain one
    `ORIGINAL#copy1`, and so on, passing over what the file has already.
    """
    taken, start = frozenset(dataset.sources(None)), 0
    for records in dataset.records(_ROWS):
        rng = np.random.default_rng((seed, _AUGMENTATION, start))
        rows = np.arange(start, start + len(records))
        start += len(records)
        # A block may begin in one split and end in the next; kept apart, the writer need not sort the images again.
        for code in np.unique(records.split):
            part = records.split == code
            originals = records.take(part)
            yield originals, rows[part]
            yield from _copies_of(originals, rows[part], copies, policy, rng, taken)


def split_again(split: Codes, rows: int, rng: np.random.Generator) -> Codes:
    """Splits uint8 (rows,) at random, of the proportions that the splits (N,) have."""
    shares = np.cumsum(np.bincount(split, minlength=len(SPLITS))) / len(split)
    sizes = np.diff(np.rint(shares * rows).astype(int), prepend=0)
    return rng.permutation(np.repeat(np.arange(len(SPLITS), dtype=np.uint8), sizes))


def count_leaks(split: Codes, origin: Integers) -> dict[str, dict[str, int]]:
    """For val and test, where they have rows: how many rows, and how many of them share their origin with a train row.

    split, origin: (N,), of each row its split and the row it is a copy of, or is.
    """
    in_train = np.isin(origin, origin[split == SPLITS.index("train")])
    found = {}
    for code, name in enumerate(SPLITS):
        rows = split == code
        if name != "train" and rows.any():
            found[name] = {"rows": int(rows.sum()), "also_in_train": int((rows & in_train).sum())}
    return found


def write(
    dataset: Dataset, output: Path, growth: Growth, copies: Copies, advance: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Publish the rows of a dataset and their copies at `output`.

    copies: of `plan`. advance: called with the number of rows just written. Returns the record that the file holds as
    its provenance. Raises `OutputError` for a full disk; then nothing is written.
    """
    policy, origins = parse_policy(growth.policy), list[Integers]()
    values = {name: dataset.attribute_values(name) for name in dataset.attribute_names}
    named = {name: names for name, names in values.items() if names is not None}
    with create_dataset(output, dataset.class_names, named) as writer:
        for records, rows in grow(dataset, copies, policy, growth.seed):
            writer.append(records)
            origins.append(rows)
            advance(len(records))
        columns, origin = writer.columns(), np.concatenate(origins)
        split = columns.split
        if growth.before_split:
            split = split_again(dataset.splits(), len(split), np.random.default_rng((growth.seed, _SPLIT)))
        parameters = {"dataset": str(dataset.path), "output": str(output), **asdict(growth), "policy": str(policy)}
        results = _results(dataset, copies, columns.labels, split, count_leaks(split, origin))
        record = provenance.record("augment", [dataset.path], parameters, results)
        step = {"name": "augment", **asdict(growth), "policy": str(policy) if copies.augmented.any() else None}
        writer.finish(record, [*dataset.transforms, step], split=split)
    return record


def _chosen_classes(dataset: Dataset, names: tuple[str, ...], labels: Codes) -> npt.NDArray[np.bool_]:
    """Bool (K,): the classes named, or all."""
    if not names:
        return np.ones(len(dataset.class_names), np.bool_)
    chosen = np.zeros(len(dataset.class_names), np.bool_)
    for name in map(canonical, names):
        if name not in dataset.class_names:
            raise UsageError(catalog.unknown("class", name, dataset.class_names))
        code = dataset.class_names.index(name)
        if not (labels == code).any():
            raise InputError(f"{dataset.path}: --classes {name}: expected rows to copy. Received: none in train")
        chosen[code] = True
    return chosen


def _copies_of(
    records: Records, rows: Integers, copies: Copies, policy: Policy, rng: np.random.Generator, taken: Set[str]
) -> Iterator[tuple[Records, Integers]]:
    """The copies of a block, plain ones first, some at a time: a rare class may get many of each row."""
    for kind, counts in (("copy", copies.plain[rows]), ("aug", copies.augmented[rows])):
        place = np.repeat(np.arange(len(rows)), counts)
        names = [name for row, n in zip(records.source, counts, strict=True) for name in _names(row, kind, n, taken)]
        for first in range(0, len(place), _ROWS):
            some = slice(first, first + _ROWS)
            copied = records.take(place[some])
            images = augment(copied.images, policy, rng) if kind == "aug" else copied.images
            yield replace(copied, images=images, source=names[some]), rows[place[some]]


def _names(source: str, kind: str, count: int, taken: Set[str]) -> list[str]:
    candidates = (f"{source}#{kind}{number}" for number in itertools.count(1))
    return list(itertools.islice((name for name in candidates if name not in taken), count))


def _results(
    dataset: Dataset, copies: Copies, labels: Codes, split: Codes, leaks: dict[str, dict[str, int]]
) -> dict[str, Any]:
    after = np.zeros((len(dataset.class_names), len(SPLITS)), np.int64)
    np.add.at(after, (labels, split), 1)
    notes = [
        f"copies were made before the split: {found['also_in_train']:,} of {found['rows']:,} {name} rows are copies of "
        "train rows or their originals, so a score on them says little about new faces"
        for name, found in leaks.items()
        if found["also_in_train"]
    ]
    return {
        "rows": len(labels),
        "table_before": _by_name(dataset, dataset.table()),
        "table": _by_name(dataset, after),
        "copies": {"plain": int(copies.plain.sum()), "augmented": int(copies.augmented.sum())},
        "copies_across_splits": leaks,
        "split": {"leaks": [*known_leaks(dataset.provenance), *notes]},
        "thinned": known_thinnings(dataset.provenance),
        "notes": notes,
    }


def _by_name(dataset: Dataset, table: Integers) -> dict[str, dict[str, int]]:
    """Rows by class and split, as the record of `fer prepare` has them."""
    return {
        name: dict(zip(SPLITS, map(int, counts), strict=True))
        for name, counts in zip(dataset.class_names, table, strict=True)
    }
