import os
from pathlib import Path

import numpy as np
import pytest

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.fer2013_folder import Fer2013Folder
from fer_cli.datasets.folder import ImageTree
from fer_cli.errors import InputError
from fer_cli.labels import EMOTIONS
from tests.datasets.layouts import draw_faces, read_all, write_image
from tests.helpers import splits_of


def plant(root: Path, *names: str) -> dict[str, np.ndarray]:
    """A different face at each of these paths below `root`."""
    faces = dict(zip(names, draw_faces(len(names)), strict=True))
    for name, face in faces.items():
        write_image(root / name, face)
    return faces


def rows(importer: ImageTree) -> dict[str, tuple[str, str]]:
    """source -> (split, class)."""
    records = read_all(importer)
    classes = [importer.class_names[label] for label in records.labels]
    return dict(zip(records.source, zip(splits_of(records), classes, strict=True), strict=True))


def test_class_folders_alone_are_train(tmp_path: Path) -> None:
    faces = plant(tmp_path, "sadness/1.png", "Happy/1.png", "Happy/deep/2.png")
    importer = ImageTree(tmp_path, ReadOptions())
    assert importer.class_names == ("happy", "sad")
    assert importer.rows == 3
    assert rows(importer) == {
        "Happy/1.png": ("train", "happy"),
        "Happy/deep/2.png": ("train", "happy"),
        "sadness/1.png": ("train", "sad"),
    }
    records = read_all(importer)
    assert all(np.array_equal(image, faces[name]) for name, image in zip(records.source, records.images, strict=True))


def test_split_folders_decide_the_split(tmp_path: Path) -> None:
    plant(tmp_path, "Train/awe/1.png", "validation/fear/1.png", "test/awe/1.png", "extra/awe/1.png")
    importer = ImageTree(tmp_path, ReadOptions())
    assert importer.class_names == ("fear", "awe")
    assert rows(importer) == {
        "Train/awe/1.png": ("train", "awe"),
        "validation/fear/1.png": ("val", "fear"),
        "test/awe/1.png": ("test", "awe"),
    }
    assert "extra: left out" in importer.findings.notes[0]


def test_names_that_are_not_utf8_are_kept_readable(tmp_path: Path) -> None:
    plant(tmp_path, "happy/1.png")
    odd = os.fsencode(tmp_path) + b"/happy/\xe9.png"
    try:
        (tmp_path / "happy" / "1.png").rename(os.fsdecode(odd))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert list(rows(ImageTree(tmp_path, ReadOptions()))) == ["happy/\\udce9.png"]


@pytest.mark.parametrize("content", [[], ["notes.txt"], ["happy/notes.txt"]])
def test_a_folder_without_images_is_told(tmp_path: Path, content: list[str]) -> None:
    for name in content:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(InputError, match="no images found; expected CLASS/IMAGE"):
        ImageTree(tmp_path, ReadOptions())


def test_prefixes_decide_the_split_of_fer2013(tmp_path: Path) -> None:
    plant(
        tmp_path,
        "train/happy/Training_1.png",
        "test/happy/PublicTest_1.png",
        "test/sad/PrivateTest_1.png",
        "validation/angry/7.png",
    )
    assert Fer2013Folder.detects(tmp_path)
    importer = Fer2013Folder(tmp_path, ReadOptions())
    assert importer.class_names == EMOTIONS
    assert rows(importer) == {
        "train/happy/Training_1.png": ("train", "happy"),
        "test/happy/PublicTest_1.png": ("val", "happy"),
        "test/sad/PrivateTest_1.png": ("test", "sad"),
        "validation/angry/7.png": ("val", "angry"),
    }


def test_a_plain_tree_is_not_fer2013(tmp_path: Path) -> None:
    plant(tmp_path, "train/happy/1.png")
    assert not Fer2013Folder.detects(tmp_path)
    assert not Fer2013Folder.detects(tmp_path / "train" / "happy" / "1.png")
    assert ImageTree.detects(tmp_path)


def test_an_unknown_class_of_fer2013_is_told(tmp_path: Path) -> None:
    plant(tmp_path, "train/happy/Training_1.png", "train/bored/Training_2.png")
    with pytest.raises(InputError, match=r"expected the class folders angry, .*Received: bored"):
        Fer2013Folder(tmp_path, ReadOptions())
