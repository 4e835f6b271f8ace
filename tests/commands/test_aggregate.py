"""`fer aggregate` on logs of a lecture whose events are planted."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import Result

from tests.helpers import run_fer
from tests.live.lectures import AWAY, CONFUSED, LAUGHING, SITTINGS, Sitting, write_lecture, write_viewer


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_lecture(tmp_path_factory.mktemp("lecture"))


@pytest.fixture(scope="module")
def lecture(logs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The folder that all logs make, and what was printed."""
    folder = tmp_path_factory.mktemp("results") / "lecture"
    result = run_fer("aggregate", *logs, "-o", folder)
    assert result.exit_code == 0, result.stderr
    return folder, result


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_planted_events_are_found(lecture: tuple[Path, Result]) -> None:
    folder, result = lecture
    names = ["index.html", "minutes.csv", "moments.csv", "result.json", "timeline.csv", "timeline.png", "viewers.csv"]
    assert sorted(path.name for path in folder.iterdir()) == names
    first = {row["kind"]: row for row in reversed(rows_of(folder / "moments.csv"))}
    for kind, span in {"distraction": AWAY, "confusion": CONFUSED, "joy": LAUGHING}.items():
        assert (float(first[kind]["start"]), float(first[kind]["end"])) == span
        assert first[kind]["clear"] == "True"
    assert "2:00–2:30" in result.stdout


def test_logs_of_any_length_rate_and_gaps_share_one_axis(lecture: tuple[Path, Result]) -> None:
    folder, _ = lecture
    viewers = {row["viewer"]: row for row in rows_of(folder / "viewers.csv")}
    assert list(viewers) == list(SITTINGS)
    assert {name: float(row["interval_s"]) for name, row in viewers.items()} == {
        name: sitting.every for name, sitting in SITTINGS.items()
    }
    # Of the 41 s between two rows a row stands for 2.
    assert (viewers["dee"]["gaps"], float(viewers["dee"]["gap_s"])) == ("1", 39.0)
    assert float(viewers["eve"]["no_face"]) == pytest.approx(20 / 420, abs=1e-4)
    pieces = {float(row["start_s"]): row for row in rows_of(folder / "timeline.csv")}
    assert [int(pieces[start]["viewers"]) for start in (0, 50, 80, 110, 410)] == [4, 5, 4, 5, 4]


def test_classes_in_another_order_are_the_same_mix(lecture: tuple[Path, Result]) -> None:
    pieces = {float(row["start_s"]): row for row in rows_of(lecture[0] / "timeline.csv")}
    assert float(pieces[LAUGHING[0]]["p_happy"]) == pytest.approx(0.76)
    assert pieces[LAUGHING[0]]["emotion"] == "happy"
    assert pieces[CONFUSED[0]]["emotion"] == "angry"


def test_the_record_and_the_page_tell_the_minutes(logs: list[Path], lecture: tuple[Path, Result]) -> None:
    folder, _ = lecture
    record = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert record["results"]["n"] == 5
    assert [entry["path"] for entry in record["inputs"]] == [str(log) for log in logs]
    minutes = record["results"]["minutes"]
    assert len(minutes) == 7
    assert min(minutes, key=lambda row: float(row["attentive"]))["start_s"] == AWAY[0]
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "Minute by minute" in page
    assert page.count("data:image/png;base64,") == 1
    assert run_fer("report", folder, "-o", "report.html").exit_code == 0
    assert "Minute by minute" in Path("report.html").read_text(encoding="utf-8")


def test_each_face_may_be_a_viewer_and_a_folder_is_kept_unless_overwrite(logs: list[Path]) -> None:
    kept = Path("results/lecture/result.json")
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    refused = run_fer("aggregate", *logs, "--viewer", "face")
    assert refused.exit_code == 4
    assert "results/lecture exists" in refused.stderr
    result = run_fer("aggregate", *logs, "--viewer", "face", "--overwrite", "--json")
    record = json.loads(result.stdout)
    assert record == json.loads(kept.read_text(encoding="utf-8"))
    assert [row["viewer"] for row in record["results"]["viewers"]] == [f"{name} face 1" for name in SITTINGS]
    assert record["results"]["voices"] == "faces"


def test_a_torn_log_is_used_and_told_and_its_name_escaped(tmp_path: Path) -> None:
    log = write_viewer(tmp_path / "<b>me&.csv", 0, Sitting(end=60.0))
    log.write_bytes(log.read_bytes()[:-5])
    result = run_fer("aggregate", log, "-o", "out")
    assert result.exit_code == 0
    assert "<b>me&.csv: the last line was cut short and is left out" in result.stderr
    assert "one viewer: there are no intervals" in result.stderr
    assert rows_of(Path("out/viewers.csv"))[0]["rows"] == "59"
    page = Path("out/index.html").read_text(encoding="utf-8")
    assert "<b>me" not in page
    assert "&lt;b&gt;me&amp;" in page


def test_what_is_no_log_ends_it(logs: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "fer2013.csv"
    other.write_text("emotion,pixels,Usage\n0,1 2 3,Training\n", encoding="utf-8")
    result = run_fer("aggregate", logs[0], other)
    assert result.exit_code == 3
    assert "fer2013.csv: not a log of fer; expected the columns time_s, face_id" in result.stderr
    assert "Received: emotion, pixels, Usage" in result.stderr
    assert not Path("results").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--window", "7"], "--window: expected a multiple of --step 5. Received: 7"),
        (["--step", "60"], "--window: expected a multiple of --step 60. Received: 30"),
        (["--step", "0"], "0.1<=x<=3600"),
        (["--viewer", "person"], "'person' is not one of 'log', 'face'"),
    ],
)
def test_wrong_usage(logs: list[Path], arguments: list[str], message: str) -> None:
    result = run_fer("aggregate", logs[0], *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_log_named_twice_is_refused(logs: list[Path]) -> None:
    result = run_fer("aggregate", logs[0], logs[0])
    assert result.exit_code == 2
    assert "ada.csv: named twice; each log is a viewer" in result.stderr
    assert not list(Path("results").glob("*"))
