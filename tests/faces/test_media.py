"""Finding and decoding pictures and videos that the tests write."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_cli.errors import InputError
from fer_cli.faces.media import describe_video, expand, frames, is_video, read_picture
from tests.faces.clips import write_clip


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_sources_are_files_folders_patterns_and_lists_each_once(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "in/b.PNG", "in/deep/c.mp4", "in/notes.txt", "in/.hidden.jpg", "x1.png", "x2.png", "y.txt")
    found = expand(["a.jpg", "in", "x*.png", "**/c.mp4", "gone.jpg"])
    assert [path.as_posix() for path in found] == [
        "a.jpg", "in/b.PNG", "in/deep/c.mp4", "x1.png", "x2.png", "gone.jpg",
    ]  # fmt: skip
    assert expand(["-", "a.jpg"], io.StringIO("x2.png\n\na.jpg\n")) == [Path("x2.png"), Path("a.jpg")]
    assert expand(["-"], io.StringIO("new\nline.jpg\0a.jpg\0")) == [Path("new\nline.jpg"), Path("a.jpg")]


def test_a_folder_or_pattern_with_nothing_in_it_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "in/notes.txt")
    with pytest.raises(InputError, match="in: no picture and no video in this folder"):
        expand(["in"])
    with pytest.raises(InputError, match=r"\*\.txt: no picture and no video has such a name"):
        expand(["in/*.txt"])


def test_a_name_with_a_bracket_is_a_file_first(tmp_path: Path) -> None:
    touch(tmp_path, "a[1].jpg")
    assert expand(["a[1].jpg"]) == [Path("a[1].jpg")]


@pytest.mark.parametrize("ending", [".mp4", ".avi"])
def test_frames_come_with_number_and_time_in_rgb(tmp_path: Path, ending: str) -> None:
    path = write_clip(tmp_path / f"clip{ending}", [np.full((48, 64, 3), (200, 40, 10), np.uint8)] * 12, rate=10)
    found = list(frames(path))
    assert [frame.number for frame in found] == list(range(12))
    assert [frame.seconds for frame in found] == pytest.approx([i / 10 for i in range(12)], abs=1e-3)
    assert np.abs(found[5].image.mean((0, 1)) - (200, 40, 10)).max() < 12
    video = describe_video(path)
    assert (video.width, video.height, video.count, video.rate) == (64, 48, 12, pytest.approx(10))
    assert is_video(path)


@pytest.mark.parametrize(("every", "numbers"), [(0.5, [0, 5, 10]), (0.1, list(range(12))), (0.25, [0, 2, 5, 7, 10])])
def test_frames_are_sampled_by_time(tmp_path: Path, every: float, numbers: list[int]) -> None:
    path = write_clip(tmp_path / "clip.avi", [np.zeros((48, 64, 3), np.uint8)] * 12, rate=10)
    found = [frame.number for frame in frames(path, every)]
    assert len(found) == len(numbers)
    assert np.abs(np.array(found) - numbers).max() <= 1


def test_a_video_that_breaks_off_gives_its_good_frames_and_names_the_last(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = write_clip(tmp_path / "clip.avi", list(rng.integers(0, 255, (60, 48, 64, 3), np.uint8)), rate=10)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    seen = []

    def read() -> None:
        for frame in frames(path):
            seen.append(frame.number)  # what came before the error counts

    with pytest.raises(InputError, match=r"clip\.avi: breaks off after frame \d+ \(\d\.\d\d s\)\. Expected: 60 frames"):
        read()
    assert 10 < len(seen) < 50


def test_what_is_no_video_or_no_picture_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(InputError, match=r"text\.mp4: not a readable video"):
        list(frames(tmp_path / "text.mp4"))
    with pytest.raises(InputError, match=r"gone\.mp4: no such file"):
        list(frames(tmp_path / "gone.mp4"))
    with pytest.raises(InputError, match=r"text\.jpg: not a readable image \(10 bytes\)"):
        read_picture(tmp_path / "text.jpg")
    assert capfd.readouterr().err == ""


def test_pictures_are_read_in_rgb(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((5, 6), 90, np.uint8))
    assert read_picture(tmp_path / "grey.png").tolist() == np.full((5, 6, 3), 90).tolist()
