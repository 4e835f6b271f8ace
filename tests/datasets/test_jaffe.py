from pathlib import Path

import numpy as np

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.jaffe import Jaffe
from fer_cli.labels import EMOTIONS
from tests.datasets.layouts import read_all
from tests.datasets.trees import labels_of, plant, prepare, refusal, subjects_of, table_of

NAMES = {
    "KA.AN1.39.tiff": "angry",
    "KA.DI1.42.tiff": "disgust",
    "KL.FE3.176.tiff": "fear",
    "KL.HA2.159.tiff": "happy",
    "YM.NE1.49.tiff": "neutral",
    "YM.SA1.55.tiff": "sad",
    "YM.SU2.59.tiff": "surprise",
    "YM.SU3.60.tiff": "surprise",
}


def test_names_give_class_and_person(tmp_path: Path) -> None:
    faces = plant(tmp_path, *NAMES)
    importer = Jaffe(tmp_path, ReadOptions())
    records = read_all(importer)
    assert importer.rows == len(NAMES)
    assert importer.class_names == EMOTIONS
    assert labels_of(importer, records) == NAMES
    assert subjects_of(records) == {name: name[:2] for name in NAMES}
    assert all(np.array_equal(image, faces[name]) for name, image in zip(records.source, records.images, strict=True))


def test_a_misnamed_file_is_counted_and_named(tmp_path: Path) -> None:
    plant(tmp_path, *NAMES, "KA.XX1.39.tiff", "KA_AN_40.tiff")
    importer = Jaffe(tmp_path, ReadOptions())
    assert table_of(importer) == {
        ("surprise", "train"): 2,
        **{(name, "train"): 1 for name in EMOTIONS if name != "surprise"},
    }
    assert len(importer.findings.problems) == 2
    assert "KA.XX1.39.tiff: misnamed, left out" in importer.findings.problems[0]
    assert importer.findings.counts["misnamed files left out"] == 2
    assert f"{tmp_path}: 213 images expected; found 8: train angry 1 of 30, " in importer.findings.notes[-1]


def test_prepare_knows_the_layout(tmp_path: Path) -> None:
    plant(tmp_path / "jaffe", *NAMES)
    results = prepare(tmp_path / "jaffe")
    assert results["table"]["surprise"] == {"train": 2, "val": 0, "test": 0}


def test_a_folder_without_such_names_is_refused(tmp_path: Path) -> None:
    plant(tmp_path / "jaffe", "happy/1.png")
    assert "no images found; expected KA.AN1.39.tiff; misnamed files left out: 1; the first problem:" in refusal(
        tmp_path / "jaffe", "--format", "jaffe"
    )
