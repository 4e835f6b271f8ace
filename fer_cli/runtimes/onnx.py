"""Models in ONNX files, computed by ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError
from fer_cli.runtimes import answers
from fer_cli.runtimes.answers import Opened, RuntimeModel

SUFFIX = ".onnx"
#: The key of our metadata among the file's own.
METADATA = "fer.json"
#: Of ONNX Runtime's log levels: errors.
_ERRORS_ONLY = 3


def load_onnx(path: Path, classes: Sequence[str] | None = None) -> RuntimeModel:
    """Load an .onnx file; classes: as for `answers.load`.

    Raises `InputError` for what cannot be used, `MissingError` where ONNX Runtime is not installed.
    """
    return answers.load(path, classes, _opened)


def _opened(path: Path) -> Opened:
    module = answers.runtime("onnxruntime", path)
    options = module.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    try:
        session = module.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has a class of its own for each of its statuses
        raise InputError(f"{path}: ONNX Runtime cannot load it ({str(error).splitlines()[0]})") from error
    inputs, outputs = session.get_inputs(), session.get_outputs()

    def run(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(session.run(None, {inputs[0].name: images})[0], np.float32)

    return Opened([each.shape for each in inputs], [each.shape for each in outputs], _metadata(path, session), run)


def _metadata(path: Path, session: Any) -> dict[str, Any]:
    try:
        found = json.loads(session.get_modelmeta().custom_metadata_map.get(METADATA, "{}"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: its {METADATA} is no JSON ({error})") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: {METADATA}: expected an object. Received: {type(found).__name__}")
    return found
