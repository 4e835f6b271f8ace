import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.fer2013_csv import Fer2013Csv
from fer_cli.errors import InputError
from tests.datasets.layouts import draw_faces, pixel_text, read_all, write_csv, write_fer2013
from tests.helpers import splits_of

FACES = draw_faces(4)
TEXTS = [pixel_text(face) for face in FACES]
LABELS = [6, 0, 3, 1]
USAGES = ["Training", "Training", "PublicTest", "PrivateTest"]


def test_fer2013_csv(tmp_path: Path) -> None:
    path = write_fer2013(tmp_path / "fer2013.csv", FACES, LABELS, USAGES)
    assert Fer2013Csv.detects(path)
    records = read_all(Fer2013Csv(path, ReadOptions()))
    assert np.array_equal(records.images, FACES)
    assert records.labels.tolist() == LABELS
    assert splits_of(records) == ["train", "train", "val", "test"]
    assert records.source == [f"fer2013.csv:{line}" for line in (2, 3, 4, 5)]


@pytest.mark.parametrize(
    ("header", "order"),
    [
        (("emotion", " Usage", " pixels"), (0, 2, 1)),  # icml_face_data.csv
        (('"Usage"', '"emotion"', '"pixels"'), (2, 0, 1)),
        (("\ufeffemotion", "pixels", "Usage"), (0, 1, 2)),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_columns_are_found_by_name(tmp_path: Path, header: tuple[str, ...], order: tuple[int, ...], end: str) -> None:
    rows = [(label, f'"{text}"', usage) for label, text, usage in zip(LABELS, TEXTS, USAGES, strict=True)]
    path = write_csv(tmp_path / "a.csv", [[row[i] for i in order] for row in rows], header, end)
    records = read_all(Fer2013Csv(path, ReadOptions()))
    assert np.array_equal(records.images, FACES)
    assert records.labels.tolist() == LABELS
    assert splits_of(records) == ["train", "train", "val", "test"]


def test_without_usage_all_is_train(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "train.csv", zip(LABELS, TEXTS, strict=True), ("emotion", "pixels"))
    assert splits_of(read_all(Fer2013Csv(path, ReadOptions()))) == ["train"] * 4


def test_many_rows_come_in_blocks(tmp_path: Path) -> None:
    faces = draw_faces(1030)
    path = write_fer2013(tmp_path / "a.csv", faces, [2] * 1030, ["Training"] * 1030)
    blocks = list(Fer2013Csv(path, ReadOptions()).records())
    assert [len(block) for block in blocks] == [1024, 6]
    assert np.array_equal(np.concatenate([block.images for block in blocks]), faces)


def test_blank_lines_are_passed_over(tmp_path: Path) -> None:
    path = write_fer2013(tmp_path / "a.csv", FACES, LABELS, USAGES)
    path.write_text(path.read_text().replace("\n0,", "\n\n0,") + "\n \n")
    assert read_all(Fer2013Csv(path, ReadOptions())).source[1] == "a.csv:4"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((0, TEXTS[0] + " 1", "Training"), "expected 2304 pixels. Received: 2305"),
        ((0, TEXTS[0].rsplit(" ", 1)[0], "Training"), "expected 2304 pixels. Received: 2303"),
        ((0, TEXTS[0].rsplit(" ", 1)[0] + " 256", "Training"), r"pixel 2303: expected a whole number in 0\.\.255"),
        ((0, TEXTS[0].rsplit(" ", 1)[0] + " a", "Training"), "pixel 2303: .*Received: 'a'"),
        ((7, TEXTS[0], "Training"), "expected an emotion of 0, 1, 2, 3, 4, 5, 6. Received: '7'"),
        (("happy", TEXTS[0], "Training"), "expected an emotion .*Received: 'happy'"),
        ((0, TEXTS[0], "Testing"), "expected a Usage of Training, PublicTest, PrivateTest. Received: 'Testing'"),
        ((0, TEXTS[0]), r"expected 3 columns \(emotion, pixels, Usage\). Received: 2"),
    ],
)
def test_a_faulty_row_is_named_with_its_line(tmp_path: Path, row: tuple[object, ...], message: str) -> None:
    path = write_csv(tmp_path / "a.csv", [(1, TEXTS[1], "Training"), row, (1, TEXTS[2], "Training")])
    with pytest.raises(InputError, match=rf"a\.csv: line 3: {message}"):
        read_all(Fer2013Csv(path, ReadOptions()))


@pytest.mark.parametrize("cut", [4, 30, 5000])
def test_a_truncated_file_is_told(tmp_path: Path, cut: int) -> None:
    path = write_fer2013(tmp_path / "a.csv", FACES, LABELS, USAGES)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(InputError, match=r"a\.csv: line 5: expected"):
        read_all(Fer2013Csv(path, ReadOptions()))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"pixels\n1 2 3\n", "expected a column emotion. Received: pixels; images without labels make no dataset"),
        (b"name,age\n", "expected the header emotion,pixels,Usage. Received: 'name,age'"),
        (b"\x1f\x8b\x00\xff\xfe", "expected the header"),
    ],
)
def test_another_header_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "test.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"test\.csv: {message}"):
        Fer2013Csv(path, ReadOptions())


ROW = st.tuples(
    st.integers(0, 6), st.sampled_from(["Training", "PublicTest", "PrivateTest"]), st.integers(0, 2**32 - 1)
)


@given(
    st.lists(ROW, min_size=1, max_size=5),
    st.permutations(["emotion", "pixels", "Usage"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_rows_come_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, int]], order: list[str], end: str
) -> None:
    faces = np.concatenate([draw_faces(1, seed) for *_, seed in rows])
    cells = [
        {"emotion": label, "Usage": usage, "pixels": pixel_text(face)}
        for (label, usage, _), face in zip(rows, faces, strict=True)
    ]
    path = tmp_path_factory.mktemp("csv") / "fer2013.csv"
    write_csv(path, [[row[name] for name in order] for row in cells], order, end)
    records = read_all(Fer2013Csv(path, ReadOptions()))
    assert np.array_equal(records.images, faces)
    assert records.labels.tolist() == [label for label, *_ in rows]
    assert splits_of(records) == [
        {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}[u] for _, u, _ in rows
    ]


@given(st.integers(0, 60), st.one_of(st.binary(max_size=9), st.sampled_from([b",", b"9" * 5000, b"\0", "²".encode()])))
def test_any_damage_is_read_or_refused_with_its_file(
    tmp_path_factory: pytest.TempPathFactory, place: int, put: bytes
) -> None:
    path = write_fer2013(tmp_path_factory.mktemp("csv") / "fer2013.csv", FACES[:1], [6], ["Training"])
    data = path.read_bytes()
    path.write_bytes(data[:place] + put + data[place + len(put) :])
    # Whatever it is, it is no other error.
    with contextlib.suppress(InputError):
        assert all(part.images.shape == (1, 48, 48, 1) for part in Fer2013Csv(path, ReadOptions()).records())
