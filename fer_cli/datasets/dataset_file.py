"""A dataset file of ours as a source, to reshape, thin out or combine it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fer_cli.datasets.base import Findings, ReadOptions
from fer_cli.datasets.splits import known_leaks
from fer_cli.datasets.thin import known_thinnings
from fer_cli.records import Records
from fer_cli.store.reader import open_dataset
from fer_cli.store.schema import is_dataset


class DatasetFile:
    """An .h5 file that `fer prepare` or another command wrote; all its columns are kept."""

    def __init__(self, source: Path, options: ReadOptions) -> None:
        self._source = source
        self.inputs = [source]
        with open_dataset(source) as dataset:
            self.class_names = dataset.class_names
            self.rows: int | None = len(dataset)
            self.findings = Findings(
                transforms=list(dataset.transforms),
                leaks=known_leaks(dataset.provenance),
                thinned=known_thinnings(dataset.provenance),
            )
            values = {name: dataset.attribute_values(name) for name in dataset.attribute_names}
        self.attribute_values = {name: names for name, names in values.items() if names is not None}

    @classmethod
    def detects(cls, source: Path) -> bool:
        """A sound HDF5 file that says it is a fer-dataset."""
        return is_dataset(source)

    def records(self) -> Iterator[Records]:
        """All rows, streamed."""
        with open_dataset(self._source, budget=0) as dataset:
            yield from dataset.records()
