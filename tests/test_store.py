import contextlib
import json
import resource
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_cli.errors import InputError, OutputError
from fer_cli.labels import EMOTIONS, SPLITS
from fer_cli.records import Records, concatenate
from fer_cli.store import schema
from fer_cli.store.reader import open_dataset
from fer_cli.store.writer import create_dataset
from tests.helpers import planted_records, write_dataset


@st.composite
def drawn_records(draw: st.DrawFn) -> Records:
    """Records with any mixture of columns, the splits in any order."""
    n, side = draw(st.integers(1, 40)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    names = st.text(st.characters(exclude_characters=chr(0), codec="utf-8"), max_size=3)
    votes = rng.random((n, len(EMOTIONS)), np.float32)
    return Records(
        images=rng.integers(0, 256, (n, side, side + 1, draw(st.sampled_from((1, 3)))), np.uint8),
        labels=rng.integers(0, len(EMOTIONS), n, np.uint8),
        split=rng.integers(0, 3, n, np.uint8),
        source=[f"{draw(names)}:{i}" for i in range(n)],
        votes=votes / votes.sum(1, keepdims=True) if draw(st.booleans()) else None,
        subject=[f"S{i % 3}" for i in range(n)] if draw(st.booleans()) else None,
        attributes={"glasses": rng.integers(0, 2, n, np.uint8), "yaw": rng.random(n, np.float32)}
        if draw(st.booleans())
        else {},
    )  # fmt: skip


def same(a: Records, b: Records) -> bool:
    """Whether two records agree in every column."""
    columns = [(getattr(a, name), getattr(b, name)) for name in ("images", "labels", "split", "votes")]
    columns += [(a.attributes[name], b.attributes[name]) for name in a.attributes]
    return (
        set(a.attributes) == set(b.attributes)
        and (list(a.source), a.subject) == (list(b.source), b.subject)
        and all(np.array_equal(x, y) if x is not None and y is not None else x is y for x, y in columns)
    )


@settings(max_examples=25, deadline=None)
@given(records=drawn_records(), cut=st.integers(0, 40), budget=st.sampled_from((0, 1 << 30)))
def test_what_is_written_comes_back_sorted_by_split(records: Records, cut: int, budget: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.h5")
        with create_dataset(path, EMOTIONS) as writer:
            for part in (np.arange(len(records)) < cut, np.arange(len(records)) >= cut):
                writer.append(records.take(part))
            writer.finish({"command": "test"}, [{"name": "adapt"}])
        order = np.argsort(records.split, kind="stable")
        with open_dataset(path, budget) as dataset:
            assert same(concatenate(list(dataset.records(7))), records.take(order))
            assert dataset.transforms == [{"name": "adapt"}]
            assert dataset.table().sum(0).tolist() == np.bincount(records.split, minlength=3).tolist()
            for code, split in enumerate(SPLITS):
                expected = records.images[records.split == code]
                rows = np.arange(len(expected))[::-1]
                assert np.array_equal(dataset.images(split).take(rows), expected[rows])


def test_names_of_attribute_values_come_back(tmp_path: Path) -> None:
    records = planted_records()
    coded = replace(records, attributes={"glasses": records.labels % 2, "yaw": records.labels.astype(np.float32)})
    with create_dataset(tmp_path / "a.h5", EMOTIONS, {"glasses": ("no", "yes")}) as writer:
        writer.append(coded)
        writer.finish({})
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert dataset.attribute_values("glasses") == ("no", "yes")
        assert dataset.attribute_values("yaw") is None
        with pytest.raises(InputError, match="no attribute 'age'; it has glasses, yaw"):
            dataset.attribute("age", None)


def test_rows_can_be_left_out_and_moved_at_the_end(tmp_path: Path) -> None:
    records = planted_records((6, 0, 4))
    split = records.split.copy()
    split[[1, 2]] = 1
    keep = np.ones(10, bool)
    keep[[0, 2, 9]] = False
    with create_dataset(tmp_path / "a.h5", EMOTIONS) as writer:
        writer.append(records)
        writer.finish({}, keep=keep, split=split)
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert dataset.sources("train") == ["planted:3", "planted:4", "planted:5"]
        assert dataset.sources("val") == ["planted:1"]
        assert dataset.sources("test") == ["planted:6", "planted:7", "planted:8"]
        assert np.array_equal(dataset.images("val").take([0])[0], records.images[1])


def test_a_split_beyond_the_budget_stays_on_disk(dataset: Path) -> None:
    with open_dataset(dataset, budget=30 * 24 * 24) as opened:
        train, val = opened.images("train"), opened.images("val")
        assert (train.in_memory, val.in_memory) == (False, True)
        blocks = list(train.blocks(32))
        assert [len(block) for block in blocks] == [32, 32, 6]
        assert np.array_equal(np.concatenate(blocks), planted_records().images[:70])


def test_streaming_and_sorting_need_the_memory_of_some_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BLOCK_BYTES", 1 << 20)
    block = np.zeros((256, 64, 64, 1), np.uint8)
    whole = 32 * block.nbytes
    tracemalloc.start()
    with create_dataset(tmp_path / "a.h5", EMOTIONS) as writer:
        for k in range(32):
            split = (np.arange(256) % 3).astype(np.uint8)
            writer.append(Records(block, split, split, [f"{k}:{i}" for i in range(256)]))
        writer.finish({})
    with open_dataset(tmp_path / "a.h5", budget=0) as dataset:
        assert sum(len(records) for records in dataset.records()) == 32 * 256
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < whole / 4


def test_sources_must_be_unique(tmp_path: Path) -> None:
    records = replace(planted_records((2, 0, 0)), source=["a.csv:2", "a.csv:2"])
    with pytest.raises(InputError, match=r"a\.csv:2: this source stands twice"):
        write_dataset(tmp_path / "a.h5", records)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (planted_records((2, 0, 0), channels=3), r"expected an image of \(24, 24, 1\).*--size and --color"),
        (replace(planted_records((2, 0, 0)), subject=None), "columns .* differ"),
        (replace(planted_records((2, 0, 0)), labels=np.array([0, 9], np.uint8)), "labels: expected below 7"),
    ],
)
def test_rows_unlike_those_before_are_refused(tmp_path: Path, second: Records, message: str) -> None:
    def write() -> None:
        with create_dataset(tmp_path / "a.h5", EMOTIONS) as writer:
            writer.append(planted_records((2, 0, 0)))
            writer.append(second)
            writer.finish({})

    with pytest.raises(InputError, match=message):
        write()
    assert not list(tmp_path.iterdir())


def test_a_block_that_fails_or_forgets_to_finish_publishes_nothing(tmp_path: Path) -> None:
    def write(fail: bool) -> None:
        with create_dataset(tmp_path / "a.h5", EMOTIONS) as writer:
            writer.append(planted_records())
            if fail:
                raise KeyError

    with pytest.raises(KeyError):
        write(fail=True)
    with pytest.raises(RuntimeError, match="not called"):
        write(fail=False)
    assert not list(tmp_path.iterdir())


@contextlib.contextmanager
def small_disk(size: int) -> Iterator[None]:
    """No file can grow beyond `size` bytes within the block only: the tests' own output may be a file, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 4 << 10, 60 << 10, 70 << 10, 80 << 10, 120 << 10, 200 << 10])
@pytest.mark.parametrize("shuffled", [False, True])
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, size: int, shuffled: bool) -> None:
    records = planted_records((140, 70, 70))  # 161 KB of pixels, 228 KB in all
    order = np.random.default_rng(0).permutation(len(records)) if shuffled else np.arange(len(records))
    with small_disk(size), pytest.raises(OutputError, match=r"a\.h5: cannot be written: File too large"):
        write_dataset(tmp_path / "a.h5", records.take(order))
    assert not list(tmp_path.iterdir())


def spoil(path: Path, change: Callable[[h5py.File], object]) -> None:
    with h5py.File(path, "r+") as file:
        change(file)


def put(name: str, data: object) -> Callable[[h5py.File], None]:
    """Replaces one dataset of a file."""

    def change(file: h5py.File) -> None:
        del file[name]
        if data is not None:
            file[name] = data

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.attrs.update(version=2), "version: expected 1. Received: 2"),
        (lambda f: f.attrs.update(version="new"), "version: expected 1. Received: new"),
        (lambda f: f.attrs.pop("class_names"), "attribute class_names: expected to be there"),
        (lambda f: f.attrs.update(provenance="{"), "attribute provenance: expected JSON"),
        (put("images", None), "/images: expected a dataset. Received: None"),
        (put("images", np.zeros((126, 24, 24, 1), np.float32)), "/images: expected uint8. Received: float32"),
        (put("images", np.zeros((126, 24, 24), np.uint8)), r"/images: expected \(N, H, W, 1 or 3\)"),
        (put("images", np.zeros((0, 24, 24, 1), np.uint8)), "/images: expected at least one row"),
        (put("labels", np.zeros(3, np.uint8)), "/labels: expected 126 rows"),
        (put("labels", np.full(126, 7, np.uint8)), "/labels: expected values below 7. Received: 7"),
        (put("labels", np.full(126, -1)), "/labels: expected uint8. Received: int64"),
        (put("split", np.arange(126, dtype=np.uint8) % 3), "/split: expected rows sorted by split"),
        (put("split", np.full(126, 3, np.uint8)), "/split: expected values below 3. Received: 3"),
        (lambda f: f.update(votes=np.ones((126, 7), np.float32)), "/votes: expected rows that sum to 1"),
        (lambda f: f.update(votes=np.ones((126, 2), np.float32)), r"/votes: expected \(126, 7\). Received: \(126, 2\)"),
    ],
)
def test_an_unsound_file_is_told(dataset: Path, change: Callable[[h5py.File], object], message: str) -> None:
    spoil(dataset, change)
    with pytest.raises(InputError, match=message) as caught, open_dataset(dataset):
        pass
    assert str(dataset) in str(caught.value)


def test_what_is_no_dataset_file_is_told(tmp_path: Path, dataset: Path) -> None:
    foreign, torn, plain = tmp_path / "foreign.h5", tmp_path / "torn.h5", tmp_path / "plain.h5"
    with h5py.File(foreign, "w") as file:
        file["weights"] = [1.0]
    torn.write_bytes(dataset.read_bytes()[:40_000])
    plain.write_text("emotion,pixels")
    for path, message in (
        (foreign, "an HDF5 file, but not a fer-dataset .it has weights.*fer prepare"),
        (torn, "a damaged HDF5 file"),
        (plain, "not an HDF5 file"),
        (tmp_path / "none.h5", "no such file"),
    ):
        with pytest.raises(InputError, match=message), open_dataset(path):
            pass
        assert not schema.is_dataset(path)
    assert schema.is_dataset(dataset)


def test_an_empty_split_is_told(tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "a.h5", planted_records((7, 0, 7)))
    with open_dataset(path) as dataset:
        dataset.require("train")
        with pytest.raises(InputError, match="the split 'val' is empty; filled are: train, test"):
            dataset.require("val")
        with pytest.raises(InputError, match="no split 'dev'"):
            dataset.images("dev")
        assert json.loads(json.dumps(dataset.provenance)) == {"command": "test"}
