from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.dataset_file import DatasetFile
from fer_cli.datasets.fer2013_hdf5 import Fer2013Hdf5
from fer_cli.errors import InputError
from fer_cli.labels import EMOTIONS
from fer_cli.store.writer import create_dataset
from tests.datasets.layouts import draw_faces, read_all
from tests.helpers import planted_records, splits_of

FACES = draw_faces(5)


def write_hdf5(path: Path, **datasets: npt.ArrayLike) -> Path:
    with h5py.File(path, "w") as file:
        for name, data in datasets.items():
            file[name] = data
    return path


@pytest.mark.parametrize("shape", [(2304,), (48, 48), (48, 48, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_the_widespread_conversion(tmp_path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
    path = write_hdf5(
        tmp_path / "data.h5",
        PublicTest_pixel=FACES[3:].reshape(2, *shape).astype(dtype),
        PublicTest_label=np.array([6, 0]),
        Training_pixel=FACES[:3].reshape(3, *shape).astype(dtype),
        Training_label=np.array([[1], [2], [3]]),
    )
    assert Fer2013Hdf5.detects(path)
    importer = Fer2013Hdf5(path, ReadOptions())
    records = read_all(importer)
    assert importer.rows == 5
    assert np.array_equal(records.images, FACES)
    assert records.labels.tolist() == [1, 2, 3, 6, 0]
    assert splits_of(records) == ["train"] * 3 + ["val"] * 2
    assert records.source[2:4] == ["data.h5:Training:2", "data.h5:PublicTest:0"]


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ({"weights": [1.0]}, "an HDF5 file of another kind; .*Received: weights"),
        ({}, "an HDF5 file of another kind; .*Received: nothing"),
        ({"Training_pixel": FACES}, "Training_label: expected beside Training_pixel"),
        ({"Training_pixel": FACES, "Training_label": [1, 2]}, "Training_label: expected 5 values"),
        ({"Training_pixel": FACES[:, :40], "Training_label": [1] * 5}, r"Training_pixel: expected \(N, 2304\)"),
        ({"Training_pixel": FACES, "Training_label": [0, 1, 7, 0, 0]}, r"row 2: .*0\.\.6. Received: 7"),
        ({"Training_pixel": FACES / 255, "Training_label": [0] * 5}, r"row 0: expected whole numbers in 0\.\.255"),
        ({"Training_pixel": FACES.astype(int) - 9, "Training_label": [0] * 5}, r"Training_pixel: row 0: .*Received: -"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, datasets: dict[str, npt.ArrayLike], message: str) -> None:
    path = write_hdf5(tmp_path / "data.h5", **datasets)
    with pytest.raises(InputError, match=rf"data\.h5: .*{message}"):
        read_all(Fer2013Hdf5(path, ReadOptions()))


def test_a_dataset_file_comes_back_with_all_columns(tmp_path: Path) -> None:
    records = planted_records((4, 2, 1))
    full = replace(
        records,
        votes=np.full((7, 7), 1 / 7, np.float32),
        attributes={"glasses": records.labels % 2, "yaw": np.linspace(0, 1, 7, dtype=np.float32)},
    )
    with create_dataset(tmp_path / "a.h5", EMOTIONS, {"glasses": ("no", "yes")}) as writer:
        writer.append(full)
        writer.finish({}, [{"name": "adapt", "shape": [24, 24, 1]}])
    assert DatasetFile.detects(tmp_path / "a.h5")
    importer = DatasetFile(tmp_path / "a.h5", ReadOptions())
    back = read_all(importer)
    assert (importer.class_names, importer.rows) == (EMOTIONS, 7)
    assert importer.attribute_values == {"glasses": ("no", "yes")}
    assert importer.findings.transforms == [{"name": "adapt", "shape": [24, 24, 1]}]
    assert (back.source, back.subject) == (full.source, full.subject)
    for name in ("images", "labels", "split", "votes"):
        assert np.array_equal(getattr(back, name), getattr(full, name))
    for name, column in full.attributes.items():
        assert np.array_equal(back.attributes[name], column)


def test_other_files_are_not_taken_for_datasets(tmp_path: Path) -> None:
    text = tmp_path / "a.h5"
    text.write_text("no HDF5")
    assert not DatasetFile.detects(write_hdf5(tmp_path / "b.h5", weights=[1.0]))
    assert not DatasetFile.detects(text)
    assert not DatasetFile.detects(tmp_path)
    with pytest.raises(InputError, match=r"a\.h5: not an HDF5 file"):
        Fer2013Hdf5(text, ReadOptions())
