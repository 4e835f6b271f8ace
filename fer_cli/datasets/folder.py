"""A folder with one folder a class, below train, val and test folders or not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.images import subfolders, walk_images
from fer_cli.datasets.listed import Face, FaceList
from fer_cli.errors import InputError
from fer_cli.labels import SPLIT_SYNONYMS, canonical, order_classes


class ImageTree(FaceList):
    """`CLASS/*.png`, all of it `train`, or `SPLIT/CLASS/*.png`; images may lie deeper, too.

    Folder names are class names: synonyms become the canonical emotion ("happiness" is happy), any other name is a
    class of its own.
    """

    example = "CLASS/IMAGE or train/CLASS/IMAGE below it"

    def __init__(self, source: Path, options: ReadOptions) -> None:
        super().__init__(source, options)
        self.class_names = self._order_classes({face.emotion for face in self._faces})

    @classmethod
    def detects(cls, source: Path) -> bool:
        """Any folder."""
        return source.is_dir()

    def _order_classes(self, names: set[str]) -> tuple[str, ...]:
        return order_classes(sorted(names))

    def _split_of(self, path: Path, folder_split: str) -> str:
        return folder_split

    def _list(self) -> Iterator[Face]:
        if not self._source.is_dir():
            raise InputError(f"{self._source}: expected a folder of images")
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
                    yield Face(path, canonical(folder.name), self._name(path), self._split_of(path, split))
