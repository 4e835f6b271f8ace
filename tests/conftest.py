"""Fixtures that many tests share."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as `framework.load` does, which comes too late for some tests
os.environ.setdefault("MPLBACKEND", "agg")

import pytest
from hypothesis import settings

from tests import browser, helpers

# The same examples every time, on however slow a machine.
settings.register_profile("fer", derandomize=True, deadline=None, max_examples=50, database=None)
settings.load_profile("fer")


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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One headless Chromium for a module's tests: playwright keeps an event loop running, on which others stumble."""
    with browser.chromium() as started:
        yield started


@pytest.fixture
def chromium_page(chromium: Any) -> Iterator[browser.Page]:
    """An empty page in headless Chromium, which must have met with no problem at the end of the test."""
    page = browser.Page(chromium)
    yield page
    page.tab.close()
    assert page.problems == []


@pytest.fixture
def one_thread() -> Iterator[None]:
    """OpenMP with one thread: on a busy machine several wait for each other, and small work takes minutes."""
    import threadpoolctl

    with threadpoolctl.threadpool_limits(1, user_api="openmp"):
        yield
