"""Faces drawn with known truth: `fer prepare synthetic`.

Each emotion is a set of facial action units, each person appears with every emotion, and no person is in two splits.
Row i depends on the seed, the count and i alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fer_cli.datasets.base import Findings, ReadOptions
from fer_cli.datasets.facs.action_units import MOVED_UNITS, sample_units
from fer_cli.datasets.facs.draw import draw_faces
from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.facs.person import SKIN_GROUPS, Person, sample_person
from fer_cli.datasets.facs.scene import sample_scene
from fer_cli.errors import UsageError
from fer_cli.labels import EMOTIONS, SPLITS
from fer_cli.records import Records

Codes = npt.NDArray[np.uint8]

DEFAULT_COUNT = 6000
DEFAULT_SIZE = 48
#: Share of the persons in the val split, and in the test split.
HELD_OUT = 0.15
#: Pictures a person where there are enough: each emotion twice.
_PICTURES = 2 * len(EMOTIONS)
_BLOCK = 512
#: Streams of random numbers that must not run into each other.
_PERSONS, _FACES, _NOISE = range(3)

#: Column name -> field of the scene; angles in degrees, see `Scene`.
_SCENE_COLUMNS = {
    "gaze_x": "gaze_x",
    "gaze_y": "gaze_y",
    "head_yaw": "yaw",
    "head_pitch": "pitch",
    "head_roll": "roll",
    "light_azimuth": "light_azimuth",
    "light_elevation": "light_elevation",
    "light_strength": "light_strength",
}


class SyntheticFaces:
    """Seven balanced classes of drawn faces.

    Attributes: skin_tone, glasses, beard and true_label are codes with names. gaze_x, gaze_y (eyes in the head),
    head_yaw, head_pitch, head_roll, light_azimuth and light_elevation are degrees, light_strength and the action units
    au01 … au26 are 0..1. Where `label_noise` is above 0, that fraction of the labels is another class than
    true_label says. 21 faces are the fewest for every class to be in every split.
    """

    class_names: tuple[str, ...] = EMOTIONS

    def __init__(self, source: Path, options: ReadOptions) -> None:
        self.rows: int = DEFAULT_COUNT if options.count is None else options.count
        if self.rows < 1:
            raise UsageError(f"count of {source} faces: expected at least 1. Received: {self.rows}")
        if not 0.0 <= options.label_noise <= 1.0:
            raise UsageError(f"label noise: expected a fraction from 0 to 1. Received: {options.label_noise}")
        self.attribute_values = {
            "skin_tone": SKIN_GROUPS,
            "glasses": ("no", "yes"),
            "beard": ("no", "yes"),
            "true_label": EMOTIONS,
        }
        self.inputs: list[Path] = []
        self.findings = Findings()
        self._seed, self._size = options.seed, options.size or DEFAULT_SIZE
        self._color = options.color or "gray"
        self._person, self._true_labels, self._split = _cast(self.rows)
        self._labels = falsify(self._true_labels, options.label_noise, np.random.default_rng((self._seed, _NOISE)))
        if options.label_noise:
            wrong = int(np.count_nonzero(self._labels != self._true_labels))
            self.findings.notes.append(f"{wrong} of {self.rows} labels were falsified; true_label keeps the right ones")

    @classmethod
    def detects(cls, source: Path) -> bool:
        """Whether `source` is the bare word, and no file or folder of that name is there."""
        return source == Path("synthetic") and not source.exists()

    def records(self) -> Iterator[Records]:
        """The faces in blocks of some hundred."""
        persons = [sample_person(self._rng(_PERSONS, p)) for p in range(self._person.max() + 1)]
        for start in range(0, self.rows, _BLOCK):
            yield self._block(range(start, min(start + _BLOCK, self.rows)), persons)

    def _block(self, rows: range, persons: Sequence[Person]) -> Records:
        faces = [self._face(row, persons[self._person[row]]) for row in rows]
        part = slice(rows.start, rows.stop)
        return Records(
            images=draw_faces(faces, self._size, self._color),
            labels=self._labels[part],
            split=self._split[part],
            source=[f"synthetic:{row:06d}" for row in rows],
            subject=[f"P{self._person[row]:05d}" for row in rows],
            attributes={**_attributes(faces), "true_label": self._true_labels[part]},
        )

    def face(self, row: int) -> Face:
        """The face of a row."""
        return self._face(row, sample_person(self._rng(_PERSONS, int(self._person[row]))))

    def _face(self, row: int, person: Person) -> Face:
        rng = self._rng(_FACES, row)
        units = sample_units(rng, EMOTIONS[self._true_labels[row]])
        return Face(person, units, sample_scene(rng))

    def _rng(self, stream: int, index: int) -> np.random.Generator:
        return np.random.default_rng((self._seed, stream, index))


def falsify(labels: Codes, fraction: float, rng: np.random.Generator) -> Codes:
    """A copy of `labels` in which `fraction` of the rows bear another class, each of the others equally likely."""
    wrong = labels.copy()
    rows = rng.permutation(len(labels))[: round(fraction * len(labels))]
    wrong[rows] = (labels[rows] + rng.integers(1, len(EMOTIONS), len(rows))) % len(EMOTIONS)
    return wrong


def _cast(count: int) -> tuple[npt.NDArray[np.intp], Codes, Codes]:
    """Person, emotion and split of each row: persons take turns, and their emotions go round."""
    persons = max(1, count // _PICTURES, min(len(SPLITS), count // len(EMOTIONS)))
    round_, person = np.divmod(np.arange(count), persons)
    label = (person + round_) % len(EMOTIONS)
    held = max(1, round(HELD_OUT * persons)) if persons >= len(SPLITS) else 0
    split = np.repeat(np.arange(len(SPLITS)), (persons - 2 * held, held, held))[person]
    return person, label.astype(np.uint8), split.astype(np.uint8)


def _attributes(faces: Sequence[Face]) -> dict[str, npt.NDArray[np.generic]]:
    columns: dict[str, npt.NDArray[np.generic]] = {
        "skin_tone": np.array([face.person.skin_group for face in faces], np.uint8),
        "glasses": np.array([face.person.glasses != "none" for face in faces], np.uint8),
        "beard": np.array([face.person.beard != "none" for face in faces], np.uint8),
    }
    for name, field in _SCENE_COLUMNS.items():
        columns[name] = np.array([getattr(face.scene, field) for face in faces], np.float32)
    for unit in MOVED_UNITS:
        columns[unit] = np.array([getattr(face.units, unit) for face in faces], np.float32)
    return columns
