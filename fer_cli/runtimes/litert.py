"""Models in LiteRT (TensorFlow Lite) files, computed by its interpreter."""

from __future__ import annotations

import importlib
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError, MissingError
from fer_cli.runtimes.answers import RuntimeModel, describe

SUFFIX = ".tflite"
#: Files that go with a model are a zip behind it, as TensorFlow Lite's own metadata tools have them.
METADATA = "fer.json"


def load_litert(path: Path, classes: Sequence[str] | None = None) -> RuntimeModel:
    """Load a .tflite file; classes: as for `answers.describe`.

    Raises `InputError` for what cannot be used, `MissingError` where the interpreter is not installed.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such model file")
    interpreter = _interpreter(path)
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if len(inputs) != 1 or len(outputs) != 1:
        raise InputError(f"{path}: expected one input and one output. Received: {len(inputs)} and {len(outputs)}")
    shapes = [[None if side < 0 else int(side) for side in each[0]["shape_signature"]] for each in (inputs, outputs)]
    return describe(path, _metadata(path), classes, (shapes[0], shapes[1]), _Runner(interpreter, inputs[0], outputs[0]))


class _Runner:
    """Calls the interpreter, which has memory for one size of batch at a time."""

    def __init__(self, interpreter: Any, taken: dict[str, Any], given: dict[str, Any]) -> None:
        self._interpreter, self._input, self._output = interpreter, taken["index"], given["index"]
        self._size = -1

    def __call__(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if len(images) != self._size:
            self._interpreter.resize_tensor_input(self._input, images.shape)
            self._interpreter.allocate_tensors()
            self._size = len(images)
        self._interpreter.set_tensor(self._input, images)
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output), np.float32)


def _interpreter(path: Path) -> Any:
    try:
        module = importlib.import_module("ai_edge_litert.interpreter")
    except ImportError as error:
        raise MissingError(f"{path} needs the extra export: pip install 'fer-cli[export]'") from error
    try:
        return module.Interpreter(str(path), num_threads=os.cpu_count())
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path}: LiteRT cannot load it ({str(error).splitlines()[0]})") from error


def _metadata(path: Path) -> dict[str, Any]:
    if not zipfile.is_zipfile(path):
        return {}
    try:
        with zipfile.ZipFile(path) as archive:
            found = json.loads(archive.read(METADATA)) if METADATA in archive.namelist() else {}
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise InputError(f"{path}: its {METADATA} cannot be read ({error})") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: {METADATA}: expected an object. Received: {type(found).__name__}")
    return found
