"""The log of a webcam session: a CSV file that survives a kill, and its strict reader.

One row a (sampled time, person), and one row for a sampled time without a face. Columns, in this order:

time_s                       seconds since the start, of the lecture where one was played; never falls
face_id                      number of the person, the same as long as the face is followed; empty without a face
box_x, box_y, box_w, box_h   left, top, width and height of the face in pixels
emotion                      the emotion shown; empty where it was not asked for
p_NAME …                     probability of each class in the model's order, 0..1
gaze                         left, right, up, down or centre, as the picture shows it
yaw, pitch, roll             of the head in degrees, see `faces.head_pose.Pose`
openness                     of the eyes, see `faces.openness`
attention                    screen, away, eyes closed or no face, see `live.attention`
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from fer_cli import files
from fer_cli.errors import InputError
from fer_cli.faces.gaze import DIRECTIONS
from fer_cli.labels import ATTENTION
from fer_cli.live.attention import NO_FACE

_BEFORE = ("time_s", "face_id", "box_x", "box_y", "box_w", "box_h", "emotion")
_AFTER = ("gaze", "yaw", "pitch", "roll", "openness", "attention")
_PREFIX = "p_"
#: Of the longest number of a face.
_DIGITS = 18
#: Probabilities are written with four decimals, so their sum may be off by so much a class.
_ROUNDING = 1e-4


@dataclass(frozen=True)
class LogRow:
    """What was seen of one person at one time; None where it was not seen or not asked for.

    seconds: 0 or more. face: the person's number; None says that no face was seen, and all else is None then.
    box: left, top, width, height in pixels. probabilities: one a class, they sum to 1. gaze: of `gaze.DIRECTIONS`.
    yaw, pitch, roll: degrees. attention: of `labels.ATTENTION`.
    """

    seconds: float
    face: int | None = None
    box: tuple[float, float, float, float] | None = None
    emotion: str | None = None
    probabilities: tuple[float, ...] | None = None
    gaze: str | None = None
    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    openness: float | None = None
    attention: str = NO_FACE


@dataclass(frozen=True)
class Log:
    """A log that was read. class_names: in the order of the rows' probabilities.

    torn: whether the last line was cut short, as a kill or a full disk does; it is left out.
    """

    path: Path
    class_names: tuple[str, ...]
    rows: list[LogRow]
    torn: bool


def header(class_names: Sequence[str]) -> list[str]:
    """The names of the columns."""
    return [*_BEFORE, *(_PREFIX + name for name in class_names), *_AFTER]


class LogWriter:
    """Writes a log as it goes: each row reaches the operating system whole, in one call, before `write` returns.

    So a killed process loses nothing that was written. The file is replaced where it exists.
    Raises `OutputError` where it cannot be written.
    """

    def __init__(self, path: Path, class_names: Sequence[str]) -> None:
        self.path, self._classes = path, len(class_names)
        with files.writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = path.open("wb", buffering=0)
        self._put(header(class_names))

    def write(self, row: LogRow) -> None:
        """Add a row; times must not fall."""
        box = row.box or (None,) * 4
        probabilities = row.probabilities or (None,) * self._classes
        self._put(
            [
                *(_text(row.seconds, 3), _text(row.face, 0), *(_text(edge, 1) for edge in box), row.emotion or ""),
                *(_text(probability, 4) for probability in probabilities),
                *(row.gaze or "", *(_text(angle, 1) for angle in (row.yaw, row.pitch, row.roll))),
                *(_text(row.openness, 3), row.attention),
            ]
        )

    def _put(self, cells: Sequence[str]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        with files.writing(self.path):
            self._stream.write(line.getvalue().encode("utf-8"))

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def __enter__(self) -> LogWriter:
        """The writer itself; the file is closed when the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file, whatever ended the block."""
        self.close()


def _text(value: float | None, decimals: int) -> str:
    return "" if value is None else f"{value:.{decimals}f}"


def read_log(path: Path) -> Log:
    """The log in a file, every cell checked.

    A last line without its end is left out and told by `Log.torn`. Raises `InputError` for everything else that is not
    as `LogWriter` writes it: with the row and the column, what was expected and what was found.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: no such log, or not readable ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a log of fer: not a text file") from error
    whole, torn = text[: text.rfind("\n") + 1], not text.endswith("\n")
    lines = csv.reader(io.StringIO(whole), strict=True)
    try:
        columns = next(lines, [])
        class_names = _class_names(path, columns)
        rows = [_row(path, number, columns, class_names, cells) for number, cells in enumerate(lines, start=2)]
    except csv.Error as error:
        raise InputError(f"{path}:{lines.line_num}: not a row of a CSV file ({error})") from error
    if not rows:
        raise InputError(f"{path}: a log without rows")
    _check_order(path, rows)
    return Log(path, class_names, rows, torn)


def _class_names(path: Path, columns: Sequence[str]) -> tuple[str, ...]:
    names = tuple(column.removeprefix(_PREFIX) for column in columns if column.startswith(_PREFIX))
    if not names or list(columns) != header(names):
        expected = ", ".join(header(["NAME"])).replace("p_NAME", "p_NAME …")
        shown = ", ".join(columns)[:120] or "nothing"
        raise InputError(f"{path}: not a log of fer; expected the columns {expected}. Received: {shown}")
    return names


def _check_order(path: Path, rows: Sequence[LogRow]) -> None:
    """Times must not fall, and at each time a person has one row, or nobody has one."""
    at: set[int | None] = set()
    for number, (row, before) in enumerate(zip(rows, (None, *rows), strict=False), start=2):
        if before is not None and row.seconds < before.seconds:
            _refuse(path, number, "time_s", f"{before.seconds:g} or later, as the row before", f"{row.seconds:g}")
        if before is None or row.seconds > before.seconds:
            at = set()
        if row.face in at or (at and None in at | {row.face}):
            _refuse(path, number, "face_id", "one row a person and time", "" if row.face is None else str(row.face))
        at.add(row.face)


def _row(path: Path, number: int, columns: Sequence[str], class_names: Sequence[str], cells: Sequence[str]) -> LogRow:
    if len(cells) != len(columns):
        raise InputError(f"{path}:{number}: expected {len(columns)} cells. Received: {len(cells)}")
    return _Cells(path, number, dict(zip(columns, cells, strict=True))).row(class_names)


def _refuse(path: Path, number: int, column: str, expected: str, received: str) -> NoReturn:
    raise InputError(f"{path}:{number}: {column}: expected {expected}. Received: {received!r}")


@dataclass(frozen=True)
class _Cells:
    """The cells of one line by their column."""

    path: Path
    number: int
    cells: dict[str, str]

    def row(self, class_names: Sequence[str]) -> LogRow:
        seconds = self._number("time_s", 0.0)
        if seconds is None:
            _refuse(self.path, self.number, "time_s", "a number of 0 or more", "")
        attention = self._choice("attention", ATTENTION)
        if self.cells["face_id"] == "":
            return self._without_face(seconds, attention)
        if attention in (None, NO_FACE):
            expected = ", ".join(state for state in ATTENTION if state != NO_FACE)
            _refuse(self.path, self.number, "attention", f"one of {expected} for a face", attention or "")
        return LogRow(
            seconds=seconds,
            face=self._face(),
            box=self._box(),
            emotion=self._choice("emotion", class_names),
            probabilities=self._probabilities(class_names),
            gaze=self._choice("gaze", DIRECTIONS),
            yaw=self._number("yaw"),
            pitch=self._number("pitch"),
            roll=self._number("roll"),
            openness=self._number("openness", 0.0),
            attention=attention,
        )

    def _without_face(self, seconds: float, attention: str | None) -> LogRow:
        if attention != NO_FACE:
            _refuse(self.path, self.number, "attention", f"{NO_FACE!r} in a row without face_id", attention or "")
        for column, cell in self.cells.items():
            if cell and column not in ("time_s", "attention"):
                _refuse(self.path, self.number, column, "nothing in a row without face_id", cell)
        return LogRow(seconds)

    def _face(self) -> int:
        cell = self.cells["face_id"]
        if not (cell.isascii() and cell.isdigit() and len(cell) <= _DIGITS):
            _refuse(self.path, self.number, "face_id", "a whole number", cell)
        return int(cell)

    def _box(self) -> tuple[float, float, float, float] | None:
        edges = [self._number(name) for name in ("box_x", "box_y", "box_w", "box_h")]
        known = [edge for edge in edges if edge is not None]
        if not known:
            return None
        if len(known) < 4 or min(known[2:]) <= 0:
            received = ", ".join("" if edge is None else f"{edge:g}" for edge in edges)
            _refuse(self.path, self.number, "box", "left, top, width and height, the last two above 0", received)
        left, top, width, height = known
        return left, top, width, height

    def _probabilities(self, class_names: Sequence[str]) -> tuple[float, ...] | None:
        found = [self._number(_PREFIX + name, 0.0, 1.0) for name in class_names]
        known = tuple(value for value in found if value is not None)
        if not known:
            return None
        if len(known) < len(found) or abs(sum(known) - 1.0) > _ROUNDING * len(found):
            what = f"{_PREFIX}{class_names[0]} …"
            _refuse(self.path, self.number, what, "probabilities that sum to 1", f"{sum(known):.4f}")
        return known

    def _choice(self, column: str, choices: Sequence[str]) -> str | None:
        cell = self.cells[column]
        if cell and cell not in choices:
            _refuse(self.path, self.number, column, f"one of {', '.join(choices)}", cell)
        return cell or None

    def _number(self, column: str, low: float = -math.inf, high: float = math.inf) -> float | None:
        cell = self.cells[column]
        if not cell:
            return None
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and low <= value <= high):
            limits = "" if math.isinf(low) else f" of {low:g} or more" if math.isinf(high) else f", {low:g} to {high:g}"
            _refuse(self.path, self.number, column, f"a number{limits}", cell)
        return value
