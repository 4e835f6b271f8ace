"""What all importers of listed faces share; JAFFE, whose files' names are its list, and ExpW stand for them."""

from pathlib import Path

import pytest

from fer_cli.datasets import listed
from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.expw import ExpW
from fer_cli.datasets.jaffe import Jaffe
from fer_cli.errors import InputError
from tests.datasets.layouts import read_all
from tests.datasets.trees import plant, text

NAMES = ("KA.AN1.39.tiff", "KA.HA1.42.tiff", "KL.HA3.176.tiff")


@pytest.mark.parametrize(
    ("happy", "note"),
    [(2, "3 images expected; found 3, a complete copy"), (4, "5 images expected; found 3: train happy 2 of 4")],
)
def test_a_copy_is_compared_with_what_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, happy: int, note: str
) -> None:
    monkeypatch.setattr(Jaffe, "published", {"train": {"angry": 1, "happy": happy}})
    plant(tmp_path, *NAMES)
    importer = Jaffe(tmp_path, ReadOptions())
    read_all(importer)
    assert importer.findings.notes == [f"{tmp_path}: {note}"]


def test_of_very_many_problems_some_are_named_and_all_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "_NAMED", 2)
    plant(tmp_path, *NAMES, *(f"{i}.tiff" for i in range(5)))
    findings = Jaffe(tmp_path, ReadOptions()).findings
    assert len(findings.problems) == 2
    assert findings.counts == {"misnamed files left out": 5}


def test_a_list_whose_pictures_are_elsewhere_is_given_up_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "_HOPELESS", 3)
    text(tmp_path / "label" / "label.lst", "".join(f"{i}.jpg 0 1 2 30 40 9.5 3\n" for i in range(9)))
    with pytest.raises(InputError, match=r"no faces found; .*; missing files: 3; the first problem: .*0\.jpg: missing"):
        list(ExpW(tmp_path, ReadOptions()).records())


def test_a_list_in_several_blocks_keeps_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "_BLOCK_FACES", 2)
    plant(tmp_path, *NAMES)
    blocks = list(Jaffe(tmp_path, ReadOptions()).records())
    assert [list(block.source) for block in blocks] == [list(NAMES[:2]), list(NAMES[2:])]


def test_a_source_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: no such file or folder"):
        Jaffe(tmp_path / "none", ReadOptions())
