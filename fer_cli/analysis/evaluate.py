"""Scoring one model, or several as an ensemble, on one split of a dataset."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli import catalog
from fer_cli.analysis import scores
from fer_cli.analysis.predict import correction_warning, input_shape, missing_corrections, predict
from fer_cli.datasets.audit import digests
from fer_cli.errors import UsageError
from fer_cli.models import LoadedModel
from fer_cli.store.reader import Dataset, ImageRows

Pixels = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Member:
    """One model of an evaluation, scored by itself.

    weight: its part of the average; all parts sum to 1. adapted: how the images were brought to its input, or None.
    illumination: the corrections of its training faces that the images did not have and were given. warning: what
    makes the images other than those it was trained on, or None.
    """

    path: Path
    architecture: str | None
    parameters: int
    weight: float
    adapted: str | None
    illumination: tuple[str, ...]
    warning: str | None
    scores: scores.Scores


@dataclass(frozen=True)
class Evaluation:
    """What was found on the N rows of a split.

    probabilities: float32 (N, K), columns in the order of `class_names`; the ensemble's when there are several members.
    seen: mask (N,) of the rows whose pixels are those of a train row, or None where that says nothing.
    """

    class_names: tuple[str, ...]
    split: str
    tta: str
    members: list[Member]
    sources: list[str]
    labels: Pixels
    probabilities: Probabilities
    seen: npt.NDArray[np.bool_] | None
    seed: int

    @property
    def predictions(self) -> npt.NDArray[np.intp]:
        """(N,) index of the most probable class."""
        return np.asarray(self.probabilities.argmax(1))

    @property
    def counts(self) -> scores.Counts:
        """The confusion matrix (K, K), row = given class."""
        return scores.confusion_matrix(self.labels, self.predictions, len(self.class_names))

    @property
    def protocol(self) -> str:
        """How the probabilities came about, for the reader of a table."""
        count = len(self.members)
        passes = "single pass" if self.tta == "none" else f"{self.tta} TTA"
        return f"{passes}, " + ("one network" if count == 1 else f"ensemble of {count}")

    def confident_mistakes(self, count: int) -> npt.NDArray[np.intp]:
        """Rows that were misnamed, the most confident first, at most `count`."""
        wrong = np.flatnonzero(self.predictions != self.labels)
        return wrong[np.argsort(-self.probabilities[wrong].max(1), kind="stable")][:count]

    def results(self) -> dict[str, Any]:
        """Everything but the rows, JSON-able; figures that do not exist are None."""
        return {
            "models": [str(member.path) for member in self.members],
            "split": self.split,
            "protocol": self.protocol,
            "warnings": [member.warning for member in self.members if member.warning],
            **dataclasses.asdict(scores.score(self.labels, self.probabilities, self.seed)),
            "without_train_duplicates": self._without_duplicates(),
            "class_names": list(self.class_names),
            "confusion_matrix": self.counts.tolist(),
            "per_class": self.per_class(),
            "members": [{**dataclasses.asdict(member), "path": str(member.path)} for member in self.members],
        }

    def per_class(self) -> list[dict[str, Any]]:
        """Class, support, precision, recall and F1, a dictionary a class; None for what is undefined."""
        found = scores.per_class(self.counts)
        return [
            {
                "class": name,
                "support": int(found.support[i]),
                "precision": _defined(found.precision[i]),
                "recall": _defined(found.recall[i]),
                "f1": _defined(found.f1[i]),
            }
            for i, name in enumerate(self.class_names)
        ]

    def _without_duplicates(self) -> dict[str, Any]:
        if self.seen is None:
            reason = "these are the train rows" if self.split == "train" else "the dataset file has no train rows"
            return {"n": None, "removed": None, "reason": reason}
        removed = {"removed": int(self.seen.sum())}
        if self.seen.all():
            return {"n": 0, **removed, "reason": "every row has the pixels of a train row"}
        rest = scores.score(self.labels[~self.seen], self.probabilities[~self.seen], self.seed)
        return {**removed, **dataclasses.asdict(rest)}


def evaluate(
    models: Sequence[LoadedModel],
    dataset: Dataset,
    split: str,
    tta: str = "none",
    weights: Sequence[float] | None = None,
    batch_size: int = 128,
    seed: int = 0,
    advance: Callable[[int], None] = lambda images: None,
) -> Evaluation:
    """Score `models` on `split`; several are averaged as an ensemble.

    tta: a name of `catalog.TEST_TIME`. weights: one a model, not negative, in any unit; None weighs all the same.
    seed: of the bootstrap. advance: is called with the number of images that a model has just done.
    Raises `InputError` where the split is empty or a model does not fit the dataset, `UsageError` for the weights.
    """
    dataset.require(split)
    parts = normalise_weights(weights, len(models))
    views = catalog.find(catalog.TEST_TIME, tta, "test-time augmentation")
    images, labels = dataset.images(split), dataset.labels(split)
    members, mixed = [], np.zeros((len(labels), len(dataset.class_names)))
    for model, part in zip(models, parts, strict=True):
        probabilities = predict(model, images, dataset.transforms, dataset.class_names, views, batch_size, advance)
        members.append(_member(model, part, dataset, scores.score(labels, probabilities, seed)))
        mixed += part * probabilities
    return Evaluation(
        class_names=dataset.class_names,
        split=split,
        tta=tta,
        members=members,
        sources=dataset.sources(split),
        labels=labels,
        probabilities=mixed.astype(np.float32),
        seen=_seen_in_training(dataset, split, images),
        seed=seed,
    )


def normalise_weights(weights: Sequence[float] | None, count: int) -> list[float]:
    """`count` weights that sum to 1; `UsageError` where they do not fit the models or cannot be weights."""
    if weights is None:
        return [1 / count] * count
    if len(weights) != count:
        raise UsageError(f"--weights: expected {count}, one a model. Received: {len(weights)}")
    if not all(math.isfinite(w) and w >= 0 for w in weights) or not sum(weights):
        raise UsageError(f"--weights: expected numbers from 0 up, not all 0. Received: {', '.join(map(str, weights))}")
    return [w / sum(weights) for w in weights]


def _member(model: LoadedModel, weight: float, dataset: Dataset, own: scores.Scores) -> Member:
    shape = input_shape(model, dataset.image_shape)
    sizes = ["×".join(map(str, s)) for s in (dataset.image_shape, shape)]
    return Member(
        path=model.path,
        architecture=model.metadata.get("architecture", {}).get("name"),
        parameters=model.network.count_params(),
        weight=weight,
        adapted=None if shape == dataset.image_shape else " to ".join(sizes),
        illumination=missing_corrections(model, dataset.transforms),
        warning=correction_warning(model, dataset.transforms, str(dataset.path)),
        scores=own,
    )


def _seen_in_training(dataset: Dataset, split: str, images: ImageRows) -> npt.NDArray[np.bool_] | None:
    """Mask of the rows whose pixels are identical to those of a train row of the same file."""
    if split == "train" or not dataset.count("train"):
        return None
    rows, known = (np.concatenate([digests(b) for b in part.blocks()]) for part in (images, dataset.images("train")))
    return np.isin(rows, known)


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
