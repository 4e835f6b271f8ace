"""Scoring one model, or several as an ensemble, on one split of a dataset."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fer_cli import catalog
from fer_cli.analysis import scores
from fer_cli.analysis.ensemble import WeightSearch, search_weights
from fer_cli.analysis.predict import adaptation, correction_warning, missing_corrections, predict
from fer_cli.datasets.audit import digests
from fer_cli.errors import UsageError
from fer_cli.store.reader import Dataset, ImageRows

if TYPE_CHECKING:  # a classical model needs no Keras
    from fer_cli.models import Scorer

#: Where weights are searched: the split on which all selection happens.
SELECTION = "val"

Pixels = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Member:
    """One model of an evaluation, scored by itself.

    parameters: of a network, None for a classical model. weight: its part of the average; all parts sum to 1. adapted:
    how the images were brought to its input, or None. illumination: the corrections of its training faces that the
    images did not have and were given. warning: what makes the images other than those it was trained on, or None.
    """

    path: Path
    architecture: str | None
    parameters: int | None
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
    search: how the members' weights were found, or None where they were given.
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
    search: WeightSearch | None = None

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
        one = "one classifier" if self.members[0].parameters is None else "one network"
        models = one if count == 1 else f"ensemble of {count}"
        if self.search is None:
            return f"{passes}, {models}"
        where = "these rows" if self.search.split == self.split else self.search.split
        return f"{passes}, {models} weighted on {where}"

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
            **({} if self.search is None else {"weight_search": self._weight_search(self.search)}),
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

    def _weight_search(self, search: WeightSearch) -> dict[str, Any]:
        return {**dataclasses.asdict(search), "selected_on_these_rows": search.split == self.split}

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
    models: Sequence[Scorer],
    dataset: Dataset,
    split: str,
    tta: str = "none",
    weights: Sequence[float] | None = None,
    search: bool = False,
    batch_size: int = 128,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Score `models` on `split`; several are averaged as an ensemble.

    tta: a name of `catalog.TEST_TIME`. weights: one a model, not negative, in any unit; None weighs all the same.
    search: find the weights on the val rows, whatever the split. seed: of the bootstrap. advance: is called with the
    number of images that a model has just done, `passes` images in all.
    Raises `InputError` where a split is empty or a model does not fit the dataset, `UsageError` for the weights.
    """
    parts = choose_weights(weights, search, len(models))
    needed = _splits(split, search)
    for name in needed:
        dataset.require(name)
    views = catalog.find(catalog.TEST_TIME, tta, "test-time augmentation")
    images = {name: dataset.images(name) for name in needed}

    def ask(model: Scorer, name: str) -> Probabilities:
        return predict(model, images[name], dataset.transforms, dataset.class_names, views, batch_size, advance)

    answers = {name: [ask(model, name) for model in models] for name in needed}
    found = search_weights(dataset.labels(SELECTION), answers[SELECTION], SELECTION) if search else None
    parts, labels = found.weights if found else parts, dataset.labels(split)
    members, mixed = [], np.zeros((len(labels), len(dataset.class_names)))
    for model, part, probabilities in zip(models, parts, answers[split], strict=True):
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
        seen=_seen_in_training(dataset, split, images[split]),
        seed=seed,
        search=found,
    )


def passes(dataset: Dataset, split: str, search: bool, models: int) -> int:
    """How many images `models` models see in an evaluation, each with all its views counted once."""
    return models * sum(dataset.count(name) for name in _splits(split, search))


def choose_weights(weights: Sequence[float] | None, search: bool, count: int) -> list[float]:
    """As `normalise_weights`; `UsageError` also where a search cannot go together with them or with one model."""
    if search and weights is not None:
        raise UsageError("--search-weights and --weights exclude each other: expected one of them. Received: both")
    if search and count == 1:
        raise UsageError("--search-weights: expected an ensemble of two models or more. Received: 1")
    return normalise_weights(weights, count)


def normalise_weights(weights: Sequence[float] | None, count: int) -> list[float]:
    """`count` weights that sum to 1; `UsageError` where they do not fit the models or cannot be weights."""
    if weights is None:
        return [1 / count] * count
    if len(weights) != count:
        raise UsageError(f"--weights: expected {count}, one a model. Received: {len(weights)}")
    if not all(math.isfinite(w) and w >= 0 for w in weights) or not sum(weights):
        raise UsageError(f"--weights: expected numbers from 0 up, not all 0. Received: {', '.join(map(str, weights))}")
    return [w / sum(weights) for w in weights]


def _member(model: Scorer, weight: float, dataset: Dataset, own: scores.Scores) -> Member:
    return Member(
        path=model.path,
        architecture=model.metadata.get("architecture", {}).get("name"),
        parameters=model.parameters,
        weight=weight,
        adapted=adaptation(model, dataset.image_shape),
        illumination=missing_corrections(model, dataset.transforms),
        warning=correction_warning(model, dataset.transforms, str(dataset.path)),
        scores=own,
    )


def _splits(split: str, search: bool) -> list[str]:
    """The splits that an evaluation needs answers for."""
    return list(dict.fromkeys([split, *([SELECTION] if search else [])]))


def _seen_in_training(dataset: Dataset, split: str, images: ImageRows) -> npt.NDArray[np.bool_] | None:
    """Mask of the rows whose pixels are identical to those of a train row of the same file."""
    if split == "train" or not dataset.count("train"):
        return None
    rows, known = (np.concatenate([digests(b) for b in part.blocks()]) for part in (images, dataset.images("train")))
    return np.isin(rows, known)


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
