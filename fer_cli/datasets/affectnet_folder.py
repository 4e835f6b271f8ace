"""AffectNet as two folders, `train_set` and `val_set`, with a few small files of labels for each picture."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fer_cli.datasets.affectnet import AffectNet
from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.listed import Face, Table
from fer_cli.errors import InputError
from fer_cli.faces.media import IMAGE_ENDINGS

_SETS = {"train_set": "train", "val_set": "val"}
_IMAGES, _LABELS = "images", "annotations"
#: One face of contempt is missing in this release.
_PUBLISHED: Table = {**AffectNet.published, "val": {**AffectNet.published["val"], "contempt": 499}}


class AffectNetFolder(AffectNet):
    """`train_set/images/ID.jpg`; `train_set/annotations/ID_exp.npy`, `ID_val.npy` and `ID_aro.npy` hold one value each.

    The pictures are cut-out faces. This release lacks one face of contempt in val. A picture that lacks a label file
    is reported and left out. Of the names, only those of the pictures are held.
    """

    published = _PUBLISHED
    example = "train_set/images/ID.jpg"

    def __init__(self, source: Path, options: ReadOptions) -> None:
        super().__init__(source, options)
        self._pictures = {name: _names(source / name / _IMAGES) for name in _SETS if (source / name).is_dir()}
        self.rows = sum(map(len, self._pictures.values()))
        if not self.rows:
            raise self._nothing()

    @classmethod
    def detects(cls, source: Path) -> bool:
        """A folder with `train_set/images` or `val_set/images` in it."""
        return any((source / name / _IMAGES).is_dir() for name in _SETS)

    def _find(self) -> Iterator[Face]:
        for name, pictures in self._pictures.items():
            for picture in pictures:
                face = self._sound(self._labelled, name, picture)
                if face is not None:
                    yield face

    def _labelled(self, name: str, picture: str) -> Face | None:
        folder, stem = self._source / name / _LABELS, Path(picture).stem
        label, valence, arousal = (self._value(folder / f"{stem}_{kind}.npy") for kind in ("exp", "val", "aro"))
        if label is None or valence is None or arousal is None:
            return None
        emotion = self._emotion(str(folder / f"{stem}_exp.npy"), label)
        if emotion is None:
            return None
        path, affect = self._source / name / _IMAGES / picture, self._affect(str(folder / stem), valence, arousal)
        return Face(path, emotion, self._name(path), _SETS[name], attributes=affect)

    def _value(self, path: Path) -> str | None:
        """The one value of a file, which the release writes as text or as a number; None where there is no file."""
        try:
            return str(np.load(path, allow_pickle=False).item())
        except FileNotFoundError:
            self._missing(path)
            return None
        except Exception as error:  # NumPy reads the header by Python's own parser, and raises whatever that does
            raise InputError(f"{path}: expected an .npy file of one value. Received: {error}") from error


def _names(folder: Path) -> list[str]:
    """Names of the pictures in `folder`, by number; strings, since so many paths would take half a gigabyte."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if Path(entry.name).suffix.lower() in IMAGE_ENDINGS]
    return sorted((name for name in names if not name.startswith(".")), key=lambda name: (len(name), name))
