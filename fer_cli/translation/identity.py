"""A network that tells the persons of a dataset apart, to ask whether a translated face is still the same person's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
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
#: The same for the network that guides a generator, which is not to agree with the judge by its habits.
_GUIDE_AUGMENT = "zoom:0.1 rotate:8 shift:0.08 brightness:0.2 contrast:0.2 blur:0.2 noise:0.02"


@dataclass(frozen=True)
class Settings:
    """How the network is trained: Adam with a cosine schedule, no selection of an epoch.

    options: of the architecture, where they are not its own. augment: a policy text of `fer_cli.transform.policy`.
    share: of the train persons that it learns, drawn by the seed.
    """

    architecture: str = "mini"
    options: Mapping[str, Any] = field(default_factory=dict)
    augment: str = _AUGMENT
    share: float = 1.0
    epochs: int = 30
    batch_size: int = 64
    rate: float = 2e-3
    seed: int = 0


def for_guide(seed: int) -> Settings:
    """Of a network that guides a generator: on other pictures of other faces than the judge, in about as many steps.

    It learns half of the persons only: of those that it has not learnt it says what it would say of strangers.
    """
    judge = Settings()
    share = 0.5
    return Settings(augment=_GUIDE_AUGMENT, share=share, epochs=round(judge.epochs / share), seed=(seed + 1) % 2**32)


def can_learn_identity(dataset: Dataset) -> bool:
    """Whether the train rows name enough persons, most of them with several pictures."""
    names = dataset.subjects("train") if dataset.count("train") else None
    return names is not None and len(set(names)) >= _FEWEST and len(names) >= 2 * len(set(names))


def learn_identity(
    dataset: Dataset,
    path: Path,
    settings: Settings = Settings(),
    advance: Callable[[int], None] = lambda _: None,
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
    order = np.random.default_rng(settings.seed).permutation(len(names))
    learnt = np.sort(order[: round(settings.share * len(names))])
    batches = TrainingBatches(
        dataset.images("train"),
        np.eye(len(names), dtype=np.float32)[:, learnt][persons],
        np.flatnonzero(np.isin(persons, learnt)),
        batch_size=settings.batch_size,
        policy=parse_policy(settings.augment),
        seed=settings.seed,
    )
    keras.utils.set_random_seed(settings.seed)
    network = choose.build(settings.architecture, dataset.image_shape, len(learnt), settings.options)
    schedule = keras.optimizers.schedules.CosineDecay(settings.rate, settings.epochs * batches.steps)
    network.compile(
        keras.optimizers.Adam(schedule),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )
    told = keras.callbacks.LambdaCallback(on_epoch_end=lambda _epoch, _logs: advance(1))
    OneDevice().fit(network, batches, 0, settings.epochs, [told])
    models.save_model(network, path, _metadata(dataset, settings, [str(name) for name in names[learnt]]))
    return path


def _metadata(dataset: Dataset, settings: Settings, names: list[str]) -> dict[str, Any]:
    return {
        "kind": KIND,
        "class_names": names,
        "input_shape": list(dataset.image_shape),
        "architecture": {"name": settings.architecture, **settings.options},
        "training": asdict(settings),
        "transforms": dataset.transforms,
    }


def _described(dataset: Dataset) -> str:
    names = dataset.subjects("train") if dataset.count("train") else None
    return "no names of persons" if not names else f"{len(names)} rows of {len(set(names))} persons"
