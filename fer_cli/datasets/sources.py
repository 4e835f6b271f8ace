"""From what the user names as SOURCE to the importer that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fer_cli import catalog
from fer_cli.datasets.base import Importer, ReadOptions
from fer_cli.datasets.parallel import check_backend
from fer_cli.errors import InputError, UsageError

#: The source that is a word, not a path.
SYNTHETIC = "synthetic"
#: Options that mean something to one format only.
_SPECIAL = {"votes": "fer2013-csv", "count": SYNTHETIC, "label_noise": SYNTHETIC, "neutral_first": "ckplus"}
#: Formats that hold faces already, not pictures to find them in.
_NO_PICTURES = {SYNTHETIC, "dataset", "fer2013-csv", "fer2013-hdf5"}


def open_source(source: Path, format: str | None, options: ReadOptions) -> Importer:
    """The importer of a source: the one of `format`, or the first in the catalog that knows the layout.

    Raises `InputError` for a source that is missing or of no known layout, `UsageError` for options not of its format.
    """
    check_backend(options.backend, options.scheduler)
    name = format or _detect(source)
    if name != SYNTHETIC and not source.exists():
        raise InputError(f"{source}: no such file or folder")
    for option, only in _SPECIAL.items():
        if getattr(options, option) and name != only:
            flag = option.replace("_", "-")
            raise UsageError(f"--{flag} is for sources of the format {only}; {source} is of the format {name}")
    if options.crop and name in _NO_PICTURES:
        raise UsageError(f"--crop is for sources of image files; {source} is of the format {name}")
    importer: Importer = catalog.find(catalog.IMPORTERS, name, "format")(source, options)
    return importer


def expected_rows(importers: Sequence[Importer]) -> int | None:
    """How many rows the sources have, None where one of them cannot tell."""
    rows = [importer.rows for importer in importers]
    return None if None in rows else sum(row for row in rows if row is not None)


def source_name(importer: Importer) -> str:
    """The path of a source as it was given."""
    return importer.inputs[0].as_posix() if importer.inputs else SYNTHETIC


def short_names(importers: Sequence[Importer]) -> list[str]:
    """A name for each source, by its file or folder; the whole path where two would be called the same."""
    stems = [Path(source_name(importer)).stem for importer in importers]
    return stems if len(set(stems)) == len(stems) else [source_name(importer) for importer in importers]


def _detect(source: Path) -> str:
    for name in catalog.IMPORTERS:
        if catalog.find(catalog.IMPORTERS, name, "format").detects(source):
            return name
    if not source.exists():
        raise InputError(f"{source}: no such file or folder")
    raise InputError(f"{source}: no layout that fer knows; --format names one of: {', '.join(catalog.IMPORTERS)}")
