from pathlib import Path

import numpy as np
import pytest

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.rafdb import RafDb
from fer_cli.labels import EMOTIONS
from fer_cli.store.reader import open_dataset
from tests.datasets.layouts import read_all
from tests.datasets.trees import labels_of, plant, prepare, refusal, table_of, text, values_of

CODES = {1: "surprise", 2: "fear", 3: "disgust", 4: "happy", 5: "sad", 6: "angry", 7: "neutral"}
#: name -> (label, gender, race, age)
FACES = {
    **{f"train_{i:05}": (i, i % 3, i % 3, i % 5) for i in range(1, 8)},
    "train_00008": (4, 0, 1, 2),
    "test_0001": (5, 1, 2, 4),
    "test_0002": (7, 2, 0, 0),
}
GENDERS, RACES, AGES = (
    ("male", "female", "unsure"),
    ("White", "Black", "Asian"),
    ("0-3", "4-19", "20-39", "40-69", "70+"),
)


def image(name: str) -> str:
    return f"Image/aligned/{name}_aligned.jpg"


def annotation(name: str) -> Path:
    return Path("Annotation", "manual", f"{name}_manu_attri.txt")


def write_labels(tree: Path, *lines: str) -> None:
    text(tree / "EmoLabel" / "list_patition_label.txt", "".join(line + "\n" for line in lines))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """`RAF-DB/basic`, complete: labels, aligned pictures in colour, landmarks with attributes."""
    tree = tmp_path / "RAF-DB" / "basic"
    plant(tree, *map(image, FACES), color=True)
    write_labels(tree, *(f"{name}.jpg {label}" for name, (label, *_) in FACES.items()))
    for name, (_, *attributes) in FACES.items():
        landmarks = [f"{20.5 + i}\t{30.25 + i}" for i in range(5)]
        text(tree / annotation(name), "\n".join([*landmarks, *map(str, attributes), ""]))
    return tree


def test_names_give_the_split_and_labels_the_class(tree: Path) -> None:
    importer = RafDb(tree.parent, ReadOptions())
    records = read_all(importer)
    assert importer.class_names == EMOTIONS
    assert labels_of(importer, records) == {f"basic/{image(name)}": CODES[row[0]] for name, row in FACES.items()}
    assert table_of(RafDb(tree, ReadOptions())) == {
        **{(name, "train"): 2 if name == "happy" else 1 for name in EMOTIONS},
        ("sad", "test"): 1,
        ("neutral", "test"): 1,
    }
    assert importer.findings.problems == []
    assert "15,339 faces expected; found 10" in importer.findings.notes[-1]


def test_annotations_give_the_attributes(tree: Path) -> None:
    importer = RafDb(tree, ReadOptions())
    records = read_all(importer)
    for position, (name, values) in enumerate({"gender": GENDERS, "race": RACES, "age": AGES}.items(), 1):
        assert values_of(importer, records, name) == {image(n): values[row[position]] for n, row in FACES.items()}


def test_prepare_keeps_the_attributes(tree: Path) -> None:
    assert prepare(tree.parent)["table"]["sad"] == {"train": 1, "val": 0, "test": 1}
    with open_dataset(Path("out.h5")) as dataset:
        assert set(dataset.attribute_names) == {"gender", "race", "age"}
        assert dataset.attribute_values("age") == (*AGES, "unknown")


def test_a_missing_annotation_leaves_its_face_unknown(tree: Path) -> None:
    (tree / annotation("train_00008")).unlink()
    importer = RafDb(tree, ReadOptions())
    records = read_all(importer)
    name = image("train_00008")
    assert [values_of(importer, records, key)[name] for key in ("gender", "race", "age")] == [
        "unsure",
        "unknown",
        "unknown",
    ]
    assert importer.findings.problems == [f"{tree / annotation('train_00008')}: missing"]


def test_without_annotations_there_are_no_attributes(tree: Path) -> None:
    (tree / "Annotation").rename(tree / "other")
    importer = RafDb(tree, ReadOptions())
    assert read_all(importer).attributes == {}
    assert "manual: not there" in importer.findings.notes[0]


def test_a_missing_picture_is_counted_and_named(tree: Path) -> None:
    (tree / image("test_0001")).unlink()
    importer = RafDb(tree, ReadOptions())
    assert len(read_all(importer)) == 9
    assert importer.findings.problems == [f"{tree / image('test_0001')}: missing"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("test_0002.jpg 0", "line 2: expected a label of 1..7. Received: '0'"),
        ("test_0002.jpg", "line 2: expected a label of 1..7. Received: ''"),
        ("val_0002.jpg 3", "line 2: expected a line like 'train_00001.jpg 5'. Received: 'val_0002.jpg 3'"),
    ],
)
def test_a_label_of_another_form_is_refused(tree: Path, line: str, message: str) -> None:
    write_labels(tree, "test_0001.jpg 5", line)
    assert f"list_patition_label.txt: {message}" in refusal(tree)


def test_a_picture_without_a_label_is_refused(tree: Path) -> None:
    write_labels(tree, *(f"{name}.jpg {label}" for name, (label, *_) in FACES.items() if name != "test_0002"))
    assert "expected a label for every picture. Received: none for test_0002_aligned.jpg" in refusal(tree)
    results = prepare(tree, "--skip-bad")
    assert results["rows"] == 9
    assert len(results["passed_over"]) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1\t2\n" * 5 + "0\n3\n1\n", "race: expected a label of 0..2. Received: '3'"),
        ("1\t2\n" * 5 + "0\n1\n", "expected 5 lines of landmarks and 3 of attributes. Received: 7 lines"),
    ],
)
def test_an_annotation_of_another_form_is_refused(tree: Path, content: str, message: str) -> None:
    text(tree / annotation("train_00003"), content)
    assert f"train_00003_manu_attri.txt: {message}" in refusal(tree)


def test_colour_is_kept(tree: Path) -> None:
    images = read_all(RafDb(tree, ReadOptions())).images
    assert images.shape == (10, 48, 48, 3)
    assert not np.array_equal(images[..., 0], images[..., 1])
