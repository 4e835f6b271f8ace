"""Faces that a data set lists, by label files or by the pictures' names: what the importers of such sets share."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import ParamSpec, TypeVar

import numpy as np

from fer_cli.datasets.base import Findings, ReadOptions
from fer_cli.datasets.images import Box, Pixels, read_images, walk_images
from fer_cli.errors import InputError
from fer_cli.labels import SPLITS
from fer_cli.records import Records

#: Faces listed before their pictures are read, which bounds the memory that a streamed list takes: about 25 MB.
_BLOCK_FACES = 1 << 15
#: When so many files are missing from the start, the pictures are not where they should be.
_HOPELESS = 1000
#: Problems of one kind that are named; the others are only counted.
_NAMED = 1000
_MISSING = "missing files"
#: Names looked at to tell a layout.
_LOOKED_AT = 100

#: split -> class -> images
Table = Mapping[str, Mapping[str, int]]
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a data set, before its pixels are read.

    path: its picture. emotion: a class name of the importer. source: unique in the set. subject: the person, or
    whatever else must stay together in a split. attributes: the same names for all faces of a set. box: where in the
    picture the face is, None for the whole of it; all faces of a set have one, or none has.
    """

    path: Path
    emotion: str
    source: str
    split: str = "train"
    subject: str | None = None
    attributes: Mapping[str, float] = field(default_factory=dict)
    box: Box | None = None


class FaceStream(ABC):
    """An importer whose faces come one after the other from `_find`, and are forgotten when they are read.

    A subclass sets `class_names`, and `attribute_values` for attributes that are codes; other attributes are float32.
    published: the images of a complete copy, where that is known. what: how to call them. example: how their files are
    named.
    """

    class_names: tuple[str, ...]
    published: Table = MappingProxyType({})
    what = "images"
    example: str

    def __init__(self, source: Path, options: ReadOptions) -> None:
        if not source.exists():
            raise InputError(f"{source}: no such file or folder")
        self._source, self._options = source, options
        self.findings = Findings()
        self.inputs = [source]
        self.attribute_values: dict[str, tuple[str, ...]] = {}
        self.rows: int | None = None
        self._found: Counter[tuple[str, str]] = Counter()

    @abstractmethod
    def _find(self) -> Iterator[Face]:
        """Every face of the set, in a fixed order."""

    def records(self) -> Iterator[Records]:
        """Faces in the order of the list. A listed file that is not there is a problem, not an error.

        Raises `InputError` where no file is there at all, and where a label disagrees with its picture (with
        `skip_bad` that, too, is a problem).
        """
        faces = self._present()
        while block := list(islice(faces, _BLOCK_FACES)):
            yield from self._read(block)
        if not self._found:
            raise self._nothing()
        if self.published:
            self.findings.notes.append(f"{self._source}: {_compare(self._found, self.published, self.what)}")

    def _is_blank(self, image: Pixels) -> bool:
        """Whether a picture (H, W, C) shows nothing, and is to be reported and left out."""
        return False

    def _problem(self, kind: str, line: str) -> None:
        """Count a problem of this kind, and name it in `line` unless there are very many."""
        self.findings.count(kind)
        if self.findings.counts[kind] <= _NAMED:
            self.findings.problems.append(line)

    def _misnamed(self, path: Path, example: str = "") -> None:
        """Count a file whose name is not like `example`, else that of the set."""
        expected = example or self.example
        self._problem("misnamed files left out", f"{path}: misnamed, left out; expected a name like {expected}")

    def _missing(self, path: Path) -> None:
        self._problem(_MISSING, f"{path}: missing")

    def _disagree(self, message: str) -> None:
        """A label that cannot be right: raise `InputError`, or count it as a problem where `skip_bad` says so."""
        if not self._options.skip_bad:
            raise InputError(f"{message}; --skip-bad leaves such labels out")
        self._problem("wrong labels left out", message)

    def _sound(self, parse: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
        """What `parse` makes of a label, or None where it raises `InputError` and `_disagree` lets that pass."""
        try:
            return parse(*args, **kwargs)
        except InputError as error:
            self._disagree(str(error))
            return None

    def _name(self, path: Path) -> str:
        """A path below the source, as the source of a row."""
        return readable(path.relative_to(self._source).as_posix())

    def _present(self) -> Iterator[Face]:
        seen = False
        for face in self._find():
            if is_there(face.path):
                seen = True
                yield face
                continue
            self._missing(face.path)
            if not seen and self.findings.counts[_MISSING] >= _HOPELESS:
                raise self._nothing()

    def _nothing(self) -> InputError:
        told = [f"{what}: {count:,}" for what, count in self.findings.counts.items()]
        told += [f"the first problem: {line}" for line in self.findings.problems[:1]]
        return InputError("; ".join([f"{self._source}: no {self.what} found; expected {self.example}", *told]))

    def _read(self, faces: Sequence[Face]) -> Iterator[Records]:
        boxes = [face.box for face in faces if face.box is not None]
        if boxes:
            self.findings.changed(name="crop", detector="boxes of the data set", margin=0.0, align=False)
        paths = [face.path for face in faces]
        for positions, images in read_images(paths, self._options, self.findings, boxes or None):
            shown = np.array([not self._is_blank(image) for image in images], np.bool_)
            block = [faces[i] for i in positions]
            for face, is_shown in zip(block, shown, strict=True):
                if is_shown:
                    self._found[face.split, face.emotion] += 1
                else:
                    self._problem("black pictures left out", f"{face.path}: a black picture, left out")
            yield self._to_records(block, images).take(shown)

    def _to_records(self, faces: Sequence[Face], images: Pixels) -> Records:
        codes = {name: code for code, name in enumerate(self.class_names)}
        subjects = [face.subject for face in faces if face.subject is not None]
        types = {name: np.uint8 if name in self.attribute_values else np.float32 for name in faces[0].attributes}
        return Records(
            images=images,
            labels=np.array([codes[face.emotion] for face in faces], np.uint8),
            split=np.array([SPLITS.index(face.split) for face in faces], np.uint8),
            source=[face.source for face in faces],
            subject=subjects or None,
            attributes={
                name: np.array([face.attributes[name] for face in faces], dtype) for name, dtype in types.items()
            },
        )


class FaceList(FaceStream):
    """An importer of a set small enough to list its faces at once, so that it knows how many there are."""

    def __init__(self, source: Path, options: ReadOptions) -> None:
        super().__init__(source, options)
        self._faces = list(self._list())
        self.rows = len(self._faces)
        if not self._faces:
            raise self._nothing()

    @abstractmethod
    def _list(self) -> Iterator[Face]:
        """Every face of the set, in a fixed order; called once."""

    def _find(self) -> Iterator[Face]:
        yield from self._faces


def readable(name: str) -> str:
    """A file's name as text that UTF-8 can write: other bytes become escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def picture_below(folder: Path, name: str, where: str) -> Path:
    """The picture of that name, as a label file has it, at any depth below `folder`.

    Raises `InputError`, which begins with `where`, for a name that leads out of it.
    """
    if Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name:
        raise InputError(f"{where}: expected the name of a picture below {folder}. Received: {readable(name[:80])!r}")
    return folder / name


def is_there(picture: Path) -> bool:
    """Whether a listed picture is a file; what no file can be called is none."""
    return os.path.isfile(picture)  # noqa: PTH113 (Path.is_file raises for a name that is too long)


def has_names(source: Path, pattern: re.Pattern[str]) -> bool:
    """Whether `source` is a folder with a file among its first images whose whole name matches `pattern`."""
    return source.is_dir() and any(pattern.fullmatch(path.name) for path in islice(walk_images(source), _LOOKED_AT))


def number(where: str, text: str, codes: Mapping[int, str]) -> int:
    """The code that `text` writes ("3" or "3.0"); raises `InputError`, which begins with `where`, for any other."""
    try:
        code = float(text)
    except ValueError:
        code = -1
    if code not in codes:
        raise InputError(f"{where}: expected a label of {min(codes)}..{max(codes)}. Received: {text.strip()[:20]!r}")
    return int(code)


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of the lines of a label file that are not empty; raises `InputError` without one."""
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as stream:
            for line_number, line in enumerate(stream, 1):
                if line.strip():
                    yield line_number, line.strip()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def _compare(found: Counter[tuple[str, str]], published: Table, what: str) -> str:
    expected = {(split, name): count for split, row in published.items() for name, count in row.items()}
    cells = sorted(expected.keys() | found.keys(), key=lambda cell: (SPLITS.index(cell[0]), cell[1]))
    differing = [
        f"{split} {name} {found[split, name]:,} of {expected.get((split, name), 0):,}"
        for split, name in cells
        if found[split, name] != expected.get((split, name), 0)
    ]
    note = f"{sum(expected.values()):,} {what} expected; found {found.total():,}"
    return f"{note}: {', '.join(differing)}" if differing else f"{note}, a complete copy"
