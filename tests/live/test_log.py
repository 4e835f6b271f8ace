"""The log: what is written is read, a kill loses nothing, and what is no log is refused."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_cli.errors import InputError, OutputError
from fer_cli.labels import EMOTIONS
from fer_cli.live.log import LogRow, LogWriter, header, read_log
from tests.live.lectures import write_viewer

FACE = LogRow(
    1.5,
    2,
    (10.0, -4.5, 50.0, 60.0),
    "happy",
    (0.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.1),
    "left",
    -12.5,
    3.0,
    0.5,
    0.314,
    "away",
)


def written(path: Path, *rows: LogRow) -> Path:
    with LogWriter(path, EMOTIONS) as writer:
        for row in rows:
            writer.write(row)
    return path


def test_rows_come_back(tmp_path: Path) -> None:
    bare = LogRow(2.0, 3, attention="screen")
    rows = [LogRow(0.0), FACE, LogRow(1.5, 7, attention="eyes closed"), bare]
    log = read_log(written(tmp_path / "new" / "log.csv", *rows))
    assert log.rows == rows
    assert log.class_names == EMOTIONS
    assert not log.torn


def test_class_names_may_hold_anything(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    with LogWriter(path, ['a "b", c', "p_x"]) as writer:
        writer.write(LogRow(0.0, 1, emotion="p_x", probabilities=(0.25, 0.75), attention="screen"))
    assert read_log(path).class_names == ('a "b", c', "p_x")


WRITING = """
import sys, time
from pathlib import Path
from fer_cli.live.log import LogRow, LogWriter
writer = LogWriter(Path(sys.argv[1]), ("happy", "sad"))
for second in range(5):
    writer.write(LogRow(float(second), 1, emotion="sad", probabilities=(0.2, 0.8), attention="screen"))
print("ready", flush=True)
time.sleep(60)
"""


def test_a_killed_writer_loses_no_row(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    with subprocess.Popen([sys.executable, "-c", WRITING, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGKILL)
    assert [row.seconds for row in read_log(path).rows] == [0, 1, 2, 3, 4]


def test_a_torn_last_line_is_left_out_and_told(tmp_path: Path) -> None:
    path = written(tmp_path / "log.csv", LogRow(0.0), FACE)
    path.write_bytes(path.read_bytes()[:-9])
    log = read_log(path)
    assert log.torn
    assert log.rows == [LogRow(0.0)]


#: Cell to put where -> message. The row is `FACE`, the third line of the file.
SPOILT = [
    ("time_s", "x", "log.csv:3: time_s: expected a number of 0 or more. Received: 'x'"),
    ("time_s", "", "time_s: expected a number of 0 or more. Received: ''"),
    ("time_s", "nan", "time_s: expected a number of 0 or more"),
    ("time_s", "0.5", "time_s: expected 1 or later, as the row before. Received: '0.5'"),
    ("face_id", "-1", "face_id: expected a whole number"),
    ("face_id", "", "attention: expected 'no face' in a row without face_id. Received: 'away'"),
    ("box_w", "0", "box: expected left, top, width and height, the last two above 0"),
    ("box_x", "", "box: expected left, top, width and height"),
    ("emotion", "joyful", "emotion: expected one of angry, disgust"),
    ("p_happy", "0.5", "p_angry …: expected probabilities that sum to 1. Received: '0.6000'"),
    ("p_happy", "1.5", "p_happy: expected a number, 0 to 1. Received: '1.5'"),
    ("p_sad", "", "expected probabilities that sum to 1"),
    ("gaze", "back", "gaze: expected one of left, right, up, down, centre. Received: 'back'"),
    ("yaw", "inf", "yaw: expected a number. Received: 'inf'"),
    ("openness", "-0.1", "openness: expected a number of 0 or more"),
    ("attention", "no face", "attention: expected one of screen, away, eyes closed for a face. Received: 'no face'"),
    ("attention", "", "attention: expected one of screen, away, eyes closed for a face"),
]


@pytest.mark.parametrize(("column", "cell", "message"), SPOILT)
def test_a_spoilt_cell_is_named(tmp_path: Path, column: str, cell: str, message: str) -> None:
    path = written(tmp_path / "log.csv", LogRow(1.0), FACE)
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = lines[2].split(",")
    cells[header(EMOTIONS).index(column)] = cell
    path.write_text("\n".join([*lines[:2], ",".join(cells), ""]), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_log(path)
    assert message in str(caught.value)


@pytest.mark.parametrize("rows", [(FACE, FACE), (LogRow(1.5), FACE), (FACE, LogRow(1.5)), (LogRow(1.5), LogRow(1.5))])
def test_one_row_a_person_and_time(tmp_path: Path, rows: tuple[LogRow, ...]) -> None:
    with pytest.raises(InputError, match=r"log.csv:3: face_id: expected one row a person and time"):
        read_log(written(tmp_path / "log.csv", *rows))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"emotion,pixels,Usage\n0,1 2,Training\n", "not a log of fer; expected the columns time_s, face_id"),
        (b"", "not a log of fer; expected the columns"),
        (b"\x89PNG\r\n\x1a\n\xff", "not a log of fer: not a text file"),
        (",".join(header(["happy"])).encode() + b"\n", "a log without rows"),
        (",".join(header(["happy"])).encode() + b"\n0,1\n", "log.csv:2: expected 14 cells. Received: 2"),
        (",".join(header(["happy"])).encode() + b'\n"0\n', "log.csv:2: not a row of a CSV file"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_log(path)
    assert message in str(caught.value)


def test_a_missing_log_and_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such log"):
        read_log(tmp_path / "none.csv")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        LogWriter(tmp_path / "file" / "log.csv", EMOTIONS)


def test_a_long_log_is_read_in_a_moment(tmp_path: Path) -> None:
    log = read_log(write_viewer(tmp_path / "log.csv", 0))
    assert len(log.rows) == 420


def drawn_row(seconds: float) -> st.SearchStrategy[LogRow]:
    """A row of a face, numbered by its time, with or without each thing that can be known of it."""
    angle = st.one_of(st.none(), st.integers(-900, 900).map(lambda tenths: tenths / 10))
    return st.builds(
        LogRow,
        st.just(seconds),
        st.integers(0, 10**6),
        st.one_of(st.none(), st.tuples(angle_of(0), angle_of(0), angle_of(1), angle_of(1))),
        st.sampled_from([None, *EMOTIONS]),
        st.sampled_from([None, (0.25, 0.25, 0.1, 0.1, 0.1, 0.1, 0.1)]),
        st.sampled_from([None, "left", "centre"]),
        angle,
        angle,
        angle,
        st.one_of(st.none(), st.integers(0, 999).map(lambda thousandths: thousandths / 1000)),
        st.sampled_from(["screen", "away", "eyes closed"]),
    )


def angle_of(low: int) -> st.SearchStrategy[float]:
    return st.integers(low, 4000).map(float)


ROWS = st.integers(1, 5).flatmap(lambda n: st.tuples(*(drawn_row(second / 4) for second in range(n)))).map(list)


@given(ROWS)
def test_any_rows_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[LogRow]) -> None:
    path = written(tmp_path_factory.mktemp("log") / "log.csv", *rows)
    assert read_log(path).rows == rows


@given(st.integers(0, 400), st.one_of(st.binary(max_size=6), st.sampled_from([b"9" * 5000, "²".encode(), b"\0", b'"'])))
def test_any_damage_is_read_or_refused_with_its_place(
    tmp_path_factory: pytest.TempPathFactory, place: int, put: bytes
) -> None:
    path = written(tmp_path_factory.mktemp("log") / "log.csv", LogRow(0.0), FACE)
    data = path.read_bytes()
    path.write_bytes(data[:place] + put + data[place + len(put) :])
    # Whatever it is, it is no other error.
    with contextlib.suppress(InputError):
        assert read_log(path).class_names
