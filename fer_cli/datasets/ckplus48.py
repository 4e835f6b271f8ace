"""CK+48: the last three frames of each labelled sequence of CK+, as faces of 48×48 pixels in one folder a class."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from fer_cli.datasets.images import subfolders, walk_images
from fer_cli.datasets.listed import Face, FaceList, Table
from fer_cli.errors import InputError
from fer_cli.labels import CKPLUS_CODES, canonical, is_emotion, order_classes

_NAME = re.compile(r"(?P<sequence>(?P<subject>S\d{3})_\d{3})_\d{8}\.png", re.IGNORECASE)
_CLASSES = order_classes([name for name in CKPLUS_CODES.values() if name != "neutral"])
#: Images of each class folder looked at to tell this layout.
_LOOKED_AT = 10
#: Images of a complete copy.
_PUBLISHED: Table = {
    "train": {
        "angry": 135, "disgust": 177, "fear": 75, "happy": 207, "sad": 84, "surprise": 249, "contempt": 54,
    }
}  # fmt: skip


class CkPlus48(FaceList):
    """`CLASS/S010_004_00000017.png`: subject, sequence, frame; without neutral.

    981 images of 118 persons; a complete copy has the counts of `published`. All of it is `train`: the set has no
    splits. Raises `InputError` for a folder that is no class, and for a sequence that stands in two classes.
    """

    class_names = _CLASSES
    published = _PUBLISHED
    what = "images of 327 labelled sequences"
    example = "happy/S010_004_00000017.png"

    @classmethod
    def detects(cls, source: Path) -> bool:
        """A folder of emotions with such names directly in them, among the first."""
        if not source.is_dir():
            return False
        folders = [folder for folder in subfolders(source) if is_emotion(folder.name)]
        first = chain.from_iterable(islice(walk_images(folder), _LOOKED_AT) for folder in folders)
        return any(path.parent.parent == source and _NAME.fullmatch(path.name) for path in first)

    def _list(self) -> Iterator[Face]:
        emotions: dict[str, str] = {}
        for folder in subfolders(self._source):
            emotion = canonical(folder.name)
            if emotion not in _CLASSES:
                raise InputError(f"{folder}: expected the class folders {', '.join(_CLASSES)}")
            for path in walk_images(folder):
                match = _NAME.fullmatch(path.name)
                if match is None:
                    self._misnamed(path)
                    continue
                first = emotions.setdefault(match["sequence"].upper(), emotion)
                if first != emotion:
                    self._disagree(
                        f"{path}: expected its sequence in one class, {first} as before. Received: {emotion}"
                    )
                    continue
                yield Face(path, emotion, self._name(path), subject=match["subject"].upper())
