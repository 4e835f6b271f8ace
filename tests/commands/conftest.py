"""Fixtures that tests of commands share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fer_cli.store.reader import Dataset, open_dataset
from tests.helpers import run_fer

Prepare = Callable[..., Dataset]


@pytest.fixture
def prepare() -> Iterator[Prepare]:
    """Runs `fer prepare` with these arguments and opens what it wrote."""
    with contextlib.ExitStack() as stack:

        def run(*arguments: object) -> Dataset:
            result = run_fer("prepare", *arguments, "-o", "out.h5")
            assert result.exit_code == 0, result.stderr
            return stack.enter_context(open_dataset(Path("out.h5")))

        yield run
