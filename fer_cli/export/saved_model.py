"""A SavedModel folder, for TensorFlow Serving and TensorFlow.js, by Keras' own exporter."""

from __future__ import annotations

from pathlib import Path

from fer_cli import files
from fer_cli.export.job import Job, silence

#: Where a SavedModel holds what is not the graph's own.
_EXTRA = "assets.extra"


def write(job: Job, path: Path) -> None:
    """A folder with saved_model.pb, the variables, and `fer.json` among its extra assets."""
    job.refuse("saved_model", "float16", "int8")
    with silence():
        job.network.export(path, format="tf_saved_model", verbose=False, input_signature=job.signature())
    files.write_json(path / _EXTRA / "fer.json", job.metadata)
