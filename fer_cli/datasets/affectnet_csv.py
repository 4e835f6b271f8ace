"""AffectNet as csv lists of pictures, each with a face box."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from fer_cli.datasets.affectnet import AffectNet
from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.images import Box
from fer_cli.datasets.listed import Face, is_there, picture_below, readable
from fer_cli.errors import InputError

_PATH = "subDirectory_filePath"
_BOX = ("face_x", "face_y", "face_width", "face_height")
_COLUMNS = (_PATH, *_BOX, "facial_landmarks", "expression", "valence", "arousal")
#: The manual lists and their splits. The automatic list is read where it is named.
_LISTS = {"training.csv": "train", "validation.csv": "val"}
_LIST_FOLDER = "Manually_Annotated_file_lists"
_AUTOMATIC = "automatically_annotated.csv"
#: Rows looked at to find the folder of a list's pictures.
_PROBED = 100

_Row = dict[str, str]


class AffectNetCsv(AffectNet):
    """`training.csv`, `validation.csv`, or `automatically_annotated.csv`; rows name pictures such as `689/ab12.jpg`.

    SOURCE is one such file, or the folder that holds the two manual lists, itself or in
    `Manually_Annotated_file_lists`. Pictures are looked for beside the lists and in `Manually_Annotated_Images`
    (`Automatically_Annotated_Images`), there or one folder up. A list without a header, like the original
    validation.csv, has the columns in the order of the others. Each face is cut out by the box of its row. Rows are
    read as they are needed, never all at once. Raises `InputError` for a row of another form, and for a box outside its
    picture.
    """

    example = "Manually_Annotated_Images/689/NAME.jpg, as the list says"

    def __init__(self, source: Path, options: ReadOptions) -> None:
        super().__init__(source, options)
        self.inputs = _lists(source)
        if not self.inputs:
            raise InputError(
                f"{source}: expected AffectNet's {', '.join([*_LISTS, _AUTOMATIC])}. Received: none of them"
            )
        self._folders = [_picture_folder(path) for path in self.inputs]
        splits = {_split_of(path) for path in self.inputs}
        manual = all(path.name in _LISTS for path in self.inputs)
        self.published = {split: row for split, row in self.published.items() if manual and split in splits}

    @classmethod
    def detects(cls, source: Path) -> bool:
        """A list of AffectNet, or a folder with one, told by its first row."""
        return any(_is_list(path) for path in _lists(source))

    def _find(self) -> Iterator[Face]:
        for path, folder in zip(self.inputs, self._folders, strict=True):
            for line, row in _rows(path):
                face = self._sound(self._parse, f"{path}: line {line}", folder, _split_of(path), row)
                if face is not None:
                    yield face

    def _parse(self, where: str, folder: Path, split: str, row: _Row) -> Face | None:
        if None in row or None in row.values():
            raise InputError(f"{where}: expected {len(_COLUMNS)} fields. Received: {readable(str(row)[:80])}")
        # "No face" has no box, so the label comes first.
        emotion = self._emotion(where, row["expression"])
        if emotion is None:
            return None
        name, affect = row[_PATH], self._affect(where, row["valence"], row["arousal"])
        picture = picture_below(folder, name, where)
        return Face(picture, emotion, readable(name), split, attributes=affect, box=_box(where, row))


def _lists(source: Path) -> list[Path]:
    """The lists that a source stands for; where a folder has manual lists, only those."""
    if source.is_file():
        return [source] if source.suffix.lower() == ".csv" else []
    for names in (tuple(_LISTS), (_AUTOMATIC,)):
        for folder in (source, source / _LIST_FOLDER):
            if found := [folder / name for name in names if (folder / name).is_file()]:
                return found
    return []


def _is_list(path: Path) -> bool:
    try:
        return next(_rows(path), None) is not None
    except InputError:
        return False


def _split_of(path: Path) -> str:
    return "val" if "valid" in path.name.lower() else "train"


def _rows(path: Path) -> Iterator[tuple[int, _Row]]:
    """Line number and fields of each row; raises `InputError` for a file that is no list of AffectNet."""
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
            first = next(csv.reader(stream), [])
            has_header = _PATH in first
            sound = set(_COLUMNS) <= set(first) if has_header else path.name in _LISTS and len(first) == len(_COLUMNS)
            if not sound:
                raise InputError(
                    f"{path}: expected the header {','.join(_COLUMNS)}. Received: {','.join(first)[:80]!r}"
                )
            stream.seek(0)
            reader = csv.DictReader(stream, None if has_header else _COLUMNS)
            for row in reader:
                yield reader.line_num, row
    except (OSError, csv.Error) as error:
        raise InputError(f"{path}: not a readable csv file ({error})") from error


def _picture_folder(path: Path) -> Path:
    """The folder to which the paths in a list are relative."""
    names = [row[_PATH] or "" for _, row in islice(_rows(path), _PROBED)]
    kind = "Automatically" if path.name == _AUTOMATIC else "Manually"
    places = (f"{kind}_Annotated_Images", f"{kind}_Annotated/{kind}_Annotated_Images", f"{kind}_Annotated", "")
    for base in (path.parent, path.parent.parent):
        for place in places:
            if any(is_there(base / place / name) for name in names):
                return base / place
    raise InputError(
        f"{path}: expected its pictures beside it or in {places[0]}. "
        f"Received: none of the first {len(names)}, {', '.join(names[:2])} …"
    )


def _box(where: str, row: _Row) -> Box:
    try:
        left, top, width, height = (int(row[name]) for name in _BOX)
    except ValueError:
        received = ", ".join(row[name][:20] for name in _BOX)
        raise InputError(f"{where}: expected whole numbers for {', '.join(_BOX)}. Received: {received}") from None
    if width <= 0 or height <= 0:
        raise InputError(f"{where}: expected a box with width and height. Received: {width}×{height}")
    return left, top, left + width, top + height
