"""RAF-DB, the Real-world Affective Faces Database, single-label part, with its demographic attributes.

Li, Deng, Du, "Reliable crowdsourcing and deep locality-preserving learning for expression recognition in the wild",
CVPR 2017.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.images import walk_images
from fer_cli.datasets.listed import Face, FaceList, Table, is_there, number, read_lines, readable
from fer_cli.errors import InputError
from fer_cli.labels import EMOTIONS, GENDERS, RAFDB_CODES

#: "patition" is the set's own spelling.
_LABELS = Path("EmoLabel", "list_patition_label.txt")
_IMAGES = Path("Image", "aligned")
_ANNOTATIONS = Path("Annotation", "manual")
_NAME = re.compile(r"(?P<split>train|test)_\d+\.jpg")
_LANDMARKS = 5
_UNKNOWN = "unknown"
#: After the landmarks, an attribute a line, in this order. The last value is for a missing annotation.
_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "gender": GENDERS,
    "race": ("White", "Black", "Asian", _UNKNOWN),
    "age": ("0-3", "4-19", "20-39", "40-69", "70+", _UNKNOWN),
}
#: Images of a complete copy.
_PUBLISHED: Table = {
    "train": {
        "angry": 705, "disgust": 717, "fear": 281, "happy": 4772, "sad": 1982, "surprise": 1290, "neutral": 2524,
    },
    "test": {
        "angry": 162, "disgust": 160, "fear": 74, "happy": 1185, "sad": 478, "surprise": 329, "neutral": 680,
    },
}  # fmt: skip


class RafDb(FaceList):
    """`basic/EmoLabel/list_patition_label.txt` (`train_00001.jpg 5`), `basic/Image/aligned/train_00001_aligned.jpg`.

    15,339 aligned faces of 100×100 pixels; a complete copy has the counts of `published`. The name tells the official
    split, train or test. Attributes, from `basic/Annotation/manual/train_00001_manu_attri.txt` where that folder is
    there: gender, race, age; a missing annotation is reported, and the face stays with "unsure" and "unknown". SOURCE
    is the folder that holds `basic`, or `basic` itself. Raises `InputError` for a line of another form, an annotation
    of another form, and a picture without a label.
    """

    class_names = EMOTIONS
    published = _PUBLISHED
    what = "faces"
    example = "Image/aligned/train_00001_aligned.jpg"

    def __init__(self, source: Path, options: ReadOptions) -> None:
        self._root = _root(source)
        self._annotated = (self._root / _ANNOTATIONS).is_dir()
        super().__init__(source, options)
        if self._annotated:
            self.attribute_values = dict(_ATTRIBUTES)
        else:
            self.findings.notes.append(f"{self._root / _ANNOTATIONS}: not there, so gender, race and age are left out")

    @classmethod
    def detects(cls, source: Path) -> bool:
        """A folder with `EmoLabel/list_patition_label.txt` in it, or in its `basic`."""
        return (_root(source) / _LABELS).is_file()

    def _list(self) -> Iterator[Face]:
        path, labelled = self._root / _LABELS, set[str]()
        for line, text in read_lines(path):
            face = self._sound(self._parse, f"{path}: line {line}", text)
            if face is not None:
                labelled.add(face.path.name)
                yield face
        for picture in walk_images(self._root / _IMAGES):
            if picture.name not in labelled:
                self._disagree(f"{path}: expected a label for every picture. Received: none for {picture.name}")

    def _parse(self, where: str, text: str) -> Face:
        name, _, label = text.partition(" ")
        match = _NAME.fullmatch(name)
        if match is None:
            raise InputError(f"{where}: expected a line like 'train_00001.jpg 5'. Received: {readable(text[:80])!r}")
        emotion = RAFDB_CODES[number(where, label, RAFDB_CODES)]
        stem = name.removesuffix(".jpg")
        path = self._root / _IMAGES / f"{stem}_aligned.jpg"
        attributes = self._attributes(self._root / _ANNOTATIONS / f"{stem}_manu_attri.txt") if self._annotated else {}
        return Face(path, emotion, self._name(path), match["split"], attributes=attributes)

    def _attributes(self, path: Path) -> dict[str, float]:
        if not is_there(path):
            self._missing(path)
            return {name: len(values) - 1 for name, values in _ATTRIBUTES.items()}
        lines = [text for _, text in read_lines(path)]
        if len(lines) != _LANDMARKS + len(_ATTRIBUTES):
            raise InputError(
                f"{path}: expected {_LANDMARKS} lines of landmarks and {len(_ATTRIBUTES)} of attributes. "
                f"Received: {len(lines)} lines"
            )
        return {
            name: number(f"{path}: {name}", text, {i: value for i, value in enumerate(values) if value != _UNKNOWN})
            for text, (name, values) in zip(lines[_LANDMARKS:], _ATTRIBUTES.items(), strict=True)
        }


def _root(source: Path) -> Path:
    return source / "basic" if (source / "basic").is_dir() else source
