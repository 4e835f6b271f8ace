from pathlib import Path

import numpy as np
import pytest

from fer_cli.datasets.base import Findings, ReadOptions
from fer_cli.datasets.images import read_image, read_images, walk_images
from fer_cli.errors import InputError
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
