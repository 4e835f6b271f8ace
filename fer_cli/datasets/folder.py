"""A folder with one folder a class, below train, val and test folders or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_cli.datasets.base import Findings, ReadOptions
from fer_cli.datasets.images import read_images, subfolders, walk_images
from fer_cli.errors import InputError
from fer_cli.labels import SPLIT_SYNONYMS, SPLITS, canonical, order_classes
from fer_cli.records import Records


@dataclass(frozen=True)
class _Face:
    path: Path
    class_name: str
    split: str


class ImageTree:
    """`CLASS/*.png`, all of it `train`, or `SPLIT/CLASS/*.png`; images may lie deeper, too.

    Folder names are class names: synonyms become the canonical emotion ("happiness" is happy), any other name is a
    class of its own.
    """

    def __init__(self, source: Path, options: ReadOptions) -> None:
        if not source.is_dir():
            raise InputError(f"{source}: expected a folder of images")
        self._source, self._options = source, options
        self.findings = Findings()
        self.inputs = [source]
        self.attribute_values: dict[str, tuple[str, ...]] = {}
        self._faces = list(self._find())
        if not self._faces:
            raise InputError(f"{source}: no images found; expected CLASS/IMAGE or train/CLASS/IMAGE below it")
        self.class_names = self._order_classes({face.class_name for face in self._faces})
        self.rows: int | None = len(self._faces)

    @classmethod
    def detects(cls, source: Path) -> bool:
        """Any folder."""
        return source.is_dir()

    def records(self) -> Iterator[Records]:
        """Faces in the order of their paths; the source of each is its path below the folder."""
        codes = {name: code for code, name in enumerate(self.class_names)}
        for positions, images in read_images([face.path for face in self._faces], self._options, self.findings):
            faces = [self._faces[i] for i in positions]
            yield Records(
                images=images,
                labels=np.array([codes[face.class_name] for face in faces], np.uint8),
                split=np.array([SPLITS.index(face.split) for face in faces], np.uint8),
                source=[self._name(face.path) for face in faces],
            )

    def _order_classes(self, names: set[str]) -> tuple[str, ...]:
        return order_classes(sorted(names))

    def _split_of(self, path: Path, folder_split: str) -> str:
        return folder_split

    def _find(self) -> Iterator[_Face]:
        top = subfolders(self._source)
        splits = {
            folder: SPLIT_SYNONYMS[folder.name.lower()] for folder in top if folder.name.lower() in SPLIT_SYNONYMS
        }
        for folder in top if splits else ():
            if folder not in splits:
                self.findings.notes.append(f"{folder}: left out, it is no split folder like those beside it")
        for root, split in (splits or {self._source: "train"}).items():
            for folder in subfolders(root):
                for path in walk_images(folder):
                    yield _Face(path, canonical(folder.name), self._split_of(path, split))

    def _name(self, path: Path) -> str:
        # Names that are not UTF-8 keep their odd bytes as escapes.
        name = path.relative_to(self._source).as_posix()
        return name.encode("utf-8", "backslashreplace").decode("utf-8")
