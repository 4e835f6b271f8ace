"""JAFFE, the Japanese Female Facial Expression set.

Lyons, Akamatsu, Kamachi, Gyoba, "Coding facial expressions with Gabor wavelets", FG 1998.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fer_cli.datasets.images import walk_images
from fer_cli.datasets.listed import Face, FaceList, Table, has_names
from fer_cli.labels import EMOTIONS, JAFFE_CODES

_NAME = re.compile(rf"(?P<subject>[A-Z]{{2}})\.(?P<code>{'|'.join(JAFFE_CODES)})\d\.\d+\.tiff?", re.IGNORECASE)
#: Images of a complete copy.
_PUBLISHED: Table = {
    "train": {"angry": 30, "disgust": 29, "fear": 32, "happy": 31, "sad": 31, "surprise": 30, "neutral": 30}
}


class Jaffe(FaceList):
    """`KA.AN1.39.tiff`: subject, expression and trial, running number.

    213 grey images of 256×256 pixels of 10 women; a complete copy has the counts of `published`. All of it is
    `train`: the set has no splits.
    """

    class_names = EMOTIONS
    published = _PUBLISHED
    example = "KA.AN1.39.tiff"

    @classmethod
    def detects(cls, source: Path) -> bool:
        """A folder with such names among its first images."""
        return has_names(source, _NAME)

    def _list(self) -> Iterator[Face]:
        for path in walk_images(self._source):
            match = _NAME.fullmatch(path.name)
            if match is None:
                self._misnamed(path)
                continue
            emotion = JAFFE_CODES[match["code"].upper()]
            yield Face(path, emotion, self._name(path), subject=match["subject"].upper())
