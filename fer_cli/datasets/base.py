"""What an importer is: raw data of one layout, read as a stream of `Records`.

To add a data set: one file with one class of this shape, one line in `fer_cli.catalog.IMPORTERS`, a three-row fixture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fer_cli.records import Records


@dataclass(frozen=True)
class ReadOptions:
    """How to read; an importer uses what applies to it.

    size: side of the square that images are brought to, in pixels; None keeps the size of the first image.
    color: "gray", "rgb", or None for what the source has. An importer whose images all have one shape may leave both
    to `fer_cli.datasets.prepare`, which adapts what it is given.
    skip_bad: count and name unreadable images in `problems` instead of raising.
    votes, votes_mode: a FER+ votes file, and "majority", "argmax" or "soft".
    count, label_noise: for generated data: number of faces, and the fraction of labels to falsify.
    seed: fixes everything random.
    crop: "face" to cut the face out of each photo by `fer_cli.faces.crop.crop_face`, None for the whole picture.
    detector, margin, align: how; a name of `catalog.DETECTORS`, the part of the face's side that is added around it,
    and whether the eyes are brought to a level. no_face: "drop" or "keep" a photo without a face.
    neutral_first: for sequences from neutral to an emotion (CK+): take the first picture as neutral, too.
    illumination: a correction of `catalog.ILLUMINATIONS`, applied by `fer_cli.datasets.prepare` after resizing.
    split: "original", "random", or "subject:K/N"; applied by `fer_cli.datasets.prepare` after reading.
    backend, scheduler, jobs: what decodes pictures: "threads" (so many jobs, None for one a core) or "dask" with the
    address of the cluster.
    """

    size: int | None = None
    color: str | None = None
    skip_bad: bool = False
    votes: Path | None = None
    votes_mode: str = "majority"
    count: int | None = None
    label_noise: float = 0.0
    seed: int = 0
    crop: str | None = None
    detector: str = "mtcnn"
    margin: float = 0.0
    align: bool = True
    no_face: str = "drop"
    neutral_first: bool = False
    illumination: str | None = None
    split: str = "original"
    backend: str = "threads"
    scheduler: str | None = None
    jobs: int | None = None


@dataclass
class Findings:
    """What an importer learnt that the user should hear, filled while it reads.

    problems: one line for each file or row passed over. notes: facts such as how many rows a mode discarded.
    transforms: what had been done to the pixels before, as the dataset file's attribute of that name lists it.
    thinned: groups of which only a part is left, as ATTRIBUTE=VALUE:PART.
    counts: the numbers behind the notes that `count` keeps.
    """

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    transforms: list[dict[str, Any]] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    thinned: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def adapted(self, shape: tuple[int, ...]) -> None:
        """Note that images were brought to `shape` (H, W, C)."""
        self.changed(name="adapt", shape=list(shape))

    def changed(self, **step: Any) -> None:
        """Add what was done to the pixels to `transforms`, once."""
        if step not in self.transforms:
            self.transforms.append(step)

    def count(self, what: str) -> None:
        """Count one more `what`, plural, in a note of its own: "photos without a face: 12"."""
        old, new = (f"{what}: {self.counts[what] + more:,}" for more in (0, 1))
        self.counts[what] += 1
        if old in self.notes:
            self.notes[self.notes.index(old)] = new
        else:
            self.notes.append(new)


class Importer(Protocol):
    """Raw data of one layout.

    class_names: in canonical order. attribute_values: names of the codes of coded attributes.
    inputs: the files or folders to hash into the provenance. rows: how many rows to expect, None when unknown.
    """

    class_names: tuple[str, ...]
    attribute_values: dict[str, tuple[str, ...]]
    inputs: list[Path]
    rows: int | None
    findings: Findings

    def __init__(self, source: Path, options: ReadOptions) -> None:
        """Look at the source far enough to know the classes; raise `InputError` where it cannot be read."""

    @classmethod
    def detects(cls, source: Path) -> bool:
        """Whether `source` has this layout; cheap, and never raises for a file of another kind."""

    def records(self) -> Iterator[Records]:
        """The rows in blocks of a few thousand at the most."""
