"""A network that tells the persons of a dataset apart, to ask whether a translated face is still the same person's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fer_cli import models
from fer_cli.architectures import choose
from fer_cli.errors import InputError
from fer_cli.store.reader import Dataset
from fer_cli.training.batches import TrainingBatches
from fer_cli.training.cluster import OneDevice
from fer_cli.transform.policy import parse_policy

#: `kind` in the metadata of the file.
KIND = "identity"
#: Fewer persons, or no second picture of any, teach nothing of what all pictures of a person share.
_FEWEST = 10
#: What a person may look like on another day; not mirrored, since hair and light are to be told from left to right.
_AUGMENT = "zoom:0.05 rotate:5 shift:0.05 brightness:0.1 contrast:0.1"


@dataclass(frozen=True)
class Settings:
    """How the network is trained: Adam with a cosine schedule, no selection of an epoch."""

    architecture: str = "mini"
    epochs: int = 30
    batch_size: int = 64
    rate: float = 2e-3
    seed: int = 0


def can_learn_identity(dataset: Dataset) -> bool:
    """Whether the train rows name enough persons, most of them with several pictures."""
    names = dataset.subjects("train") if dataset.count("train") else None
    return names is not None and len(set(names)) >= _FEWEST and len(names) >= 2 * len(set(names))


def learn_identity(
    dataset: Dataset,
    path: Path,
    settings: Settings = Settings(),
    advance: Callable[[int], None] = lambda epochs: None,
) -> Path:
    """Train a classifier of the persons in the train rows and write it to `path`; its layer `embedding` is what counts.

    All pictures of a person, whatever the emotion, have one label, so the features learn to leave the expression out.
    The persons that a translator is judged by, those of val or test, are others. advance: is called after each epoch.
    Raises `InputError` where the train rows do not name at least ten persons with several pictures each.
    """
    if not can_learn_identity(dataset):
        raise InputError(
            f"{dataset.path}: expected train rows of {_FEWEST} persons or more, with several pictures each, to learn "
            f"identity from. Received: {_described(dataset)}"
        )
    names, persons = np.unique(dataset.subjects("train") or (), return_inverse=True)
    batches = TrainingBatches(
        dataset.images("train"),
        np.eye(len(names), dtype=np.float32)[persons],
        np.arange(len(persons)),
        batch_size=settings.batch_size,
        policy=parse_policy(_AUGMENT),
        seed=settings.seed,
    )
    keras.utils.set_random_seed(settings.seed)
    network = choose.build(settings.architecture, dataset.image_shape, len(names), {})
    schedule = keras.optimizers.schedules.CosineDecay(settings.rate, settings.epochs * batches.steps)
    network.compile(
        keras.optimizers.Adam(schedule),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )
    told = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: advance(1))
    OneDevice().fit(network, batches, 0, settings.epochs, [told])
    models.save_model(network, path, _metadata(dataset, settings, [str(name) for name in names]))
    return path


def _metadata(dataset: Dataset, settings: Settings, names: list[str]) -> dict[str, Any]:
    return {
        "kind": KIND,
        "class_names": names,
        "input_shape": list(dataset.image_shape),
        "architecture": {"name": settings.architecture},
        "training": {"epochs": settings.epochs, "batch_size": settings.batch_size, "seed": settings.seed},
        "transforms": dataset.transforms,
    }


def _described(dataset: Dataset) -> str:
    names = dataset.subjects("train") if dataset.count("train") else None
    return "no names of persons" if not names else f"{len(names)} rows of {len(set(names))} persons"
