"""A face as numbers: who, with what expression, seen how; and the shapes that faces are painted with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fer_cli.datasets.facs import eyes, head, mouth
from fer_cli.datasets.facs.action_units import ActionUnits
from fer_cli.datasets.facs.columns import Columns
from fer_cli.datasets.facs.person import Person
from fer_cli.datasets.facs.scene import Scene
from fer_cli.datasets.facs.shapes import Shape


@dataclass(frozen=True)
class Face:
    """All that a picture is drawn from."""

    person: Person
    units: ActionUnits = field(default_factory=ActionUnits)
    scene: Scene = field(default_factory=Scene)


class Faces:
    """Many faces, each of their three sides as columns."""

    def __init__(self, faces: Sequence[Face]) -> None:
        self.person = Columns([face.person for face in faces])
        self.units = Columns([face.units for face in faces])
        self.scene = Columns([face.scene for face in faces])

    def __len__(self) -> int:
        return len(self.person)


def shapes(faces: Faces) -> list[Shape]:
    """The coloured polygons of the faces in the head's frame, back to front."""
    person, units = faces.person, faces.units
    edges = mouth.lips(person, units)
    return [
        *head.behind(person),
        *head.skin(person, units),
        *mouth.folds(person, units, edges),
        *head.beard(person, units, edges),
        *mouth.mouth(person, units, edges),
        *head.nose(person, units),
        *eyes.eyes(person, units, faces.scene),
        *eyes.furrows(person, units),
        *head.hair(person),
        *eyes.brows(person, units),
        *eyes.glasses(person),
    ]
