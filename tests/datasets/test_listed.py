"""What all importers of listed faces share; JAFFE, whose files' names are its list, and ExpW stand for them."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@given(
    st.one_of(
        st.text(max_size=8), st.floats().map(str), st.sampled_from(["9" * 5000, "²", "3.0", " 2 ", "1e999", "0x1"])
    )
)
def test_any_text_is_a_code_or_refused(written: str) -> None:
    codes = {1: "a", 2: "b", 3: "c"}
    # Whatever it is, it is no other error.
    with contextlib.suppress(InputError):
        code = listed.number("labels.txt: line 1", written, codes)
        assert float(written) == code
        assert code in codes


@given(st.lists(st.binary(max_size=12), max_size=6))
def test_any_bytes_are_lines_with_their_numbers(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("lines") / "label.lst"
    path.write_bytes(b"\n".join(lines))
    for number, content in listed.read_lines(path):
        assert 1 <= number <= path.read_bytes().count(b"\n") + path.read_bytes().count(b"\r") + 1
        assert content == content.strip() != ""
        listed.readable(content).encode("utf-8")
