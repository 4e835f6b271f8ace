"""CK+, the extended Cohn-Kanade set: sequences from a neutral face to the peak of an emotion.

Lucey, Cohn, Kanade, Saragih, Ambadar, Matthews, "The extended Cohn-Kanade dataset (CK+)", CVPR workshops 2010.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.images import subfolders, walk_images
from fer_cli.datasets.listed import Face, FaceList, number, read_lines
from fer_cli.errors import InputError
from fer_cli.labels import CKPLUS_CODES, order_classes

_IMAGES, _LABELS = "cohn-kanade-images", "Emotion"
_FRAME = re.compile(r"(?P<sequence>S\d{3}_\d{3})_(?P<frame>\d{8})\.png", re.IGNORECASE)
_LABEL = re.compile(r"(?P<sequence>S\d{3}_\d{3})_(?P<frame>\d{8})_emotion\.txt", re.IGNORECASE)
#: Frames at the end of a sequence that show its emotion.
_PEAK = 3
#: Labelled sequences of each class.
_SEQUENCES = {"angry": 45, "disgust": 59, "fear": 25, "happy": 69, "sad": 28, "surprise": 83, "contempt": 18}


class CkPlus(FaceList):
    """`cohn-kanade-images/S005/001/S005_001_00000011.png` and `Emotion/S005/001/S005_001_00000011_emotion.txt`.

    The label file is named after the last frame, the peak, and holds one number; sequences without one are passed
    over. The last three frames of each of the 327 labelled sequences of 118 persons are 981 images without neutral;
    with `neutral_first` the first frame of each labelled sequence is added as neutral. All of it is `train`: the set
    has no splits. Raises `InputError` for a label that is no emotion or is not of the last frame.
    """

    what = "images of 327 labelled sequences"
    example = "Emotion/S005/001/S005_001_00000011_emotion.txt"

    def __init__(self, source: Path, options: ReadOptions) -> None:
        table = {name: _PEAK * count for name, count in _SEQUENCES.items()}
        if options.neutral_first:
            table["neutral"] = sum(_SEQUENCES.values())
        self.published = {"train": table}
        self.class_names = order_classes(list(table))
        for name in (_IMAGES, _LABELS):
            if not (source / name).is_dir():
                raise InputError(f"{source / name}: expected the folder {name} of CK+. Received: nothing")
        super().__init__(source, options)

    @classmethod
    def detects(cls, source: Path) -> bool:
        """A folder with `cohn-kanade-images` in it."""
        return (source / _IMAGES).is_dir()

    def _list(self) -> Iterator[Face]:
        for person in subfolders(self._source / _LABELS):
            for folder in subfolders(person):
                labels = list(self._labels(folder))
                if len(labels) > 1:
                    self._disagree(f"{folder}: expected one label. Received: {len(labels)}")
                elif labels:
                    yield from self._sound(self._sequence, *labels[0]) or ()

    def _labels(self, folder: Path) -> Iterator[tuple[Path, int]]:
        """Label files of a sequence, with the number of the frame that each is named after."""
        for path in sorted(folder.glob("[!.]*")):
            match = _LABEL.fullmatch(path.name)
            if match is None or match["sequence"].upper() != _sequence_of(folder):
                self._misnamed(path, f"{_sequence_of(folder)}_00000011_emotion.txt")
            else:
                yield path, int(match["frame"])

    def _sequence(self, label: Path, peak: int) -> list[Face]:
        lines = [text for _, text in read_lines(label)]
        emotion = CKPLUS_CODES[number(str(label), " ".join(lines), CKPLUS_CODES)]
        if emotion not in self.class_names:
            raise InputError(f"{label}: expected the label of an emotion. Received: {emotion}")
        frames = self._frames(label.parent)
        numbers = sorted(frames)
        if numbers and numbers[-1] > peak:
            raise InputError(f"{label}: expected the label of the last frame, {numbers[-1]}. Received: that of {peak}")
        if peak not in frames:
            self._missing(self._frame(label.parent, peak))
            return []
        for before, after in pairwise(numbers[-_PEAK:]):
            for absent in range(before + 1, after):
                self._missing(self._frame(label.parent, absent))
        faces = [self._face(frames[i], emotion) for i in numbers[-_PEAK:]]
        if self._options.neutral_first and len(numbers) > _PEAK:
            faces.insert(0, self._face(frames[numbers[0]], "neutral"))
        return faces

    def _frames(self, label_folder: Path) -> dict[int, Path]:
        """Frames of the sequence whose labels are in `label_folder`, by number."""
        frames = {}
        for path in walk_images(self._image_folder(label_folder)):
            match = _FRAME.fullmatch(path.name)
            if match is None or match["sequence"].upper() != _sequence_of(label_folder):
                self._misnamed(path, f"{_sequence_of(label_folder)}_00000011.png")
            else:
                frames[int(match["frame"])] = path
        return frames

    def _face(self, path: Path, emotion: str) -> Face:
        return Face(path, emotion, self._name(path), subject=path.name[:4].upper())

    def _frame(self, label_folder: Path, frame: int) -> Path:
        return self._image_folder(label_folder) / f"{_sequence_of(label_folder)}_{frame:08}.png"

    def _image_folder(self, label_folder: Path) -> Path:
        return self._source / _IMAGES / label_folder.relative_to(self._source / _LABELS)


def _sequence_of(folder: Path) -> str:
    """`…/S005/001` -> `S005_001`."""
    return f"{folder.parent.name}_{folder.name}".upper()
