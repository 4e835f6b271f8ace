from pathlib import Path

import numpy as np
import pytest

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.ckplus import CkPlus
from tests.datasets.layouts import Pixels, read_all
from tests.datasets.trees import labels_of, plant, prepare, refusal, subjects_of, table_of, text

#: sequence -> (number of frames, what the label file holds, the class)
SEQUENCES = {
    "S005_001": (11, "   3.0000000e+00\n", "disgust"),
    "S010_002": (6, "   7.0000000e+00\n", "surprise"),
    "S010_004": (8, "   1.0000000e+00\n", "angry"),
    "S011_005": (5, "   4.0000000e+00\n", "fear"),
    "S501_001": (4, "   2.0000000e+00\n", "contempt"),
    "S502_002": (7, "   5.0000000e+00\n", "happy"),
    "S999_003": (9, "   6.0000000e+00\n", "sad"),
}
CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "contempt")


def frame(sequence: str, number: int) -> str:
    person, take = sequence.split("_")
    return f"cohn-kanade-images/{person}/{take}/{sequence}_{number:08}.png"


def label(sequence: str, number: int) -> str:
    person, take = sequence.split("_")
    return f"Emotion/{person}/{take}/{sequence}_{number:08}_emotion.txt"


@pytest.fixture
def faces(tmp_path: Path) -> dict[str, Pixels]:
    """The tree `CK+`: labelled sequences, one without a label and its empty folder, and a file of the Finder's."""
    tree = tmp_path / "CK+"
    planted = plant(tree, *(frame(name, i + 1) for name, (count, _, _) in SEQUENCES.items() for i in range(count)))
    for name, (count, content, _) in SEQUENCES.items():
        text(tree / label(name, count), content)
    plant(tree, *(frame("S005_002", i) for i in (1, 2, 3, 4)))
    (tree / "Emotion" / "S005" / "002").mkdir()
    text(tree / "cohn-kanade-images" / "S010" / "002" / ".DS_Store", "")
    return planted


@pytest.fixture
def tree(tmp_path: Path, faces: dict[str, Pixels]) -> Path:
    return tmp_path / "CK+"


def test_the_last_three_frames_show_the_emotion(tree: Path, faces: dict[str, Pixels]) -> None:
    importer = CkPlus(tree, ReadOptions())
    records = read_all(importer)
    expected = {frame(name, count - i): emotion for name, (count, _, emotion) in SEQUENCES.items() for i in range(3)}
    assert importer.class_names == CLASSES
    assert labels_of(importer, records) == expected
    assert subjects_of(records) == {name: name.split("/")[1] for name in expected}
    assert all(np.array_equal(image, faces[name]) for name, image in zip(records.source, records.images, strict=True))
    assert importer.findings.problems == []
    assert "981 images of 327 labelled sequences expected; found 21" in importer.findings.notes[-1]


def test_first_frames_are_neutral_on_request(tree: Path) -> None:
    importer = CkPlus(tree, ReadOptions(neutral_first=True))
    assert importer.class_names == (*CLASSES[:-1], "neutral", "contempt")
    assert table_of(importer) == {**{(name, "train"): 3 for name in CLASSES}, ("neutral", "train"): 7}
    neutral = [source for source, name in labels_of(importer, read_all(importer)).items() if name == "neutral"]
    assert sorted(neutral) == sorted(frame(name, 1) for name in SEQUENCES)


def test_prepare_knows_the_layout(tree: Path) -> None:
    assert prepare(tree)["table"]["fear"] == {"train": 3, "val": 0, "test": 0}
    assert prepare(tree, "--neutral-first")["table"]["neutral"] == {"train": 7, "val": 0, "test": 0}


def test_a_missing_peak_leaves_its_sequence_out(tree: Path) -> None:
    (tree / frame("S010_002", 6)).unlink()
    importer = CkPlus(tree, ReadOptions())
    assert table_of(importer) == {(name, "train"): 3 for name in CLASSES if name != "surprise"}
    assert importer.findings.problems == [f"{tree / frame('S010_002', 6)}: missing"]
    assert importer.findings.counts == {"missing files": 1}


def test_another_missing_frame_is_named_and_an_earlier_one_taken(tree: Path) -> None:
    (tree / frame("S010_002", 5)).unlink()
    importer = CkPlus(tree, ReadOptions())
    assert {frame("S010_002", i) for i in (3, 4, 6)} < set(read_all(importer).source)
    assert importer.findings.problems == [f"{tree / frame('S010_002', 5)}: missing"]


def test_a_sequence_without_its_pictures_is_named(tree: Path) -> None:
    text(tree / label("S504_001", 12), "   5.0000000e+00\n")
    importer = CkPlus(tree, ReadOptions())
    assert importer.rows == 21
    assert importer.findings.problems == [f"{tree / frame('S504_001', 12)}: missing"]


def test_misnamed_files_are_counted_and_named(tree: Path) -> None:
    plant(tree, "cohn-kanade-images/S010/002/S011_002_00000009.png")
    text(tree / "Emotion" / "S005" / "001" / "S006_001_00000011_emotion.txt", "3.0")
    importer = CkPlus(tree, ReadOptions())
    assert importer.rows == 21
    assert sorted(line.split(": misnamed")[0].split("/")[-1] for line in importer.findings.problems) == [
        "S006_001_00000011_emotion.txt",
        "S011_002_00000009.png",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("   8.0000000e+00\n", "expected a label of 0..7. Received: '8.0000000e+00'"),
        ("anger", "expected a label of 0..7. Received: 'anger'"),
        ("", "expected a label of 0..7. Received: ''"),
        ("   0.0000000e+00\n", "expected the label of an emotion. Received: neutral"),
    ],
)
def test_a_label_that_is_no_emotion_is_refused(tree: Path, content: str, message: str) -> None:
    text(tree / label("S005_001", 11), content)
    told = refusal(tree)
    assert f"S005_001_00000011_emotion.txt: {message}" in told
    assert "--skip-bad" in told
    results = prepare(tree, "--skip-bad")
    assert results["table"]["disgust"]["train"] == 0
    assert "S005_001_00000011_emotion.txt" in results["passed_over"][0]


def test_a_label_that_is_not_of_the_last_frame_is_refused(tree: Path) -> None:
    plant(tree, frame("S010_004", 9))
    assert "S010_004_00000008_emotion.txt: expected the label of the last frame, 9. Received: that of 8" in refusal(
        tree
    )


def test_two_labels_of_one_sequence_are_refused(tree: Path) -> None:
    text(tree / label("S005_001", 10), "   3.0000000e+00\n")
    assert "001: expected one label. Received: 2" in refusal(tree)


def test_a_tree_without_labels_is_told(tree: Path) -> None:
    (tree / "Emotion").rename(tree / "Labels")
    assert "Emotion: expected the folder Emotion of CK+" in refusal(tree)
