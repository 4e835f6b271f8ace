from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fer_cli import catalog
from fer_cli.datasets.base import Findings, ReadOptions
from fer_cli.datasets.images import read_images, walk_images
from fer_cli.errors import InputError, UsageError
from fer_cli.faces.detect import Face
from fer_cli.faces.media import read_image
from tests.datasets.layouts import draw_faces, write_image

GREY = draw_faces(1)[0]
RGB = np.concatenate(list(draw_faces(3)), axis=2)


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tiff"])
def test_lossless_formats_come_back(tmp_path: Path, ending: str) -> None:
    assert np.array_equal(read_image(write_image(tmp_path / f"a{ending}", RGB)), RGB)
    assert np.array_equal(read_image(write_image(tmp_path / f"b{ending}", RGB), "rgb"), RGB)


def test_grey_stays_grey_unless_asked(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.png", GREY)
    assert np.array_equal(read_image(path), GREY)
    assert np.array_equal(read_image(path, "rgb"), np.repeat(GREY, 3, axis=2))
    assert read_image(write_image(tmp_path / "b.png", RGB), "gray").shape == (48, 48, 1)


def test_any_file_name_is_read(tmp_path: Path) -> None:
    assert np.array_equal(read_image(write_image(tmp_path / "smileś 笑顔.png", GREY)), GREY)


@pytest.mark.parametrize("content", [b"", b"text", "torn"])
def test_an_unreadable_image_is_named(tmp_path: Path, content: bytes | str, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_image(tmp_path / "a.jpg", GREY)
    path.write_bytes(content if isinstance(content, bytes) else path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"a\.jpg: not a readable image .*--skip-bad"):
        list(read_images([path], ReadOptions(), Findings()))
    assert capfd.readouterr().err == ""


def test_walk_is_sorted_and_passes_over_what_is_no_image(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/1.JPG", "a/deep/3.jpeg", "c/notes.txt", ".hidden/4.png", "a/._5.png", "__MACOSX/6.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert [p.relative_to(tmp_path).as_posix() for p in walk_images(tmp_path)] == [
        "a/deep/3.jpeg",
        "b/1.JPG",
        "b/2.png",
    ]


def test_many_images_keep_their_order(tmp_path: Path) -> None:
    faces = draw_faces(60)
    paths = [write_image(tmp_path / f"{i}.png", face) for i, face in enumerate(faces)]
    positions, images = zip(*read_images(paths, ReadOptions(), Findings()), strict=True)
    assert np.concatenate(positions).tolist() == list(range(60))
    assert np.array_equal(np.concatenate(images), faces)


def test_bad_images_are_left_out_on_request(tmp_path: Path) -> None:
    paths = [write_image(tmp_path / f"{i}.png", face) for i, face in enumerate(draw_faces(4))]
    paths[1].write_bytes(b"")
    paths[2].unlink()
    findings = Findings()
    ((positions, images),) = read_images(paths, ReadOptions(skip_bad=True), findings)
    assert positions.tolist() == [0, 3]
    assert len(images) == 2
    assert [line.split(": ")[1] for line in findings.problems] == [
        "not a readable image (0 bytes)",
        "No such file or directory",
    ]


def test_images_of_several_shapes_need_size_and_color(tmp_path: Path) -> None:
    paths = [write_image(tmp_path / "a.png", GREY), write_image(tmp_path / "b.png", RGB[:40])]
    with pytest.raises(
        InputError, match=r"b\.png: expected an image of \(48, 48, 1\).*Received: \(40, 48, 3\); --size"
    ):
        list(read_images(paths, ReadOptions(), Findings()))
    findings = Findings()
    ((_, images),) = read_images(paths, ReadOptions(size=24, color="gray"), findings)
    assert images.shape == (2, 24, 24, 1)
    assert findings.transforms == [{"name": "adapt", "shape": [24, 24, 1]}]


class WhiteBlock:
    """A detector of white blocks, which asks for whole photos in colour."""

    def detect(self, image: npt.NDArray[np.uint8], smallest: float = 0.0) -> list[Face]:
        assert image.shape == (300, 400, 3)
        rows, columns = np.nonzero((image == 255).all(axis=2))
        if not len(rows):
            return []
        x, y = float(columns.min()), float(rows.min())
        return [Face((x, y, columns.max() - x + 1, rows.max() - y + 1), 0.9)]


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> ReadOptions:
    monkeypatch.setitem(catalog.DETECTORS, "planted", f"{__name__}:WhiteBlock")
    return ReadOptions(size=10, crop="face", detector="planted", margin=0.5, align=False)


def photo(face: bool, channels: int = 3) -> npt.NDArray[np.uint8]:
    """Dark, with a white block of 20 pixels a side; at a tenth of its size nothing of the block would be seen."""
    image = np.full((300, 400, channels), 50, np.uint8)
    if face:
        image[240:260, 30:50] = 255
    return image


def photos(folder: Path) -> list[Path]:
    return [write_image(folder / f"{i}.png", photo(face)) for i, face in enumerate((True, False, True, False))]


def test_faces_are_cut_out_of_the_whole_photo_before_it_is_resized(tmp_path: Path, planted: ReadOptions) -> None:
    findings = Findings()
    ((positions, images),) = read_images(photos(tmp_path), replace(planted, color="gray"), findings)
    assert positions.tolist() == [0, 2]
    assert images.shape == (2, 10, 10, 1)
    # A margin of one half makes the square twice the block.
    assert (images[:, 3:7, 3:7] == 255).all()
    assert (images[:, [0, -1]] == 50).all()
    assert findings.problems == [
        f"{tmp_path / name}: no face found by planted, left out" for name in ("1.png", "3.png")
    ]
    assert findings.notes == ["photos in which planted found no face (left out): 2"]
    assert findings.transforms == [
        {"name": "crop", "detector": "planted", "margin": 0.5, "align": False},
        {"name": "adapt", "shape": [10, 10, 1]},
    ]


def test_photos_without_a_face_are_kept_whole_on_request(tmp_path: Path, planted: ReadOptions) -> None:
    findings = Findings()
    ((positions, images),) = read_images(photos(tmp_path), replace(planted, no_face="keep"), findings)
    assert positions.tolist() == [0, 1, 2, 3]
    assert (images[[1, 3]] == 50).all()
    assert findings.problems == []
    assert findings.notes == ["photos in which planted found no face (kept whole): 2"]


def test_grey_photos_are_searched_too(tmp_path: Path, planted: ReadOptions) -> None:
    path = write_image(tmp_path / "a.png", photo(True, channels=1))
    ((_, images),) = read_images([path], planted, Findings())
    assert images.shape == (1, 10, 10, 1)
    assert (images[:, 3:7, 3:7] == 255).all()


def test_boxes_that_come_with_the_data_are_not_searched(tmp_path: Path, planted: ReadOptions) -> None:
    path = write_image(tmp_path / "a.png", photo(True))
    findings = Findings()
    ((_, images),) = read_images([path], planted, findings, boxes=[(30, 240, 50, 260)])
    assert (images == 255).all()
    assert [step["name"] for step in findings.transforms] == ["adapt"]


def test_crops_of_several_sizes_need_size(tmp_path: Path, planted: ReadOptions) -> None:
    larger = photo(True)
    larger[230:260, 30:60] = 255
    paths = [write_image(tmp_path / "a.png", photo(True)), write_image(tmp_path / "b.png", larger)]
    with pytest.raises(
        InputError, match=r"b\.png: expected an image of \(40, 40, 3\).*Received: \(60, 60, 3\); --size"
    ):
        list(read_images(paths, replace(planted, size=None), Findings()))


def test_an_unknown_detector_is_refused(tmp_path: Path, planted: ReadOptions) -> None:
    with pytest.raises(UsageError, match=r"unknown detector 'plant': did you mean 'planted'"):
        list(read_images(photos(tmp_path), replace(planted, detector="plant"), Findings()))
