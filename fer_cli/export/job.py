"""What an exporter gets: a network, what its file is to say, and how precise its numbers are to be."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fer_cli import framework
from fer_cli.errors import UsageError

#: Of the weights; int8 also computes in integers.
PRECISIONS = ("float32", "float16", "int8")


@dataclass(frozen=True, eq=False)
class Job:
    """One export.

    network: uint8 or float (N, H, W, C) in 0..255 to probabilities. metadata: the `fer.json`. precision: of
    `PRECISIONS`. sample: float32 (N, H, W, C), images as the network sees them, from which int8 takes the ranges of
    each layer's numbers.
    """

    network: keras.Model
    metadata: dict[str, Any]
    precision: str
    sample: npt.NDArray[np.float32]

    def signature(self) -> list[keras.InputSpec]:
        """Any number of float images of the network's size."""
        return [keras.InputSpec(shape=(None, *self.network.input_shape[1:]), dtype="float32", name="images")]

    def refuse(self, form: str, *precisions: str) -> None:
        """Raise `UsageError` where the precision is one that a format does not have."""
        if self.precision in precisions:
            raise UsageError(f"--format {form}: expected another precision. Received: {self.precision}")


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Hold back what converters log and warn of, which concerns their makers; an error shows it all the same."""
    with framework.quiet_native_stderr(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


#: Writes a job to a path, a file's or a folder's.
Exporter = Callable[[Job, Path], None]
