"""Exporting a network: calibrate, write, read back, compare on real rows, publish."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fer_cli import catalog, files, models
from fer_cli.analysis.predict import fit_to_model, predict
from fer_cli.errors import InputError, UsageError
from fer_cli.export import parity
from fer_cli.export.card import read_card
from fer_cli.export.job import Exporter, Job
from fer_cli.export.temperature import cooled
from fer_cli.labels import class_order
from fer_cli.models import LoadedModel
from fer_cli.runtimes.answers import RuntimeModel
from fer_cli.scorers import load_scorer
from fer_cli.store.reader import Dataset
from fer_cli.transform.crops import single

#: Train rows from which int8 takes its ranges.
SAMPLE = 256
SAVED_MODEL = "saved_model"
ENDINGS = {"onnx": ".onnx", "litert": ".tflite", SAVED_MODEL: "", "keras": ".keras"}

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Settings:
    """What `fer export` is asked for.

    format: of `catalog.EXPORTS`. precision: of `job.PRECISIONS`. calibrate: fit a temperature on the split, and make it
    part of the weights. split, rows: the two forms are compared on so many rows of it, drawn by `seed`. card: the
    result of an evaluation, whose scores go into the file.
    """

    format: str
    precision: str = "float32"
    calibrate: bool = False
    split: str = "val"
    rows: int = 512
    seed: int = 0
    batch_size: int = 128
    card: Path | None = None


def export(model: LoadedModel, dataset: Dataset, settings: Settings, output: Path) -> dict[str, Any]:
    """Write `model` to `output` in another format; what was found, as JSON.

    Nothing is written where the file does not answer as the network does, rounding apart, unless less precision was
    asked for. Raises `InputError` then, `UsageError` for what does not fit together, `MissingError` without the extra.
    """
    exporter: Exporter = catalog.find(catalog.EXPORTS, settings.format, "format")
    card = {"card": read_card(settings.card, model.path)} if settings.card else {}
    network, temperature = _calibrated(model, dataset, settings)
    metadata = {**model.metadata, "class_names": list(model.class_names), "input_shape": list(model.input_shape)}
    metadata |= {"precision": settings.precision, **card} | ({"temperature": temperature} if temperature else {})
    images, labels = _rows(model, dataset, settings)
    job = Job(network, metadata, settings.precision, _sample(model, dataset, settings))
    with _publishing(output, settings) as path:
        exporter(job, path)
        written = _read_back(path, model, settings)
        answers = models.probabilities(network, images, settings.batch_size)
        found = parity.compare(answers, written.probabilities(images, settings.batch_size), labels)
        if settings.precision == "float32" and not found.exact:
            raise InputError(
                f"{output}: the exported file answers otherwise than {model.path}: expected probabilities within "
                f"{parity.TOLERANCE}. Received: a difference of {found.largest_difference:.3g}; nothing was written"
            )
        sizes = {"model": _size(model.path), "exported": _size(path)}
        times = parity.latencies([parity.compiled_call(network), parity.scorer_call(written)], images[:1])
    return {
        "model": str(model.path),
        "dataset": str(dataset.path),
        "split": settings.split,
        "format": settings.format,
        "precision": settings.precision,
        "temperature": temperature,
        "parity": {**asdict(found), "tolerance": parity.TOLERANCE},
        "bytes": sizes,
        "milliseconds_a_face": dict(zip(("keras", "exported"), times, strict=True)),
        "file": str(output),
    }


def _calibrated(model: LoadedModel, dataset: Dataset, settings: Settings) -> tuple[keras.Model, float | None]:
    if not settings.calibrate:
        return model.network, None
    found = predict(
        model,
        dataset.images(settings.split),
        dataset.transforms,
        model.class_names,
        single,
        settings.batch_size,
        lambda _: None,
    )
    return cooled(model.network, found, _codes(model, dataset, dataset.labels(settings.split)))


def _rows(model: LoadedModel, dataset: Dataset, settings: Settings) -> tuple[Images, Labels]:
    """Rows as the network sees them, and their labels in its order of classes."""
    total = dataset.count(settings.split)
    chosen = np.sort(np.random.default_rng(settings.seed).permutation(total)[: settings.rows])
    images = fit_to_model(dataset.images(settings.split).take(chosen), model, dataset.transforms)
    return images.astype(np.float32), _codes(model, dataset, dataset.labels(settings.split)[chosen])


def _codes(model: LoadedModel, dataset: Dataset, labels: npt.NDArray[np.uint8]) -> Labels:
    order = class_order(dataset.class_names, model.class_names, str(model.path))
    codes = np.arange(len(dataset.class_names)) if order is None else np.asarray(order, np.intp)
    return codes[labels]


def _sample(model: LoadedModel, dataset: Dataset, settings: Settings) -> Images:
    split = "train" if dataset.count("train") else settings.split
    chosen = np.sort(np.random.default_rng(settings.seed).permutation(dataset.count(split))[:SAMPLE])
    return fit_to_model(dataset.images(split).take(chosen), model, dataset.transforms).astype(np.float32)


@contextlib.contextmanager
def _publishing(output: Path, settings: Settings) -> Iterator[Path]:
    publish = files.atomic_tree if settings.format == SAVED_MODEL else files.atomic_path
    with publish(output) as path:
        yield path


def _read_back(path: Path, model: LoadedModel, settings: Settings) -> Any:
    """The written file as a scorer."""
    if settings.format != SAVED_MODEL:
        return load_scorer(path)
    layer = keras.layers.TFSMLayer(str(path), call_endpoint="serve")
    return RuntimeModel(
        path, model.class_names, model.input_shape, model.metadata, lambda images: np.asarray(layer(images))
    )


def _size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    parts = path.rglob("*") if path.is_dir() else [path]
    return sum(part.stat().st_size for part in parts if part.is_file())


def check_output(output: Path, form: str) -> None:
    """Raise `UsageError` for a name whose ending says another format."""
    if (ending := ENDINGS[form]) and output.suffix != ending:
        raise UsageError(f"-o {output}: expected a name that ends in {ending} for --format {form}")
