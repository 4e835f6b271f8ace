"""Where live frames come from: files, streams on this machine, and cameras that are not there."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from fer_cli.errors import InputError, MissingError
from fer_cli.live.source import open_source
from tests.live import streams


def quiet(text: str) -> None:
    """Hears nothing."""


def test_a_file_gives_every_frame_at_its_time(tmp_path: Path) -> None:
    path = streams.write_video(tmp_path / "faces.avi", [0] * 12)
    source = open_source(str(path), None, 0.0, quiet)
    assert not source.live
    assert [frame.seconds for frame in source.frames()] == pytest.approx(np.arange(12) / streams.RATE, abs=1e-3)


def test_a_limit_leaves_frames_of_a_file_out(tmp_path: Path) -> None:
    path = streams.write_video(tmp_path / "faces.avi", [0] * 12)
    assert len(list(open_source(str(path), 5.0, 0.0, quiet).frames())) == 6


def test_a_stream_gives_frames_of_now_and_ends_when_asked() -> None:
    with streams.Camera().running() as camera:
        source = open_source(camera.address, None, 0.0, quiet)
        found = list(itertools.islice(source.frames(), 3))
        source.close()
    assert source.live
    assert [frame.number for frame in found] == [0, 1, 2]
    times = [frame.seconds or 0.0 for frame in found]
    assert times == sorted(times)
    assert np.abs(found[0].image.astype(int) - streams.planted_frame(3)).mean() < 10


def test_a_stream_that_drops_is_found_again() -> None:
    heard: list[str] = []
    with streams.Camera(frames=10, refuse=1).running() as camera:
        source = open_source(camera.address, None, 20.0, heard.append)
        for _ in source.frames():
            if camera.connections >= 3 and any("is back" in line for line in heard):
                break
        source.close()
    assert f"{camera.address} is lost; trying again for 20 s" in heard
    assert f"{camera.address} is back" in heard


def test_a_stream_that_stays_away_is_told_with_what_came_before() -> None:
    with streams.Camera(frames=5, refuse=1000).running() as camera:
        source = open_source(camera.address, None, 0.8, quiet)
        with pytest.raises(MissingError, match=r"gives no more frames \(lost after \d+ of them\)"):
            list(source.frames())


def test_what_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="camera 63 cannot be opened: no such camera, or another program has it"):
        open_source("63", None, 0.0, quiet)
    with pytest.raises(MissingError, match="cannot be opened: no answer"):
        open_source("http://127.0.0.1:9/video", None, 0.0, quiet)
    with pytest.raises(InputError, match="no such file"):
        list(open_source(str(tmp_path / "none.mp4"), None, 0.0, quiet).frames())
