"""The project's own format, with weights of half precision: half the size, for a model that travels."""

from __future__ import annotations

from pathlib import Path

from fer_cli import models
from fer_cli.export.job import Job
from fer_cli.store.weights import halve


def write(job: Job, path: Path) -> None:
    """A `.keras` file. float16 is how the weights lie in the file; a network that is loaded has float32 again."""
    job.refuse("keras", "int8")
    models.save_model(job.network, path, job.metadata)
    if job.precision == "float16":
        halve(path)
