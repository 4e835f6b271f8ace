"""HDF5 files that come from anywhere; `store.schema.open_hdf5` opens them all."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.fer2013_hdf5 import Fer2013Hdf5
from fer_cli.store.reader import open_dataset
from fer_cli.store.weights import open_weights
from tests.helpers import run_fer
from tests.hostile import refused

Fill = Callable[[h5py.File], Any]
PIXELS = "Training_pixel"


def written(fill: Fill) -> Path:
    """An HDF5 file with what `fill` puts into it."""
    with h5py.File("file.h5", "w") as file:
        fill(file)
    return Path("file.h5")


def link(file: h5py.File) -> None:
    file[PIXELS] = h5py.ExternalLink("secret.h5", "pixels")


def nested_link(file: h5py.File) -> None:
    file[f"layers/dense/vars/{PIXELS}"] = h5py.ExternalLink("secret.h5", "pixels")


def external(file: h5py.File) -> None:
    file.create_dataset(PIXELS, (4, 2304), np.uint8, external=[("secret.h5", 0, 4 * 2304)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4, 2304), np.uint8)
    layout[:] = h5py.VirtualSource("secret.h5", "pixels", (4, 2304))
    file.create_virtual_dataset(PIXELS, layout)


def huge(file: h5py.File) -> None:
    file.create_dataset(PIXELS, (1 << 40, 48, 48), np.uint8, chunks=(1, 48, 48))


def compressed(file: h5py.File) -> None:
    data = file.create_dataset(PIXELS, (200_000, 48, 48), np.uint8, chunks=(50_000, 48, 48), compression="gzip")
    chunk = zlib.compress(bytes(50_000 * 48 * 48), 1)
    for row in range(0, 200_000, 50_000):
        data.id.write_direct_chunk((row, 0, 0), chunk)


@pytest.mark.parametrize(
    ("fill", "told"),
    [
        (link, "is a link to another file, secret.h5"),
        (nested_link, "is a link to another file, secret.h5"),
        (external, "has its data in other files"),
        (virtual, "has its data in other files"),
        (huge, "declares (1099511627776, 48, 48) of uint8, but holds much less"),
        (compressed, "declares (200000, 48, 48) of uint8, but holds much less"),
    ],
)
def test_what_is_elsewhere_or_not_there(fill: Fill, told: str) -> None:
    with h5py.File("secret.h5", "w") as file:
        file["pixels"] = np.zeros((4, 2304), np.uint8)
    path = written(fill)
    for work in (
        lambda: open_dataset(path).__enter__(),
        lambda: Fer2013Hdf5(path, ReadOptions()),
        lambda: open_weights(path).__enter__(),
    ):
        assert told in refused(work)
    result = run_fer("prepare", path, "-o", "out.h5")
    assert result.exit_code == 3
    assert told in result.stderr
    assert not Path("out.h5").exists()


def test_groups_that_hold_themselves() -> None:
    def loop(file: h5py.File) -> None:
        file.create_group("layers/dense")
        file["layers/dense/layers"] = file["layers"]

    path = written(loop)
    assert "a damaged weight file" in refused(lambda: open_weights(path).__enter__())


def attribute(name: str, value: Any) -> Fill:
    return lambda file: file.attrs.__setitem__(name, value)


def put(name: str, value: Any) -> Fill:
    def change(file: h5py.File) -> None:
        if name in file:
            del file[name]
        file[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (attribute("class_names", 7), "class_names"),
        (attribute("class_names", "angry"), "class_names"),
        (attribute("class_names", ["a"] * 7), "class_names"),
        (attribute("split_names", ["train", "val"]), "split_names"),
        (attribute("provenance", "[]"), "attribute provenance"),
        (attribute("provenance", "[" * 10**4), "attribute provenance"),
        (attribute("transforms", "{}"), "attribute transforms"),
        (attribute("transforms", "[1]"), "attribute transforms"),
        (put("attributes", np.zeros(126)), "/attributes"),
        (lambda file: file.create_group("attributes/gender"), "/attributes/gender"),
        (put("attributes/gender", ["a"] * 126), "/attributes/gender"),
        (put("subject", np.zeros(126)), "/subject"),
        (lambda file: file.create_group("votes"), "/votes"),
        (put("votes", ["x"] * 126), "/votes"),
        (put("images", np.zeros((126, 0, 24, 1), np.uint8)), "/images"),
        (put("images", np.zeros((126, 24, 24, 1), np.float32)), "/images"),
        (put("labels", np.zeros((126, 1), np.uint8)), "/labels"),
        (put("source", np.zeros(126)), "/source"),
        (put("source", h5py.SoftLink("/nowhere")), "/source"),
    ],
)
def test_datasets_of_another_form(change: Fill, told: str, dataset: Path) -> None:
    with h5py.File(dataset, "r+") as file:
        change(file)
    message = refused(lambda: open_dataset(dataset).__enter__())
    assert message.startswith(f"{dataset}: ")
    assert told in message
    assert "expected" in message
