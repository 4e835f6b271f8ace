"""Translated faces as a dataset file, and a few of them to look at."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fer_cli.analysis.translation.base import Pixels, Target
from fer_cli.analysis.translation.trial import Block, Faces
from fer_cli.datasets.splits import known_leaks
from fer_cli.labels import SPLITS
from fer_cli.records import Records
from fer_cli.store.writer import DatasetWriter, create_dataset

#: The attribute that tells which class a face had before.
ORIGINAL = "original"
#: Faces on a sheet.
SHEET = 8


class Saver:
    """An observer that writes translations as rows: label is the wanted class, split and person those of the face."""

    def __init__(self, writer: DatasetWriter, faces: Faces, targets: Sequence[Target]) -> None:
        self._writer, self._faces, self._targets = writer, faces, targets
        self._sources = np.array(faces.dataset.sources(faces.split), object)[faces.rows]
        names = faces.dataset.subjects(faces.split)
        self._persons = None if names is None else np.array(names, object)[faces.rows]

    def __call__(self, block: Block) -> None:
        """Write a block."""
        target, faces = self._targets[block.target], self._faces
        count, places = len(block.places), block.places
        self._writer.append(
            Records(
                images=block.after,
                labels=np.full(count, target.label, np.uint8),
                split=np.full(count, SPLITS.index(faces.split), np.uint8),
                source=[f"{source}→{target.name}" for source in self._sources[places]],
                subject=None if self._persons is None else list(self._persons[places]),
                attributes={ORIGINAL: faces.labels[places]},
            )
        )

    def finish(self, record: Mapping[str, Any], step: Mapping[str, Any]) -> None:
        """Complete the file. record: of the command. step: how faces were translated, for the list of transforms."""
        dataset = self._faces.dataset
        results = {"split": {"leaks": known_leaks(dataset.provenance)}}
        self._writer.finish({**record, "results": results}, [*dataset.transforms, {"name": "transfer", **step}])


@contextlib.contextmanager
def saving(path: Path, faces: Faces, targets: Sequence[Target]) -> Iterator[Saver]:
    """A saver whose file appears at `path` when the block ends well; the block must call `finish`."""
    with create_dataset(path, faces.class_names, {ORIGINAL: faces.class_names}) as writer:
        yield Saver(writer, faces, targets)


@dataclass
class Examples:
    """An observer that keeps some faces and what became of them.

    places: (n,) which of the N faces. before: uint8 (H, W, C) by place. after: the same by place and target.
    """

    places: tuple[int, ...]
    before: dict[int, Pixels] = field(default_factory=dict)
    after: dict[tuple[int, int], Pixels] = field(default_factory=dict)

    def __call__(self, block: Block) -> None:
        """Keep what is wanted of a block."""
        for number, place in enumerate(block.places.tolist()):
            if place in self.places:
                self.before[place] = block.before[number]
                self.after[place, block.target] = block.after[number]


def choose_examples(faces: Faces, seed: int, count: int = SHEET) -> Examples:
    """An observer of `count` faces at most, drawn by the seed: of each class in turn, each time of another person."""
    order = np.random.default_rng(seed).permutation(len(faces))
    queues = [list(order[faces.labels[order] == label]) for label in range(len(faces.class_names))]
    chosen: list[int] = []
    seen: set[int] = set()
    while len(chosen) < count and any(queues):
        for queue in filter(None, queues):
            fresh = next((face for face in queue if faces.groups[face] not in seen), queue[0])
            queue.remove(fresh)
            seen.add(int(faces.groups[fresh]))
            chosen.append(int(fresh))
    return Examples(tuple(chosen[:count]))
