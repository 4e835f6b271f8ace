from pathlib import Path

import numpy as np
import pytest

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.expw import ExpW
from fer_cli.labels import EMOTIONS
from tests.datasets.layouts import Pixels, read_all
from tests.datasets.trees import labels_of, plant, prepare, refusal, subjects_of, table_of, text

#: name, face id, top, left, right, bottom, confidence, label
LINES = [
    "angry_actor_104.jpg 0 28 13 40 46 22.9362 0",
    "angry_actor_104.jpg 1 2 4 16 14 91.5 6",
    "disgust_nurse_3.jpg 0 0 0 30 30 12.1 1",
    "fear_doctor_7.jpg 0 5 5 35 35 19.0 2",
    "happy_bride_9.jpg 2 -3 -4 20 21 50.0 3",
    "sad_waiter_1.jpg 0 10 10 60 70 33.3 4",
    "surprised_chef_8.jpg 0 1 2 31 32 44.4 5",
]
CLASSES = ("angry", "neutral", "disgust", "fear", "happy", "sad", "surprise")


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, Pixels]:
    """The tree `ExpW`: six pictures, two faces in the first, two boxes that stick out, a picture without a face."""
    names = {f"image/origin/{line.split()[0]}" for line in LINES} | {"image/origin/nobody.jpg"}
    text(tmp_path / "ExpW" / "label" / "label.lst", "\n".join(LINES) + "\n\n")
    return plant(tmp_path / "ExpW", *sorted(names))


@pytest.fixture
def tree(tmp_path: Path, pictures: dict[str, Pixels]) -> Path:
    return tmp_path / "ExpW"


def write_lines(tree: Path, *lines: str) -> None:
    text(tree / "label" / "label.lst", "\n".join(lines))


def test_each_line_is_a_face_of_its_picture(tree: Path) -> None:
    importer = ExpW(tree, ReadOptions(size=24))
    records = read_all(importer)
    sources = [":".join(line.split()[:2]) for line in LINES]
    assert labels_of(importer, records) == dict(zip(sources, CLASSES, strict=True))
    assert records.source == sources
    # The faces of one picture stay together in a split by subject.
    assert subjects_of(records) == {source: source.split(":")[0] for source in sources}
    assert records.attributes["box_confidence"] == pytest.approx([float(line.split()[6]) for line in LINES])
    assert "91,793 faces expected; found 7" in importer.findings.notes[-1]


def test_the_table_is_what_was_planted(tree: Path) -> None:
    assert table_of(ExpW(tree, ReadOptions(size=24))) == {(name, "train"): 1 for name in EMOTIONS}


def test_boxes_are_top_left_right_bottom(tmp_path: Path) -> None:
    # A lossless picture under the name of a jpeg: the content decides how it is read.
    picture = plant(tmp_path, "image/origin/a.png")["image/origin/a.png"]
    (tmp_path / "image" / "origin" / "a.png").rename(tmp_path / "image" / "origin" / "a.jpg")
    write_lines(tmp_path, "a.jpg 0 3 10 34 27 1.0 3")
    importer = ExpW(tmp_path, ReadOptions())
    records = read_all(importer)
    assert np.array_equal(records.images[0], picture[3:27, 10:34])
    assert [step["name"] for step in importer.findings.transforms] == ["crop"]


def test_what_sticks_out_of_the_picture_is_cut_off(tmp_path: Path) -> None:
    plant(tmp_path, "image/origin/a.jpg")
    write_lines(tmp_path, "a.jpg 0 -3 -4 20 21 50.0 3", "a.jpg 1 10 20 90 31 50.0 3")
    shapes = [read_all(ExpW(tree_of(tmp_path, i), ReadOptions())).images.shape[1:3] for i in range(2)]
    assert shapes == [(21, 20), (21, 28)]


def tree_of(tree: Path, line: int) -> Path:
    """The same tree with one of its lines only."""
    lines = (tree / "label" / "label.lst").read_text().splitlines()
    (tree / str(line)).mkdir()
    (tree / str(line) / "image").symlink_to(tree / "image")
    write_lines(tree / str(line), lines[line])
    return tree / str(line)


def test_prepare_knows_the_layout_and_keeps_the_crop(tree: Path) -> None:
    results = prepare(tree, "--size", "24")
    assert results["table"]["happy"] == {"train": 1, "val": 0, "test": 0}
    assert results["passed_over"] == []


def test_faces_of_several_shapes_need_a_size(tree: Path) -> None:
    assert "--size and --color bring all to one shape" in refusal(tree)


def test_a_missing_picture_is_counted_and_named(tree: Path) -> None:
    (tree / "image" / "origin" / "angry_actor_104.jpg").unlink()
    importer = ExpW(tree, ReadOptions(size=24))
    assert len(read_all(importer)) == 5
    assert importer.findings.problems == [f"{tree}/image/origin/angry_actor_104.jpg: missing"] * 2
    assert importer.findings.counts == {"missing files": 2}


def test_pictures_in_another_place_are_told(tree: Path) -> None:
    (tree / "image" / "origin").rename(tree / "image" / "other")
    assert (
        "no faces found; expected image/origin/NAME, with NAME in label/label.lst; missing files: 7; the first problem:"
        in refusal(tree, "--size", "24")
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("fear_doctor_7.jpg 0 5 5 35 35 19.0 7", "line 2: expected a label of 0..6. Received: '7'"),
        ("fear_doctor_7.jpg 0 5 5 35 35 2", "line 2: expected name face_id top left right bottom confidence label"),
        ("fear_doctor_7.jpg 0 5 x 35 35 19.0 2", "line 2: expected numbers for the box"),
        ("fear_doctor_7.jpg 0 35 5 35 5 19.0 2", "line 2: expected a box with left < right and top < bottom"),
        ("fear_doctor_7.jpg 0 5 100 135 35 19.0 2", "expected a face box inside the picture of 48×48 pixels"),
    ],
)
def test_a_line_that_disagrees_is_refused(tree: Path, line: str, message: str) -> None:
    write_lines(tree, LINES[0], line, LINES[3])
    told = refusal(tree, "--size", "24")
    assert message in told
    assert "--skip-bad" in told
    results = prepare(tree, "--size", "24", "--skip-bad")
    assert results["rows"] == 2
    assert message.split(". Received")[0] in results["passed_over"][0]
