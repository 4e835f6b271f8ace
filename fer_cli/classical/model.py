"""A classical model: features, a fitted scikit-learn pipeline, and the temperature that makes probabilities of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline

from fer_cli.analysis import calibrate
from fer_cli.classical import archive
from fer_cli.classical.features import Features, parse
from fer_cli.classical.pipelines import logits
from fer_cli.errors import InputError, UsageError


@dataclass(frozen=True)
class ClassicalModel:
    """A scorer (`fer_cli.models.Scorer`) without a network of its own.

    class_names: in the order of the outputs. input_shape: (H, W, C) of the images that it was fitted on.
    temperature: see `calibrate`. metadata: the content of `fer.json`.
    """

    path: Path
    features: Features
    pipeline: Pipeline
    temperature: float
    class_names: tuple[str, ...]
    input_shape: tuple[int, int, int]
    metadata: dict[str, Any]

    @property
    def parameters(self) -> None:
        """None: support vectors and trees are no parameters in the sense of a network's."""
        return

    def probabilities(self, images: npt.NDArray[np.generic], batch_size: int = 256) -> npt.NDArray[np.float32]:
        """Class probabilities float32 (N, K) of images (N, H, W, C) in 0..255 of the input shape; floats are rounded.

        batch_size: has no meaning here; memory is that of the features of all images.
        """
        pixels = images if images.dtype == np.uint8 else np.rint(images)
        found = logits(self.pipeline, self.features.compute(pixels.astype(np.uint8, copy=False)), len(self.class_names))
        return calibrate.probabilities(found, self.temperature)


def save_classical(model: ClassicalModel) -> None:
    """Write a model to its `path`, so that it stands alone and `load_classical` gives it back.

    The fields besides the pipeline go to the metadata, which holds whatever else is known of it.
    """
    metadata = {
        **model.metadata,
        "class_names": list(model.class_names),
        "input_shape": list(model.input_shape),
        "features": model.features.text,
        "temperature": model.temperature,
    }
    archive.write(model.path, model.pipeline, metadata, model.features.files())


def load_classical(path: Path) -> ClassicalModel:
    """Load a .skops file; nothing in it is run as code. Raises `InputError` for what cannot be used."""
    pipeline, metadata = archive.read(path)
    keys = ("input_shape", "class_names", "temperature", "features")
    shape, names, temperature, text = (metadata.get(key) for key in keys)
    if not (
        isinstance(shape, list)
        and len(shape) == 3
        and all(isinstance(side, int) and 0 < side <= 4096 for side in shape)
        and isinstance(names, list)
        and isinstance(temperature, float)
        and math.isfinite(temperature)
        and temperature > 0
        and isinstance(text, str)
    ):
        raise InputError(
            f"{path}: {archive.METADATA}: expected {', '.join(keys)}. Received: {shape}, {names}, {temperature}, {text}"
        )
    try:
        features = parse(text, path, metadata.get("transforms", ()))
    except UsageError as error:
        raise InputError(f"{path}: {error}") from error
    model = ClassicalModel(
        path, features, pipeline, temperature, tuple(names), (shape[0], shape[1], shape[2]), metadata
    )
    _check_fit(model)
    return model


def _check_fit(model: ClassicalModel) -> None:
    """Raise `InputError` where features, pipeline and class names do not fit together; one black image is the proof."""
    try:
        found = model.probabilities(np.zeros((1, *model.input_shape), np.uint8))
    except Exception as error:  # whatever the damaged part raises
        raise InputError(f"{model.path}: its pipeline cannot be used ({str(error).splitlines()[0]})") from error
    if not np.isfinite(found).all():
        raise InputError(f"{model.path}: expected finite outputs. Received: {found[0]}")
