from pathlib import Path

import numpy as np
import pytest

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.kdef import Kdef
from fer_cli.labels import EMOTIONS
from fer_cli.store.reader import open_dataset
from tests.datasets.layouts import read_all, write_image
from tests.datasets.trees import labels_of, plant, prepare, refusal, subjects_of, table_of, values_of

CODES = {"AF": "fear", "AN": "angry", "DI": "disgust", "HA": "happy", "NE": "neutral", "SA": "sad", "SU": "surprise"}
ANGLES = {"FL": "full left", "HL": "half left", "S": "straight", "HR": "half right", "FR": "full right"}
PERSONS = ("AF01", "BF01", "AM35")
NAMES = [f"{person}/{person}{code}{angle}.JPG" for person in PERSONS for code in CODES for angle in ANGLES]
BLACK = ("AM35/AM35SAHL.JPG", "AM35/AM35SAS.JPG")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three folders of two persons, with the errata of the original: truncated names and black pictures."""
    plant(tmp_path / "KDEF", *NAMES, "AF31/AF31V.JPG", "AM31/AM31H.JPG", color=True)
    for name in BLACK:
        write_image(tmp_path / "KDEF" / name, np.zeros((48, 48, 3), np.uint8))
    return tmp_path / "KDEF"


def test_the_table_is_what_was_planted_less_the_errata(tree: Path) -> None:
    importer = Kdef(tree, ReadOptions())
    # Three folders × five angles a class; two of the sad ones are black.
    assert table_of(importer) == {(name, "train"): 13 if name == "sad" else 15 for name in EMOTIONS}
    problems = [line.removeprefix(f"{tree}/").split(",")[0] for line in importer.findings.problems]
    assert sorted(problems) == [
        "AF31/AF31V.JPG: misnamed",
        "AM31/AM31H.JPG: misnamed",
        *(f"{name}: a black picture" for name in BLACK),
    ]
    assert importer.findings.counts == {"black pictures left out": 2, "misnamed files left out": 2}
    assert "4,900 photos expected; found 103" in importer.findings.notes[-1]


def test_names_give_class_person_and_attributes(tree: Path) -> None:
    importer = Kdef(tree, ReadOptions())
    records = read_all(importer)
    sources = sorted(set(NAMES) - set(BLACK))
    assert records.source == sources
    assert labels_of(importer, records) == {name: CODES[name[9:11]] for name in sources}
    assert values_of(importer, records, "angle") == {name: ANGLES[name[11:-4]] for name in sources}
    assert values_of(importer, records, "session") == {name: name[0] for name in sources}
    assert values_of(importer, records, "gender") == {name: {"F": "female", "M": "male"}[name[1]] for name in sources}


def test_both_sessions_are_of_one_person(tree: Path) -> None:
    subjects = subjects_of(read_all(Kdef(tree, ReadOptions())))
    assert subjects["AF01/AF01ANS.JPG"] == subjects["BF01/BF01ANS.JPG"] == "F01"
    assert set(subjects.values()) == {"F01", "M35"}


def test_a_split_by_subject_keeps_both_sessions_together(tree: Path) -> None:
    prepare(tree, "--split", "subject:1/2")
    with open_dataset(Path("out.h5")) as dataset:
        persons = [set(dataset.subjects(split) or ()) for split in ("train", "test")]
        sessions = [{source[:4] for source in dataset.sources(split)} for split in ("train", "test")]
    assert sorted(persons, key=sorted) == [{"F01"}, {"M35"}]
    assert sorted(sessions, key=sorted) == [{"AF01", "BF01"}, {"AM35"}]


def test_a_file_in_the_folder_of_another_person_is_misnamed(tmp_path: Path) -> None:
    plant(tmp_path, "AF01/AF01ANS.JPG", "AF01/AF02ANS.JPG", "AF01/AF36ANS.JPG")
    importer = Kdef(tmp_path, ReadOptions())
    assert importer.rows == 1
    assert len(importer.findings.problems) == 2


def test_dark_is_not_black(tmp_path: Path) -> None:
    plant(tmp_path, "AF01/AF01ANS.JPG")
    write_image(tmp_path / "AF01" / "AF01HAS.JPG", np.full((48, 48, 1), 30, np.uint8))
    assert len(read_all(Kdef(tmp_path, ReadOptions()))) == 2


def test_prepare_knows_the_layout(tree: Path) -> None:
    results = prepare(tree, "--size", "24")
    assert results["table"]["sad"] == {"train": 13, "val": 0, "test": 0}
    assert len(results["passed_over"]) == 4


def test_an_unreadable_photo_is_exit_3(tree: Path) -> None:
    (tree / "AF01" / "AF01ANS.JPG").write_bytes(b"")
    assert "AF01ANS.JPG: not a readable image (0 bytes); --skip-bad" in refusal(tree)
