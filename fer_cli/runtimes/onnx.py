"""Models in ONNX files, computed by ONNX Runtime."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError, MissingError
from fer_cli.runtimes.answers import RuntimeModel, describe

SUFFIX = ".onnx"
#: The key of our metadata among the file's own.
METADATA = "fer.json"
#: Of ONNX Runtime's log levels: errors.
_ERRORS_ONLY = 3


def load_onnx(path: Path, classes: Sequence[str] | None = None) -> RuntimeModel:
    """Load an .onnx file; classes: as for `answers.describe`.

    Raises `InputError` for what cannot be used, `MissingError` where ONNX Runtime is not installed.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such model file")
    session = _session(path)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1:
        raise InputError(f"{path}: expected one input and one output. Received: {len(inputs)} and {len(outputs)}")
    name = inputs[0].name

    def run(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(session.run(None, {name: images})[0], np.float32)

    return describe(path, _metadata(path, session), classes, (inputs[0].shape, outputs[0].shape), run)


def _session(path: Path) -> Any:
    try:
        onnxruntime = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise MissingError(f"{path} needs the extra export: pip install 'fer-cli[export]'") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has a class of its own for each of its statuses
        raise InputError(f"{path}: ONNX Runtime cannot load it ({str(error).splitlines()[0]})") from error


def _metadata(path: Path, session: Any) -> dict[str, Any]:
    try:
        found = json.loads(session.get_modelmeta().custom_metadata_map.get(METADATA, "{}"))
    except ValueError as error:
        raise InputError(f"{path}: its {METADATA} is no JSON ({error})") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: {METADATA}: expected an object. Received: {type(found).__name__}")
    return found
