import csv
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from fer_cli.datasets import listed
from fer_cli.datasets.affectnet_csv import AffectNetCsv
from fer_cli.datasets.affectnet_folder import AffectNetFolder
from fer_cli.datasets.base import ReadOptions
from fer_cli.labels import EMOTIONS_8
from tests.datasets.layouts import read_all
from tests.datasets.trees import labels_of, plant, prepare, refusal, table_of, text

CODES = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
HEADER = [
    "subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "facial_landmarks", "expression",
    "valence", "arousal",
]  # fmt: skip
LANDMARKS = ";".join(["12.5;13.25"] * 68)
TRAIN = {f"{i % 3}/{i:08x}.jpg": i for i in range(8)} | {"689/happy.jpg": 1}
VAL = {"1/val.jpg": 6}
#: No emotion: these rows have no picture either.
OTHERS = {"2/none.jpg": 8, "2/uncertain.jpg": 9, "2/nobody.jpg": 10}
IMAGES = "Manually_Annotated_Images"


def row(name: str, code: int, box: tuple[object, ...] = (4, 6, 30, 20)) -> list[object]:
    if code == 10:
        return [name, "NULL", "NULL", "NULL", "NULL", "NULL", code, -2, -2]
    return [name, *box, LANDMARKS, code, code / 10, -code / 10]


def write_list(path: Path, rows: list[list[object]], header: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([HEADER, *rows] if header else rows)
    return path


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """The csv layout; validation.csv has no header, as in the original."""
    tree = tmp_path / "AffectNet"
    plant(tree / IMAGES, *TRAIN, *VAL, color=True)
    folder = tree / "Manually_Annotated_file_lists"
    write_list(folder / "training.csv", [row(*item) for item in (TRAIN | OTHERS).items()])
    write_list(folder / "validation.csv", [row(*item) for item in VAL.items()], header=False)
    return tree


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """The layout of two folders; labels are text in one and numbers in the other, as they are met."""
    tree = tmp_path / "AffectNet"
    plant(tree, *(f"train_set/images/{i}.jpg" for i in range(12)), "val_set/images/3.jpg", color=True)
    for i in range(12):
        label(tree, "train_set", i, exp=str(i % 8), val="0.25", aro="-0.5")
    label(tree, "val_set", 3, exp=7, val=0.5, aro=0.75)
    return tree


def label(tree: Path, name: str, number: int, **values: object) -> None:
    folder = tree / name / "annotations"
    folder.mkdir(parents=True, exist_ok=True)
    for kind, value in {**values, "lnd": np.zeros(136)}.items():
        np.save(folder / f"{number}_{kind}.npy", np.array(value))


def test_rows_of_the_lists_are_faces(lists: Path) -> None:
    importer = AffectNetCsv(lists, ReadOptions())
    records = read_all(importer)
    assert importer.class_names == EMOTIONS_8
    assert labels_of(importer, records) == {name: CODES[code] for name, code in (TRAIN | VAL).items()}
    assert table_of(AffectNetCsv(lists, ReadOptions())) == {
        **{(name, "train"): 2 if name == "happy" else 1 for name in EMOTIONS_8},
        ("angry", "val"): 1,
    }
    codes = np.array([*TRAIN.values(), *VAL.values()])
    assert records.attributes["valence"] == pytest.approx(codes / 10)
    assert records.attributes["arousal"] == pytest.approx(-codes / 10)
    assert records.attributes["valence"].dtype == np.float32


def test_what_is_no_emotion_is_counted(lists: Path) -> None:
    results = prepare(lists)
    for name in ("none", "uncertain", "no face"):
        assert f"rows left out that are labelled {name!r}: 1" in results["notes"]
    assert any("291,651 manually annotated faces expected; found 10" in note for note in results["notes"])
    assert results["passed_over"] == []


def test_boxes_are_x_y_width_height(tmp_path: Path) -> None:
    picture = plant(tmp_path, "1/a.png")["1/a.png"]
    write_list(tmp_path / "training.csv", [row("1/a.png", 3)])
    assert np.array_equal(read_all(AffectNetCsv(tmp_path, ReadOptions())).images[0], picture[6:26, 4:34])


def test_one_list_is_a_source(lists: Path) -> None:
    path = lists / "Manually_Annotated_file_lists" / "validation.csv"
    assert prepare(path)["table"]["angry"] == {"train": 0, "val": 1, "test": 0}


def test_the_automatic_list_is_read_where_it_is_named(lists: Path) -> None:
    path = write_list(lists / "Automatically_Annotated_file_lists" / "automatically_annotated.csv", [row("7/a.jpg", 5)])
    plant(lists / "Automatically_Annotated_Images", "7/a.jpg")
    assert AffectNetCsv(lists, ReadOptions()).inputs == [
        lists / "Manually_Annotated_file_lists" / name for name in ("training.csv", "validation.csv")
    ]
    results = prepare(path)
    assert results["table"]["disgust"] == {"train": 1, "val": 0, "test": 0}
    assert not any("annotated faces expected" in note for note in results["notes"])


def test_a_missing_picture_of_a_list_is_counted_and_named(lists: Path) -> None:
    (lists / IMAGES / "689" / "happy.jpg").unlink()
    results = prepare(lists)
    assert results["rows"] == 9
    assert results["passed_over"] == [f"{lists}/{IMAGES}/689/happy.jpg: missing"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (row("1/val.jpg", 11), "line 2: expected a label of 0..10. Received: '11'"),
        (row("1/val.jpg", 3, (4, 6, 0, 20)), "line 2: expected a box with width and height. Received: 0×20"),
        (row("1/val.jpg", 3, (4, "x", 9, 20)), "line 2: expected whole numbers for face_x"),
        (row("1/val.jpg", 3, (60, 6, 9, 20)), "val.jpg: expected a face box inside the picture of 48×48 pixels"),
        (row("1/val.jpg", 3)[:8], "line 2: expected 9 fields"),
        ([*row("1/val.jpg", 3)[:8], "calm"], "line 2: expected numbers for valence and arousal"),
    ],
)
def test_a_row_that_disagrees_is_refused(lists: Path, line: list[object], message: str) -> None:
    write_list(lists / "Manually_Annotated_file_lists" / "validation.csv", [row("1/val.jpg", 6), line], header=False)
    told = refusal(lists)
    assert message in told
    assert "--skip-bad" in told


def test_pictures_that_are_nowhere_are_told(lists: Path) -> None:
    (lists / IMAGES).rename(lists / "other")
    assert "training.csv: expected its pictures beside it or in Manually_Annotated_Images" in refusal(lists)


def test_a_list_of_another_kind_is_told(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "image,label\n1.jpg,3\n")
    assert not AffectNetCsv.detects(path)
    assert "a.csv: expected the header subDirectory_filePath,face_x" in refusal(path, "--format", "affectnet-csv")


def test_pictures_of_the_folders_are_faces(folders: Path) -> None:
    importer = AffectNetFolder(folders, ReadOptions())
    records = read_all(importer)
    assert importer.rows == 13
    assert labels_of(importer, records) == {
        **{f"train_set/images/{i}.jpg": CODES[i % 8] for i in range(12)},
        "val_set/images/3.jpg": "contempt",
    }
    assert list(records.source[:3]) == [f"train_set/images/{i}.jpg" for i in range(3)]
    assert table_of(AffectNetFolder(folders, ReadOptions())) == {
        **{(name, "train"): 2 if CODES.index(name) < 4 else 1 for name in EMOTIONS_8},
        ("contempt", "val"): 1,
    }
    assert records.attributes["valence"].tolist() == [0.25] * 12 + [0.5]
    assert records.attributes["arousal"].tolist() == [-0.5] * 12 + [0.75]


def test_prepare_knows_the_folders(folders: Path) -> None:
    results = prepare(folders)
    assert results["table"]["contempt"] == {"train": 1, "val": 1, "test": 0}
    assert any("291,650 manually annotated faces expected" in note for note in results["notes"])


def test_a_missing_label_file_is_counted_and_named(folders: Path) -> None:
    (folders / "train_set" / "annotations" / "5_val.npy").unlink()
    results = prepare(folders)
    assert results["rows"] == 12
    assert results["passed_over"] == [f"{folders}/train_set/annotations/5_val.npy: missing"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("happy", "5_exp.npy: expected a label of 0..10. Received: 'happy'"),
        (np.zeros(3), "5_exp.npy: expected an .npy file of one value"),
        (np.array(None), "5_exp.npy: expected an .npy file of one value"),
    ],
)
def test_a_label_file_of_another_form_is_refused(folders: Path, value: object, message: str) -> None:
    np.save(folders / "train_set" / "annotations" / "5_exp.npy", np.array(value), allow_pickle=True)
    assert message in refusal(folders)


def test_rows_are_read_as_they_are_needed(lists: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "_BLOCK_FACES", 16)
    count = 20_000
    path = write_list(lists / "training.csv", [row("1/val.jpg", i % 8) for i in range(count)])
    importer = AffectNetCsv(path, ReadOptions(size=8))
    tracemalloc.start()
    try:
        first = next(importer.records())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(first) == 16
    # Twenty thousand faces of a few hundred bytes would take several megabytes.
    assert peak < 1 << 20
