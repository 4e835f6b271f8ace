"""Accuracy under corruption: models on the same corrupted pixels, level after level."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_cli.analysis.noise.images import Corrupted, Subject
from fer_cli.analysis.noise.levels import CLEAN, VARIANCE, Level
from fer_cli.analysis.noise.scores import (
    CorruptionErrors,
    Flags,
    Floats,
    LevelPair,
    LevelScore,
    corruption_errors,
    holm,
    level_pair,
    level_score,
)
from fer_cli.analysis.predict import Images, predict
from fer_cli.transform.crops import single

if TYPE_CHECKING:  # a classical model needs no Keras
    from fer_cli.models import Scorer

#: What every result says of how its figures came about.
PROTOCOL = "single pass; images corrupted in their own size, before they are brought to a network's input"
INTERVALS = "95 % bootstrap over the rows, each with all its repeats"


@dataclass(frozen=True)
class Sweep:
    """What was found.

    scores: of each model at each level, levels of one model after the other's. pairs: models after the first against
    it. errors: over corruptions, the reference's last.
    """

    scores: list[LevelScore]
    pairs: list[LevelPair]
    errors: list[CorruptionErrors]
    reference: str | None

    def results(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "protocol": PROTOCOL,
            "intervals": INTERVALS,
            "reference": self.reference,
            "levels": [dataclasses.asdict(score) for score in self.scores],
            "paired": [dataclasses.asdict(pair) for pair in self.pairs],
            "corruptions": [dataclasses.asdict(errors) for errors in self.errors],
        }


def passes(levels: Sequence[Level]) -> int:
    """How often a model sees all images."""
    return sum(level.repeats for level in levels)


def sweep(
    models: Sequence[Scorer],
    subject: Subject,
    levels: Sequence[Level],
    reference: Scorer | None = None,
    batch_size: int = 128,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Sweep:
    """Score `models` at `levels`, the first of which is clean.

    reference: the model by which corruption errors are divided; it is scored too. seed: of the corruptions and of the
    bootstrap. advance: is called with the number of images that a model has just done, N × `passes` a model in all.
    Raises `InputError` where a model does not fit the images.
    """
    everyone = [*models, *([] if reference is None or any(model is reference for model in models) else [reference])]
    found: list[list[LevelScore]] = [[] for _ in everyone]
    pairs: list[list[LevelPair]] = [[] for _ in models[1:]]
    books = [_Book(levels, len(subject.labels)) for _ in everyone]
    for level in levels:
        right = _right(everyone, subject, level, batch_size, seed, advance)
        for model, flags, own, book in zip(everyone, right, found, books, strict=True):
            own.append(level_score(str(model.path), level.kind, level.value, flags, seed))
            book.enter(level, flags)
        for number, own_pairs in enumerate(pairs, start=1):
            first, this = found[0][-1], found[number][-1]
            own_pairs.append(level_pair(first, this, right[0], right[number], seed))
    normal = next((book for model, book in zip(everyone, books, strict=True) if model is reference), None)
    return Sweep(
        scores=[score for own in found for score in own],
        pairs=[pair for own in pairs for pair in _adjusted(own)],
        errors=[book.close(str(m.path), normal, seed) for m, book in zip(everyone, books, strict=True) if book.kinds],
        reference=None if reference is None else str(reference.path),
    )


def _right(
    models: Sequence[Scorer],
    subject: Subject,
    level: Level,
    batch_size: int,
    seed: int,
    advance: Callable[[int], None],
) -> list[Flags]:
    """(repeats, N) of each model: which predictions are right. All models see the same pixels."""

    def ask(model: Scorer, images: Images) -> Flags:
        answers = predict(model, images, subject.transforms, subject.class_names, single, batch_size, advance)
        return np.asarray(answers.argmax(1) == subject.labels)

    found = [[ask(model, images) for model in models] for images in _views(subject.images, level, seed)]
    return [np.stack(of_model) for of_model in zip(*found, strict=True)]


def _views(images: Images, level: Level, seed: int) -> Iterator[Images]:
    """The images as each repeat of a level shows them."""
    if level.corrupt is None:
        yield images
        return
    for repeat in range(level.repeats):
        yield Corrupted(images, level.corrupt, level.kind, repeat, seed)


def _adjusted(pairs: Sequence[LevelPair]) -> list[LevelPair]:
    """With p-values adjusted for all levels at which two models are compared."""
    adjusted = holm([pair.p_value for pair in pairs])
    return [dataclasses.replace(pair, p_holm=p) for pair, p in zip(pairs, adjusted, strict=True)]


class _Book:
    """Errors of one model, row by row, summed up over the severities of each kind."""

    def __init__(self, levels: Sequence[Level], rows: int) -> None:
        of_levels = dict.fromkeys(level.kind for level in levels)
        self.kinds = [kind for kind in of_levels if kind not in (CLEAN, VARIANCE)]
        self._severities = {kind: sum(level.kind == kind for level in levels) for kind in of_levels}
        self._errors: Floats = np.zeros((rows, 1 + len(self.kinds)) if self.kinds else (0, 0))

    def enter(self, level: Level, right: Flags) -> None:
        """Add a level; right: (repeats, N)."""
        if self.kinds and level.kind != VARIANCE:
            column = 0 if level.kind == CLEAN else 1 + self.kinds.index(level.kind)
            self._errors[:, column] += (1 - right.mean(0)) / self._severities[level.kind]

    def close(self, model: str, reference: _Book | None, seed: int) -> CorruptionErrors:
        """The errors of the model, divided by the reference's."""
        other = None if reference is None else reference._errors
        return corruption_errors(model, self.kinds, self._errors, other, seed)
