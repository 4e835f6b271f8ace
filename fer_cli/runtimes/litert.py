"""Models in LiteRT (TensorFlow Lite) files, computed by its interpreter."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli import archives, framework
from fer_cli.errors import InputError
from fer_cli.runtimes import answers
from fer_cli.runtimes.answers import Opened, RuntimeModel

SUFFIX = ".tflite"
#: Files that go with a model are a zip behind it, as TensorFlow Lite's own metadata tools have them.
METADATA = "fer.json"


def load_litert(path: Path, classes: Sequence[str] | None = None) -> RuntimeModel:
    """Load a .tflite file; classes: as for `answers.load`.

    Raises `InputError` for what cannot be used, `MissingError` where the interpreter is not installed.
    """
    return answers.load(path, classes, _opened)


def _opened(path: Path) -> Opened:
    module = answers.runtime("ai_edge_litert.interpreter", path)
    try:
        with framework.quiet_native_stderr():
            interpreter = module.Interpreter(str(path), num_threads=os.cpu_count())
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path}: LiteRT cannot load it ({str(error).splitlines()[0]})") from error
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    run = _Runner(interpreter, [each["index"] for each in (*inputs, *outputs)])
    return Opened([_shape(each) for each in inputs], [_shape(each) for each in outputs], _metadata(path), run)


def _shape(tensor: dict[str, Any]) -> list[int | None]:
    return [None if side < 0 else int(side) for side in tensor["shape_signature"]]


class _Runner:
    """Calls the interpreter, which has memory for one size of batch at a time."""

    def __init__(self, interpreter: Any, tensors: list[int]) -> None:
        self._interpreter, self._tensors = interpreter, tensors
        self._size = -1

    def __call__(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        taken, given = self._tensors
        if len(images) != self._size:
            with framework.quiet_native_stderr():  # it tells what it computes with
                self._interpreter.resize_tensor_input(taken, images.shape)
                self._interpreter.allocate_tensors()
            self._size = len(images)
        self._interpreter.set_tensor(taken, images)
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(given), np.float32)


def _metadata(path: Path) -> dict[str, Any]:
    if not zipfile.is_zipfile(path):
        return {}
    with archives.open_zip(path, f"a model with a readable {METADATA}") as archive:
        return archives.read_object(archive, METADATA) if METADATA in archive.namelist() else {}
