"""LiteRT (TensorFlow Lite) files, for phones and small computers, by Keras' own exporter."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fer_cli.errors import UsageError
from fer_cli.export.job import Job, silence
from fer_cli.runtimes.litert import METADATA


def write(job: Job, path: Path) -> None:
    """A `.tflite` file, which takes float images whatever its precision. Raises `UsageError` without TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        raise UsageError(f"--format litert: expected KERAS_BACKEND=tensorflow. Received: {keras.backend.backend()}")
    with silence():
        job.network.export(path, format="litert", verbose=False, input_signature=job.signature(), **_conversion(job))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(METADATA, json.dumps(job.metadata))


def _conversion(job: Job) -> dict[str, Any]:
    """Settings of `tf.lite.TFLiteConverter`."""
    import tensorflow as tf

    if job.precision == "float32":
        return {}
    smaller = {"optimizations": [tf.lite.Optimize.DEFAULT]}
    if job.precision == "float16":
        return {**smaller, "target_spec": {"supported_types": [tf.float16]}}

    def representative() -> Iterator[list[npt.NDArray[np.float32]]]:
        for image in job.sample:
            yield [image[None]]

    return {**smaller, "representative_dataset": representative}
