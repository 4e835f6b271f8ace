"""What was seen, as a table: our columns, or those that users of the packages fer and OpenFace know."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from fer_cli import files
from fer_cli.live.directions import Directions
from fer_cli.live.engine import Seen
from fer_cli.live.openface import angles_of
from fer_cli.live.recognise import Moment

FORMATS = ("csv", "jsonl")
Row = dict[str, Any]

_BOX = ("box_x", "box_y", "box_w", "box_h")


def ours(moment: Moment, class_names: Sequence[str]) -> list[Row]:
    """One row a face, or one row with `faces` 0 and nothing behind it.

    file; frame from 0 and time_s, of a video; faces: how many there are in the picture or frame; face_id from 1: in a
    video the person's, in a picture the most prominent first; box_x, box_y, box_w, box_h: left, top, width and height
    in pixels; confidence of the detector; emotion; p_CLASS: probability of each class.
    """
    head = {**_origin(moment), "faces": len(moment.seen)}
    if not moment.seen:
        return [head | dict.fromkeys(["face_id", *_BOX, "confidence", *_expression(None, class_names)])]
    return [
        {**head, "face_id": face.id, **_box(face), "confidence": round(face.confidence, 4)}
        | _expression(face, class_names)
        for face in moment.seen
    ]


def fer(moment: Moment, class_names: Sequence[str]) -> list[Row]:
    """One row a picture or frame, as of `Video.to_csv` in the package fer 25.10.

    Of face number n from 0: CLASSn: probability of each class; boxn: [left, top, width, height] in whole pixels. Faces
    stand in the order of their numbers. After these: file, frame, time_s.
    """
    row: Row = {}
    for number, face in enumerate(moment.seen):
        if face.probabilities is not None:
            row |= {
                f"{name}{number}": round(float(p), 4) for name, p in zip(class_names, face.probabilities, strict=True)
            }
        row[f"box{number}"] = [round(edge) for edge in face.box]
    return [row | _origin(moment)]


def openface(moment: Moment, class_names: Sequence[str]) -> list[Row]:
    """One row a face, as of OpenFace 2 for several faces; success is 0 in the row of a frame without a face.

    frame from 1; face_id from 0; timestamp in seconds; confidence; success; gaze_angle_x, gaze_angle_y, pose_Rx,
    pose_Ry, pose_Rz in radians, see `live.openface`. A picture is frame 1 at 0 seconds. OpenFace tells no expressions:
    after its own columns stand our box, emotion, probabilities and file. Its other columns are not there, since five
    landmarks do not tell them: gaze_0_*, gaze_1_* (each eye), eye_lmk_*, pose_T*, x_*, y_*, X_*, Y_*, Z_*, p_*, AU*.
    """
    frame = 1 if moment.number is None else moment.number + 1
    rows = []
    faces: Sequence[Seen | None] = moment.seen or [None]
    for number, face in enumerate(faces):
        head = {"frame": frame, "face_id": face.id - 1 if face else 0, "timestamp": round(moment.seconds or 0.0, 3)}
        known = {"confidence": round(face.confidence, 4) if face else 0.0, "success": int(face is not None)}
        pointing = moment.directions[number] if face and moment.directions else Directions(None, None)
        angles = angles_of(pointing, face.box if face else (0.0, 0.0, 0.0, 0.0), moment.size)
        box = _box(face) if face else dict.fromkeys(_BOX)
        rows.append({**head, **known, **angles, **box, **_expression(face, class_names), "file": str(moment.path)})
    return rows


#: Layouts by name.
SCHEMAS: dict[str, Callable[[Moment, Sequence[str]], list[Row]]] = {"ours": ours, "fer": fer, "openface": openface}


class TableWriter:
    """Writes rows as they come; those of the layout fer when all are known, since faces make its columns.

    format: "csv" with a header, or "jsonl": one JSON object a line. schema: a name of `SCHEMAS`.
    """

    def __init__(self, stream: TextIO, format: str, schema: str, class_names: Sequence[str]) -> None:
        self._stream, self._format, self._class_names = stream, format, class_names
        self._layout = SCHEMAS[schema]
        self._held: list[Row] | None = [] if (schema, format) == ("fer", "csv") else None
        self._csv: csv.DictWriter[str] | None = None

    def write(self, moment: Moment) -> list[Row]:
        """Write what was seen; the rows."""
        rows = self._layout(moment, self._class_names)
        if self._held is None:
            self._put(rows)
        else:
            self._held += rows
        return rows

    def close(self) -> None:
        """Write what was held back; the stream stays open."""
        if self._held:
            self._put(self._held, sorted(dict.fromkeys(key for row in self._held for key in row), key=_fer_order))
            self._held = []

    def _put(self, rows: Sequence[Row], columns: Sequence[str] | None = None) -> None:
        if self._format == "jsonl":
            self._stream.writelines(files.to_json(row) + "\n" for row in rows)
            return
        if self._csv is None:
            self._csv = csv.DictWriter(self._stream, columns or list(rows[0]), lineterminator="\n")
            self._csv.writeheader()
        self._csv.writerows(rows)


def _fer_order(column: str) -> tuple[bool, str, int]:
    """The package sorts by name and then by the number of the face; our columns come last, in the order file, frame."""
    parts = re.fullmatch(r"(.*?)(\d+)", column)
    return (False, parts[1], int(parts[2])) if parts else (True, column, 0)


def _origin(moment: Moment) -> Row:
    seconds = None if moment.seconds is None else round(moment.seconds, 3)
    return {"file": str(moment.path), "frame": moment.number, "time_s": seconds}


def _box(face: Seen) -> Row:
    return {name: round(edge, 1) for name, edge in zip(_BOX, face.box, strict=True)}


def _expression(face: Seen | None, class_names: Sequence[str]) -> Row:
    label, probabilities = (None, None) if face is None else (face.label, face.probabilities)
    values = [None] * len(class_names) if probabilities is None else [round(float(p), 6) for p in probabilities]
    return {
        "emotion": None if label is None else class_names[label],
        **{f"p_{name}": value for name, value in zip(class_names, values, strict=True)},
    }
