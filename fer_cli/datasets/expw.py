"""ExpW, Expression in the Wild: faces in photos of the web, each with its box.

Zhang, Luo, Loy, Tang, "From facial expression recognition to interpersonal relation prediction", IJCV 2018.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.images import Box
from fer_cli.datasets.listed import Face, FaceList, Table, number, picture_below, read_lines, readable
from fer_cli.errors import InputError
from fer_cli.labels import EMOTIONS, FER2013_CODES

_LABELS, _IMAGES = Path("label", "label.lst"), Path("image", "origin")
_COLUMNS = "name face_id top left right bottom confidence label"
_WORDS = len(_COLUMNS.split())
#: Images of a complete copy.
_PUBLISHED: Table = {
    "train": {
        "angry": 3671, "disgust": 3995, "fear": 1088, "happy": 30537, "sad": 10559, "surprise": 7060,
        "neutral": 34883,
    }
}  # fmt: skip


class ExpW(FaceList):
    """`image/origin/NAME`; `label/label.lst` has lines of name, face id, top, left, right, bottom, confidence, label.

    91,793 faces, with several in some pictures; a complete copy has the counts of `published`. Each face is cut out by
    its own box. No persons are known and there are no splits: all of it is `train`, and `subject` is the name of the
    picture, so that a split by subject divides no picture. Attribute: box_confidence, of the set's own detector.
    Raises `InputError` for a line of another form, an empty box, or one outside its picture.
    """

    class_names = EMOTIONS
    published = _PUBLISHED
    what = "faces"
    example = "image/origin/NAME, with NAME in label/label.lst"

    def __init__(self, source: Path, options: ReadOptions) -> None:
        super().__init__(source, options)
        self.findings.notes.append("ExpW names no persons: subject is the picture, so that splits by it divide none")

    @classmethod
    def detects(cls, source: Path) -> bool:
        """A folder with `label/label.lst` in it."""
        return (source / _LABELS).is_file()

    def _list(self) -> Iterator[Face]:
        path = self._source / _LABELS
        for line, text in read_lines(path):
            face = self._sound(self._parse, f"{path}: line {line}", text)
            if face is not None:
                yield face

    def _parse(self, where: str, text: str) -> Face:
        # The name comes first and may hold spaces.
        words = text.rsplit(maxsplit=_WORDS - 1)
        if len(words) != _WORDS:
            raise InputError(f"{where}: expected {_COLUMNS}. Received: {readable(text[:80])!r}")
        name, face_id, top, left, right, bottom, confidence, label = words
        emotion = FER2013_CODES[number(where, label, FER2013_CODES)]
        box, score = _numbers(where, (left, top, right, bottom), confidence)
        return Face(
            picture_below(self._source / _IMAGES, name, where),
            emotion,
            readable(f"{name}:{face_id}"),
            subject=readable(name),
            attributes={"box_confidence": score},
            box=box,
        )


def _numbers(where: str, sides: tuple[str, str, str, str], confidence: str) -> tuple[Box, float]:
    try:
        left, top, right, bottom = (int(side) for side in sides)
        score = float(confidence)
    except ValueError:
        raise InputError(f"{where}: expected numbers for the box and its confidence. Received: {sides}") from None
    if left >= right or top >= bottom:
        raise InputError(
            f"{where}: expected a box with left < right and top < bottom. Received: left {left}, top {top}, "
            f"right {right}, bottom {bottom}"
        )
    return (left, top, right, bottom), score
