"""From logs to viewers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_cli.errors import InputError, UsageError
from fer_cli.live.log import Log, LogRow
from fer_cli.live.viewers import viewers_of

NAMES = ("happy", "sad")


def face(seconds: float, number: int = 1, happy: float = 0.5, attention: str = "screen") -> LogRow:
    return LogRow(seconds, number, probabilities=(happy, 1 - happy), attention=attention)


def log(*rows: LogRow, name: str = "a", class_names: tuple[str, ...] = NAMES) -> Log:
    return Log(Path(f"{name}.csv"), class_names, list(rows), torn=False)


def test_a_row_stands_until_the_next_but_not_across_a_gap() -> None:
    (viewer,) = viewers_of([log(*(face(t) for t in (0.0, 1.0, 2.0, 3.5, 10.0, 11.0)))], each_face=False)
    assert viewer.interval == 1.0
    assert viewer.lasting.tolist() == [1, 1, 1.5, 2, 1, 1]
    assert viewer.gaps().tolist() == [4.5]
    assert viewer.end == 12.0


def test_several_faces_of_a_log_are_averaged() -> None:
    rows = [face(0.0, 1, 0.2), face(0.0, 2, 0.8, "away"), LogRow(1.0), face(2.0, 2, 1.0)]
    (viewer,) = viewers_of([log(*rows)], each_face=False)
    assert viewer.states.tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0]]
    assert viewer.probabilities[[0, 2]].tolist() == [[0.5, 0.5], [1, 0]]
    assert np.isnan(viewer.probabilities[1]).all()


def test_each_face_is_a_viewer_while_it_is_known() -> None:
    rows = [face(0.0, 1), face(1.0, 1), face(1.0, 2, 0.9), face(2.0, 1), face(3.0, 1), face(3.0, 2, 0.9)]
    one, two = viewers_of([log(*rows)], each_face=True)
    assert (one.name, two.name) == ("a face 1", "a face 2")
    assert one.seconds.tolist() == [0, 1, 2, 3]
    assert two.seconds.tolist() == [1, 2, 3]
    assert two.states[:, 3].tolist() == [0, 1, 0]


def test_classes_are_matched_by_name() -> None:
    swapped = log(face(0.0, happy=0.3), name="b", class_names=NAMES[::-1])
    viewers = viewers_of([log(face(0.0, happy=0.3)), swapped], each_face=False)
    assert [viewer.probabilities[0].tolist() for viewer in viewers] == [[0.3, 0.7], [0.7, 0.3]]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match=r"b.csv: the classes do not match"):
        viewers_of([log(face(0.0)), log(face(0.0), name="b", class_names=("happy", "fear"))], each_face=False)
    with pytest.raises(UsageError, match=r"a.csv: named twice"):
        viewers_of([log(face(0.0)), log(face(0.0))], each_face=False)
    with pytest.raises(InputError, match=r"a.csv: expected a face. Received: rows without one"):
        viewers_of([log(LogRow(0.0))], each_face=True)
