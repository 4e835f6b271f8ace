"""Logits of a dataset's rows in a small HDF5 file, kept so that they need not be computed again."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from fer_cli import files
from fer_cli.errors import InputError
from fer_cli.store.schema import open_hdf5, text
from fer_cli.store.spool import Spool

FORMAT = "fer-logits"


def write_logits(path: Path, key: str, logits: npt.NDArray[np.float32]) -> None:
    """Publish logits float32 (N, K) at `path`, whole or not at all.

    key: of all that they depend on. Raises `OutputError` where the file system refuses.
    """
    with files.atomic_path(path) as temporary:
        spool = Spool(temporary, "w")
        try:
            # The checksum makes a damaged file fail when it is read.
            spool.hdf5.create_dataset("logits", data=logits, chunks=True, fletcher32=True)
            spool.hdf5.attrs.update({"format": FORMAT, "key": key})
            spool.close()
        finally:
            spool.discard()


def read_logits(path: Path, key: str, shape: tuple[int, int]) -> npt.NDArray[np.float32] | None:
    """The logits float32 of `shape` (N, K) that were written with `key`; None for no file, a damaged or another one."""
    try:
        with open_hdf5(path) as file:
            logits = file.get("logits")
            ours = text(file.attrs.get("format", "")) == FORMAT and text(file.attrs.get("key", "")) == key
            if not ours or not isinstance(logits, h5py.Dataset) or logits.shape != shape:
                return None
            values: npt.NDArray[np.float32] = logits[:]
            return values
    except (InputError, OSError):
        return None
