"""FER2013 as a folder of images: train/CLASS/Training_ID.jpg, test/CLASS/PublicTest_ID.jpg and PrivateTest_ID.jpg."""

from __future__ import annotations

import itertools
from pathlib import Path

from fer_cli.datasets.folder import ImageTree
from fer_cli.datasets.images import walk_images
from fer_cli.errors import InputError
from fer_cli.labels import EMOTIONS, FER2013_USAGES

_PREFIXES = {f"{usage}_": split for usage, split in FER2013_USAGES.items()}
#: Files looked at to tell this layout from any other tree of images.
_LOOKED_AT = 100


class Fer2013Folder(ImageTree):
    """The prefix of a file's name decides its split, since test/ holds both PublicTest and PrivateTest.

    A file without a prefix belongs to the split that its folder names.
    """

    @classmethod
    def detects(cls, source: Path) -> bool:
        """A folder with prefixed names among its first images."""
        first = itertools.islice(walk_images(source), _LOOKED_AT)
        return source.is_dir() and any(path.name.startswith(tuple(_PREFIXES)) for path in first)

    def _order_classes(self, names: set[str]) -> tuple[str, ...]:
        unknown = sorted(names - set(EMOTIONS))
        if unknown:
            raise InputError(
                f"{self._source}: expected the class folders {', '.join(EMOTIONS)}. Received: {', '.join(unknown)}"
            )
        return EMOTIONS

    def _split_of(self, path: Path, folder_split: str) -> str:
        for prefix, split in _PREFIXES.items():
            if path.name.startswith(prefix):
                return split
        return folder_split
