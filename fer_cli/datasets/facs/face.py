"""A face as numbers: who, with what expression, seen how; and the shapes that it is painted with."""

from __future__ import annotations

from dataclasses import dataclass, field

from fer_cli.datasets.facs import eyes, head, mouth
from fer_cli.datasets.facs.action_units import ActionUnits
from fer_cli.datasets.facs.person import Person
from fer_cli.datasets.facs.scene import Scene
from fer_cli.datasets.facs.shapes import Shape


@dataclass(frozen=True)
class Face:
    """All that a picture is drawn from."""

    person: Person
    units: ActionUnits = field(default_factory=ActionUnits)
    scene: Scene = field(default_factory=Scene)


def shapes(face: Face) -> list[Shape]:
    """The coloured polygons of a face in the head's frame, back to front."""
    person, units = face.person, face.units
    edges = mouth.lips(person, units)
    return [
        *head.behind(person),
        *head.skin(person, units),
        *mouth.folds(person, units, edges),
        *head.beard(person, units, edges),
        *mouth.mouth(person, units, edges),
        *head.nose(person, units),
        *eyes.eyes(person, units, face.scene),
        *eyes.furrows(person, units),
        *head.hair(person),
        *eyes.brows(person, units),
        *eyes.glasses(person),
    ]
