"""Fixtures that many tests share."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("MPLBACKEND", "agg")

import pytest

from tests import helpers


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in a folder of its own, without the caller's defaults."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FER_DATASET", raising=False)
    monkeypatch.delenv("FER_MODEL", raising=False)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A planted dataset file: 70 train, 28 val, 28 test rows of 24×24 grey, seven classes."""
    return helpers.write_dataset(tmp_path / "planted.h5")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A network that names every planted face rightly."""
    return helpers.write_model(tmp_path / "planted.keras")
