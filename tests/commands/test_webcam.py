"""`fer webcam` on videos, a stream and a window, with a network whose answers are known."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from fer_cli import claims
from fer_cli.datasets.facs.scene import Scene
from fer_cli.faces.calibration import Calibration, read_calibrations, write_calibrations
from fer_cli.faces.media import describe_video
from fer_cli.labels import EMOTIONS
from fer_cli.live import window
from fer_cli.live.log import read_log
from fer_cli.live.score import FaceScorer
from fer_cli.reports import live_view
from tests.faces.clips import write_clip
from tests.faces.gazing import one_person
from tests.helpers import run_fer
from tests.live import streams

#: Two seconds of happy, then two of surprise.
LABELS = [3] * 20 + [5] * 20


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return streams.write_video(tmp_path / "faces.avi", LABELS)


def test_a_video_is_watched_without_a_screen_and_logged_once_a_second(video: Path, model: Path, tmp_path: Path) -> None:
    result = run_fer(
        "webcam", "--source", video, "--model", model, "--detector", "skip", "--smooth", 0, "--log", "log.csv", "--json"
    )
    assert result.exit_code == 0, result.stderr
    assert "there is no screen (DISPLAY is not set): no window is opened" in result.stderr
    rows = read_log(tmp_path / "log.csv").rows
    assert [row.seconds for row in rows] == pytest.approx([0, 1, 2, 3], abs=0.051)
    assert [row.emotion for row in rows] == ["happy", "happy", "surprise", "surprise"]
    assert all(row.probabilities and row.probabilities[EMOTIONS.index(str(row.emotion))] > 0.9 for row in rows)
    found = json.loads(result.stdout)["results"]
    assert (found["frames"], found["rows"], found["people"]) == (40, 4, 1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux names its screen in the environment")
def test_a_screen_that_does_not_answer_is_none(video: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":4711")
    asked = ("webcam", "--source", video, "--model", model, "--detector", "skip")
    result = run_fer(*asked)
    assert result.exit_code == 0, result.stderr
    assert "there is no screen (DISPLAY is :4711, where none can be opened): no window is opened" in result.stderr
    refused = run_fer(*asked, "--lecture", video)
    assert refused.exit_code == 2
    assert "--lecture: expected a screen to play it on. Received: none" in refused.stderr


def test_the_video_of_what_is_seen_lasts_as_long(video: Path, model: Path, tmp_path: Path) -> None:
    result = run_fer("webcam", "--source", video, "--model", model, "--detector", "skip", "-o", "seen.mp4", "-q")
    assert result.exit_code == 0, result.stderr
    seen = describe_video(tmp_path / "seen.mp4")
    assert seen.count is not None
    assert seen.count / seen.rate == pytest.approx(len(LABELS) / streams.RATE, abs=0.2)


def test_a_frame_without_a_face_has_a_row_that_says_so(video: Path, model: Path, tmp_path: Path) -> None:
    result = run_fer("webcam", "--source", video, "--model", model, "--detector", "haar", "--log", "log.csv", "-q")
    assert result.exit_code == 0, result.stderr
    rows = read_log(tmp_path / "log.csv").rows
    assert len(rows) == 4
    assert {(row.face, row.attention) for row in rows} == {(None, "no face")}


def test_a_stream_that_ends_is_told_and_leaves_its_log(model: Path, tmp_path: Path) -> None:
    with streams.Camera(frames=8, refuse=1000).running() as camera:
        result = run_fer(
            *("webcam", "--source", camera.address, "--model", model, "--detector", "skip"),
            *("--log", "log.csv", "--log-every", 0, "--patience", 0),
        )
    assert result.exit_code == 5
    assert "gives no more frames" in result.stderr
    assert {row.emotion for row in read_log(tmp_path / "log.csv").rows} == {"happy"}


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("63", 5, "fer: camera 63 cannot be opened: no such camera, or another program has it"),
        ("none.mp4", 3, "fer: none.mp4: no such file"),
        ("corrupt.mp4", 3, "fer: corrupt.mp4: not a readable video"),
    ],
)
def test_what_cannot_be_watched_is_one_line(source: str, code: int, message: str, model: Path) -> None:
    Path("corrupt.mp4").write_bytes(b"no video" * 100)
    result = run_fer("webcam", "--source", source, "--model", model, "--detector", "skip")
    assert result.exit_code == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_outputs_that_exist_are_kept(video: Path, model: Path) -> None:
    Path("log.csv").write_text("mine")
    result = run_fer("webcam", "--source", video, "--model", model, "--log", "log.csv")
    assert result.exit_code == 4
    assert Path("log.csv").read_text() == "mine"


def test_a_lecture_needs_a_screen(video: Path, model: Path) -> None:
    result = run_fer("webcam", "--source", video, "--model", model, "--lecture", video)
    assert result.exit_code == 2
    assert "--lecture: expected a screen to play it on" in result.stderr


def test_a_calibration_without_eyes_is_refused_and_the_others_stay(video: Path, model: Path) -> None:
    write_calibrations(Path("people.json"), {"anna": Calibration(yaw=3.0)})
    before = Path("people.json").read_text()
    long = streams.write_video(Path("long.avi"), [3] * 60)
    result = run_fer(
        *("webcam", "--source", long, "--model", model, "--detector", "skip"),
        *("--calibration", "people.json", "--person", "anna", "--calibrate"),
    )
    assert result.exit_code == 0, result.stderr
    assert "calibration: expected at least 15 frames with a face. Received: 0" in result.stderr
    assert Path("people.json").read_text() == before


def test_the_log_of_a_killed_session_has_all_that_was_seen(model: Path, tmp_path: Path) -> None:
    with streams.Camera().running() as camera:
        command = [sys.executable, "-m", "fer_cli.main", "webcam", "--source", camera.address, "--model", str(model)]
        options = ["--detector", "skip", "--log", "log.csv", "--log-every", "0s", "-q"]
        process = subprocess.Popen([*command, *options])
        log = tmp_path / "log.csv"
        _wait(lambda: log.exists() and log.read_bytes().count(b"\n") > 5, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    found = read_log(log)
    assert len(found.rows) >= 5
    assert {row.emotion for row in found.rows} == {"happy"}


class Keyboard:
    """Somebody at the keys before a screen that nobody sees. keys: number of a look at the keys -> key."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, keys: dict[int, str]) -> None:
        self.shown: list[npt.NDArray[np.uint8]] = []
        self._keys, self._looks, keyboard = keys, 0, self

        class Screen:
            closed = False

            def __init__(self, name: str) -> None:
                self.name = name

            def show(self, image: npt.NDArray[np.uint8]) -> None:
                keyboard.shown.append(image)

            def close(self) -> None:
                """Nothing."""

        monkeypatch.setattr(window, "missing_screen", lambda: None)
        monkeypatch.setattr(live_view, "Window", Screen)
        monkeypatch.setattr(live_view, "pressed", self._pressed)

    def _pressed(self, milliseconds: int = 1) -> str:
        time.sleep(milliseconds / 1000)
        self._looks += 1
        return self._keys.get(self._looks, "")


def test_a_pause_is_not_in_the_log(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at the keys takes 50 ms in a pause: the 40 of this one last two seconds and more."""
    keyboard = Keyboard(monkeypatch, {10: " ", 50: " ", 60: "q"})
    with streams.Camera().running() as camera:
        began = time.monotonic()
        result = run_fer(
            *("webcam", "--source", camera.address, "--model", model, "--detector", "skip"),
            *("--log", "log.csv", "--log-every", 0, "--json"),
        )
        lasted = time.monotonic() - began
    assert result.exit_code == 0, result.stderr
    assert len(keyboard.shown) == 20
    seconds = [row.seconds for row in read_log(tmp_path / "log.csv").rows]
    assert max(np.diff(seconds)) < 1
    assert lasted - seconds[-1] > 2


def test_the_key_r_records_until_it_is_pressed_again(
    video: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Keyboard(monkeypatch, {10: "r", 20: "r", 30: "q"})
    (tmp_path / "recording-1.mp4").write_text("mine")
    with claims.claimed(tmp_path / "recording-2.mp4"):
        result = run_fer("webcam", "--source", video, "--model", model, "--detector", "skip", "--log", "log.csv")
    assert result.exit_code == 0, result.stderr
    assert "recording to recording-3.mp4; r ends it" in result.stderr
    assert (tmp_path / "recording-1.mp4").read_text() == "mine"
    assert not (tmp_path / "recording-2.mp4").exists()
    seen = describe_video(tmp_path / "recording-3.mp4")
    assert seen.count is not None
    # Ten frames, the last of which has just begun.
    assert seen.count / seen.rate == pytest.approx(0.9, abs=0.1)


def test_the_key_c_learns_where_a_person_s_eyes_are_at_rest(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Keyboard(monkeypatch, {1: "c"})
    scenes = [Scene(yaw=12.0, gaze_x=-12.0)] * 28
    clip = write_clip(tmp_path / "person.avi", [_wide(face) for face in one_person(scenes, 120).images], rate=6.0)
    write_calibrations(Path("people.json"), {"otto": Calibration(yaw=3.0)})
    result = run_fer(
        *("webcam", "--source", clip, "--model", model, "--detector", "mtcnn"),
        *("--calibration", "people.json", "--person", "anna"),
    )
    assert result.exit_code == 0, result.stderr
    assert "calibration: look at the middle of the screen for 4 s" in result.stderr
    known = read_calibrations(Path("people.json"))
    assert known["otto"] == Calibration(yaw=3.0), result.stderr
    assert "anna" in known, result.stderr
    assert known["anna"].frames >= 15
    assert known["anna"].yaw == pytest.approx(12, abs=6)


def _wide(face: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A face in the middle of a picture, as a camera has it."""
    return cv2.copyMakeBorder(face, 60, 60, 60, 60, cv2.BORDER_REPLICATE)


@pytest.mark.parametrize(
    ("option", "frames", "calls"), [((), 40, 40), (("--fps-limit", 5), 20, 20), (("--emotion-every", "1s"), 40, 4)]
)
def test_fewer_frames_or_fewer_calls_of_the_model(
    option: tuple[str | int, ...], frames: int, calls: int, video: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    score = FaceScorer.__call__

    def counted(self: FaceScorer, faces: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
        asked.append(len(faces))
        return score(self, faces)

    monkeypatch.setattr(FaceScorer, "__call__", counted)
    result = run_fer("webcam", "--source", video, "--model", model, "--detector", "skip", *option, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["results"]["frames"] == frames
    assert len(asked) == calls


@pytest.fixture
def screen() -> Iterator[str]:
    """A virtual screen."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    read, write = os.pipe()
    process = subprocess.Popen(
        # Without -noreset it begins anew, deaf for a moment, whenever its only client has gone.
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as stream:
        yield f":{stream.readline().strip()}"
    process.terminate()
    process.wait()


def test_a_window_shows_what_is_seen_and_obeys_its_keys(screen: str, video: Path, model: Path, tmp_path: Path) -> None:
    if shutil.which("xdotool") is None:
        pytest.skip("xdotool is not installed")
    environment = {**os.environ, "DISPLAY": screen}
    with streams.Camera().running() as camera:
        command = [sys.executable, "-m", "fer_cli.main", "webcam", "--source", camera.address, "--model", str(model)]
        options = ["--detector", "skip", "--log", "log.csv", "--lecture", str(video)]
        process = subprocess.Popen([*command, *options], env=environment, stderr=subprocess.PIPE, text=True)
        _wait(lambda: _windows(environment) == {"fer webcam", "fer lecture"}, process)
        _press("s", environment)
        _wait((tmp_path / "snapshot-1.png").exists, process)
        _press("q", environment)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    picture = cv2.imread(str(tmp_path / "snapshot-1.png"))
    assert picture is not None
    assert picture.shape == (192, 192, 3)
    # The box of the face is drawn in a colour; the planted faces have none.
    assert (picture.max(2).astype(int) - picture.min(2)).max() > 100


def _windows(environment: dict[str, str]) -> set[str]:
    found = subprocess.run(
        ["xdotool", "search", "--name", "^fer ", "getwindowname", "%@"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return set(found.stdout.split("\n")) - {""}


def _press(key: str, environment: dict[str, str]) -> None:
    """Without a window manager no window has the focus until it is given it."""
    window = ["xdotool", "search", "--name", "^fer webcam$", "windowfocus", "--sync", "key", key]
    subprocess.run(window, env=environment, check=True, capture_output=True)


def _wait(done: object, process: subprocess.Popen[str] | subprocess.Popen[bytes], seconds: float = 600.0) -> None:
    assert callable(done)
    end = time.monotonic() + seconds
    while not done():
        if process.poll() is not None:
            pytest.fail(f"ended with {process.returncode}: {process.stderr.read() if process.stderr else ''}")
        assert time.monotonic() < end, "took too long"
        time.sleep(0.1)
