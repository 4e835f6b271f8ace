from pathlib import Path

import pytest

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.ckplus48 import CkPlus48
from tests.datasets.layouts import read_all
from tests.datasets.trees import labels_of, plant, prepare, refusal, subjects_of, table_of

FOLDERS = {
    "anger": "angry", "contempt": "contempt", "disgust": "disgust", "fear": "fear", "happy": "happy",
    "sadness": "sad", "surprise": "surprise",
}  # fmt: skip
NAMES = [
    f"{folder}/S{10 + i:03}_{i + 1:03}_{frame:08}.png" for i, folder in enumerate(FOLDERS) for frame in (17, 18, 19)
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three frames of one sequence a class, each of another person."""
    plant(tmp_path / "CK+48", *NAMES)
    return tmp_path / "CK+48"


def test_names_give_class_and_person(tree: Path) -> None:
    importer = CkPlus48(tree, ReadOptions())
    records = read_all(importer)
    assert importer.class_names == ("angry", "disgust", "fear", "happy", "sad", "surprise", "contempt")
    assert labels_of(importer, records) == {name: FOLDERS[name.split("/")[0]] for name in NAMES}
    assert subjects_of(records) == {name: name.split("/")[1][:4] for name in NAMES}
    assert "981 images of 327 labelled sequences expected; found 21" in importer.findings.notes[-1]


def test_prepare_tells_it_from_other_trees(tree: Path, tmp_path: Path) -> None:
    assert prepare(tree)["table"]["contempt"] == {"train": 3, "val": 0, "test": 0}
    plant(tmp_path / "other", "train/happy/S010_004_00000017.png", "test/sad/S011_004_00000017.png")
    assert not CkPlus48.detects(tmp_path / "other")
    assert prepare(tmp_path / "other")["table"]["sad"]["test"] == 1


def test_a_misnamed_file_is_counted_and_named(tree: Path) -> None:
    plant(tree, "happy/copy.png")
    importer = CkPlus48(tree, ReadOptions())
    assert table_of(importer) == {(name, "train"): 3 for name in FOLDERS.values()}
    assert "happy/copy.png: misnamed" in importer.findings.problems[0]


def test_a_folder_that_is_no_class_is_refused(tree: Path) -> None:
    plant(tree, "neutral/S010_005_00000001.png")
    assert "neutral: expected the class folders angry" in refusal(tree)


def test_a_sequence_in_two_classes_is_refused(tree: Path) -> None:
    plant(tree, "sadness/S010_001_00000020.png")
    assert "S010_001_00000020.png: expected its sequence in one class, angry as before. Received: sad" in refusal(tree)
    assert len(prepare(tree, "--skip-bad")["passed_over"]) == 1
