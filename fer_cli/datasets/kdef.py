"""KDEF, the Karolinska Directed Emotional Faces.

Lundqvist, Flykt, Öhman, "The Karolinska Directed Emotional Faces – KDEF", CD ROM from the Department of Clinical
Neuroscience, Psychology section, Karolinska Institutet, 1998.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.images import Pixels, walk_images
from fer_cli.datasets.listed import Face, FaceList, Table, has_names
from fer_cli.labels import EMOTIONS, GENDERS, KDEF_CODES

_SESSIONS = ("A", "B")
_SEXES = {"F": "female", "M": "male"}
_ANGLES = {
    "FL": "full left", "HL": "half left", "S": "straight", "HR": "half right", "FR": "full right",
}  # fmt: skip
_PERSON = re.compile(r"[AB][FM]\d\d", re.IGNORECASE)
_NAME = re.compile(
    r"(?P<session>[AB])(?P<sex>[FM])(?P<id>0[1-9]|[12]\d|3[0-5])"
    rf"(?P<code>{'|'.join(KDEF_CODES)})(?P<angle>{'|'.join(_ANGLES)})\.JPE?G",
    re.IGNORECASE,
)
#: A black picture may hold the small errors of JPEG, and no photo of a face is as dark as this throughout.
_BLACK = 16
#: Images of a complete copy.
_PUBLISHED: Table = {"train": dict.fromkeys(EMOTIONS, 700)}


class Kdef(FaceList):
    """`AF01/AF01ANS.JPG`: session A or B, sex F or M, number 01–35, expression, angle.

    4,900 photos of 562×762 pixels: 70 persons × 2 sessions × 7 expressions × 5 angles, 700 a class on a complete
    copy. The person is sex and number, since both sessions show the same one: AF01 and BF01 are F01. Known errata are
    a few files with truncated names and four black pictures; they are reported and left out. Attributes: gender,
    session, angle. All of it is `train`: the set has no splits.
    """

    class_names = EMOTIONS
    published = _PUBLISHED
    what = "photos"
    example = "AF01/AF01ANS.JPG"

    def __init__(self, source: Path, options: ReadOptions) -> None:
        super().__init__(source, options)
        self.attribute_values = {"gender": GENDERS, "session": _SESSIONS, "angle": tuple(_ANGLES.values())}

    @classmethod
    def detects(cls, source: Path) -> bool:
        """A folder with such names among its first images."""
        return has_names(source, _NAME)

    def _list(self) -> Iterator[Face]:
        for path in walk_images(self._source):
            match = _NAME.fullmatch(path.name)
            folder = path.parent.name.upper()
            if match is None or (_PERSON.fullmatch(folder) and not path.name.upper().startswith(folder)):
                self._misnamed(path)
                continue
            part = {name: text.upper() for name, text in match.groupdict().items()}
            yield Face(
                path,
                KDEF_CODES[part["code"]],
                self._name(path),
                subject=part["sex"] + part["id"],
                attributes={
                    "gender": GENDERS.index(_SEXES[part["sex"]]),
                    "session": _SESSIONS.index(part["session"]),
                    "angle": list(_ANGLES).index(part["angle"]),
                },
            )

    def _is_blank(self, image: Pixels) -> bool:
        return int(image.max()) < _BLACK
