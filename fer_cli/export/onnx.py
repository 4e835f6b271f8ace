"""ONNX files, by Keras' own exporter (tf2onnx under TensorFlow), and their 8-bit form by ONNX Runtime."""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fer_cli.errors import MissingError, UsageError
from fer_cli.export.job import Job, silence
from fer_cli.runtimes.onnx import METADATA

#: Images a step of the calibration.
_BATCH = 32


def write(job: Job, path: Path) -> None:
    """An `.onnx` file. Raises `MissingError` without the extra, `UsageError` for a network that tf2onnx cannot say."""
    job.refuse("onnx", "float16")
    onnx = _need("onnx")
    _need("tf2onnx")
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "plain.onnx")
        try:
            with silence():
                job.network.export(plain, format="onnx", verbose=False, input_signature=job.signature())
        except Exception as error:  # tf2onnx raises whatever the operation that it does not know makes it raise
            raise UsageError(f"tf2onnx cannot say this network in ONNX ({str(error).splitlines()[0]})") from error
        with silence():
            made = _quantized(job, plain, Path(folder)) if job.precision == "int8" else plain
        content = onnx.load(str(made))
    onnx.helper.set_model_props(content, {METADATA: json.dumps(job.metadata)})
    onnx.save(content, str(path))


def _quantized(job: Job, plain: Path, folder: Path) -> Path:
    """The same with weights and activations of 8 bits (static, per channel)."""
    quantization = _need("onnxruntime.quantization")
    made, prepared = folder / "int8.onnx", folder / "prepared.onnx"
    # All shapes but the batch's are known, so the symbolic inference, which needs sympy, has nothing to find.
    quantization.shape_inference.quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
    name = _need("onnx").load(str(prepared)).graph.input[0].name
    quantization.quantize_static(
        str(prepared), str(made), _reader(quantization, name, job), per_channel=True, quant_format=_format(quantization)
    )
    return made


def _format(quantization: Any) -> Any:
    """Quantize and dequantize nodes around float operators, which every runtime fuses in its own way."""
    return quantization.QuantFormat.QDQ


def _reader(quantization: Any, name: str, job: Job) -> Any:
    batches: Iterator[dict[str, np.ndarray[Any, Any]]] = (
        {name: job.sample[start : start + _BATCH]} for start in range(0, len(job.sample), _BATCH)
    )

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> dict[str, np.ndarray[Any, Any]] | None:
            return next(batches, None)

    return Reader()


def _need(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingError("--format onnx needs the extra export: pip install 'fer-cli[export]'") from error
