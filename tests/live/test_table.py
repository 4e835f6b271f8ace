"""Layouts of the table, written and read again."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_cli.faces.gaze import Gaze
from fer_cli.faces.head_pose import Pose
from fer_cli.live.directions import Directions
from fer_cli.live.engine import Seen
from fer_cli.live.recognise import Moment
from fer_cli.live.table import TableWriter

CLASSES = ("angry", "happy")


def face(number: int, happy: float) -> Seen:
    row = np.array([1 - happy, happy], np.float32)
    return Seen(number, (10.04, 20.0, 30.0, 40.0), 0.987654, None, None, row, int(row.argmax()), True)


MOMENTS = (
    Moment(Path("a.jpg"), None, None, [face(1, 0.75), face(2, 0.25)]),
    Moment(Path("b.jpg"), None, None, []),
    Moment(Path("v.mp4"), 25, 1.0004, [face(3, 1.0)]),
)


def table(form: str, schema: str) -> str:
    stream = io.StringIO()
    writer = TableWriter(stream, form, schema, CLASSES)
    for moment in MOMENTS:
        writer.write(moment)
    writer.close()
    return stream.getvalue()


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_our_columns_tell_of_each_face_and_of_pictures_without() -> None:
    found = rows(table("csv", "ours"))
    assert list(found[0]) == [
        "file", "frame", "time_s", "faces", "face_id", "box_x", "box_y", "box_w", "box_h", "confidence", "emotion",
        "p_angry", "p_happy",
    ]  # fmt: skip
    assert [(row["file"], row["faces"], row["face_id"], row["emotion"]) for row in found] == [
        ("a.jpg", "2", "1", "happy"), ("a.jpg", "2", "2", "angry"), ("b.jpg", "0", "", ""),
        ("v.mp4", "1", "3", "happy"),
    ]  # fmt: skip
    assert (found[0]["box_x"], found[0]["confidence"], found[0]["p_happy"]) == ("10.0", "0.9877", "0.75")
    assert (found[3]["frame"], found[3]["time_s"]) == ("25", "1.0")


def test_json_lines_have_the_same_columns_with_numbers_and_null() -> None:
    lines = [json.loads(line) for line in table("jsonl", "ours").splitlines()]
    assert [line["p_happy"] for line in lines] == [0.75, 0.25, None, 1.0]
    assert all(list(line) == list(lines[0]) for line in lines)


def test_the_layout_fer_has_a_row_a_picture_and_columns_a_face() -> None:
    found = rows(table("csv", "fer"))
    assert list(found[0]) == [
        "angry0", "angry1", "box0", "box1", "happy0", "happy1", "file", "frame", "time_s",
    ]  # fmt: skip
    assert (found[0]["box0"], found[0]["happy0"], found[0]["happy1"]) == ("[10, 20, 30, 40]", "0.75", "0.25")
    assert (found[1]["box0"], found[1]["file"]) == ("", "b.jpg")
    assert (found[2]["happy0"], found[2]["happy1"]) == ("1.0", "")


def test_the_layout_openface_begins_as_its_own_does() -> None:
    found = rows(table("csv", "openface"))
    assert list(found[0])[:5] == ["frame", "face_id", "timestamp", "confidence", "success"]
    heads = [(row["frame"], row["face_id"], row["timestamp"], row["success"]) for row in found]
    assert heads == [("1", "0", "0.0", "1"), ("1", "1", "0.0", "1"), ("1", "0", "0.0", "0"), ("26", "2", "1.0", "1")]
    assert found[2]["confidence"] == "0.0"


def test_the_layout_openface_has_the_angles_of_head_and_gaze_where_they_are_known() -> None:
    found = Directions(Pose(0.0, 10.0, 0.0), Gaze("right", 12.0, 0.0, 0.3, 0.3))
    middle = replace(MOMENTS[2], seen=[replace(face(3, 1.0), box=(310.0, 230.0, 20.0, 20.0))], size=(480, 640))
    stream = io.StringIO()
    writer = TableWriter(stream, "csv", "openface", CLASSES)
    for moment in (replace(middle, directions=[found]), replace(middle, directions=[Directions(None, found.gaze)])):
        writer.write(moment)
    known, unknown = rows(stream.getvalue())
    assert list(known)[5:10] == ["gaze_angle_x", "gaze_angle_y", "pose_Rx", "pose_Ry", "pose_Rz"]
    assert [float(known[name]) for name in ("pose_Rx", "pose_Ry", "pose_Rz")] == [0.1745, 0.0, 0.0]
    assert float(known["gaze_angle_y"]) > 0.17
    assert {unknown[name] for name in list(known)[5:10]} == {""}
