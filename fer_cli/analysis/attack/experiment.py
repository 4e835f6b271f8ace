"""Attacking a network with the rows of a split, batch by batch, and asking it, or another, what it sees then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli import catalog
from fer_cli.analysis.attack.plan import Settings, Task
from fer_cli.analysis.attack.rows import Indices, Rows
from fer_cli.analysis.predict import fit_to_model, missing_corrections, whole_shape
from fer_cli.attacks import ball
from fer_cli.attacks.base import Attack, Images, Victim
from fer_cli.errors import UsageError
from fer_cli.labels import class_order
from fer_cli.models import LoadedModel, Scorer
from fer_cli.store.reader import Dataset
from fer_cli.transform.illuminate import step

Probabilities = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """What one method does at one epsilon to n rows.

    rows: (n,) which of the rows under attack. epsilon: as in `Task`. probabilities: float32 (n, K) of the attacked
    images, columns in the order of the dataset's classes. l2, linf: (n,) length of each perturbation, for pixels of
    0..1.
    """

    method: str
    norm: str
    epsilon: float
    rows: Indices
    probabilities: Probabilities
    l2: Floats
    linf: Floats


@dataclass(frozen=True)
class Seen:
    """One attacked batch, for whoever wants the images.

    rows: (n,) which of the rows under attack. clean, attacked: float32 (n, H, W, C) in 0..255. probabilities: float32
    (n, K) of the attacked ones.
    """

    task: Task
    epsilon: float
    rows: Indices
    clean: Images
    attacked: Images
    probabilities: Probabilities


#: Called with each attacked batch.
Observer = Callable[[Seen], None]


class Experiment:
    """A network under attack, the rows, and who says what the attacked images show.

    model: is scored. crafted_on: the network that perturbations are made on, which then meet `model` without another
    look at it (black-box transfer); None: `model` itself, which must be a network then. Where `model` is none, or sees
    another size or correction of light than the attacked network, images reach it as a file would bring them, rounded
    to 8 bits (`rounded`). Raises as `Rows`, and `UsageError` for a model without gradients.
    """

    def __init__(
        self, model: Scorer, dataset: Dataset, split: str, settings: Settings, crafted_on: LoadedModel | None = None
    ) -> None:
        self.model, self.settings, self.transfer = model, settings, crafted_on is not None
        self.attacked = _network(crafted_on or model)
        self.victim = Victim(self.attacked.network)
        self.rows = Rows(dataset, split, self.attacked, settings)
        self.corrections = missing_corrections(self.attacked, dataset.transforms)
        self.transforms = [*dataset.transforms, *map(step, self.corrections)]
        self.rounded = self.transfer and not self._same_input(model)
        self._order = class_order(dataset.class_names, model.class_names, str(model.path))

    def clean(self) -> Probabilities:
        """Probabilities (N, K) of the images before any attack, which come to the model as attacked ones do."""
        return np.concatenate([self.score(images) for _, images in self.rows.batches()])

    def run(
        self,
        task: Task,
        rows: Indices | None = None,
        observers: Sequence[Observer] = (),
        advance: Callable[[int], None] = lambda _: None,
    ) -> list[Point]:
        """The points of a task, by rising epsilon.

        rows: which of the N are attacked; all by default. advance: is called with the number of images just attacked.
        """
        attack, restarts = self._build(task), self.settings.restarts
        parts: dict[float, list[Point]] = {epsilon: [] for epsilon in task.epsilons}
        for number, (some, clean) in enumerate(self.rows.batches(rows)):
            sweep = attack.sweep(clean, self.rows.aim(some), task.levels, restarts, number)
            for epsilon, attacked in zip(task.epsilons, sweep, strict=True):
                answers = self.score(attacked)
                l2, linf = (ball.sizes(attacked - clean, norm) / ball.WHITE for norm in (ball.TWO, ball.INF))
                parts[epsilon].append(Point(task.method, task.norm, epsilon, some, answers, l2, linf))
                for observe in observers:
                    observe(Seen(task, epsilon, some, clean, attacked, answers))
                advance(len(some))
        return [_joined(points) for points in parts.values()]

    def on_itself(self) -> Experiment:
        """The same without a transfer: the attacked network is scored."""
        if not self.transfer:
            return self
        return Experiment(self.attacked, self.rows.dataset, self.rows.split, self.settings)

    def reached(self, probabilities: Probabilities, rows: Indices | None = None) -> npt.NDArray[np.bool_]:
        """(n,): whether answers about these of the N (all by default) are what the attack wants."""
        labels, named = self.rows.labels if rows is None else self.rows.labels[rows], probabilities.argmax(1)
        return np.asarray(named != labels if self.rows.target is None else named == self.rows.target)

    def score(self, images: Images) -> Probabilities:
        """What the model says of images float32 (n, H, W, C): float32 (n, K), in the dataset's order of classes."""
        if not self.transfer:
            outputs = _softmax(self.victim.predict(images))
        else:
            seen = fit_to_model(to_pixels(images), self.model, self.transforms) if self.rounded else images
            outputs = self.model.probabilities(seen, self.settings.batch_size)
        return outputs if self._order is None else outputs[:, self._order]

    def _build(self, task: Task) -> Attack:
        """The attack of a task, which has learnt what it needs to."""
        kind: type[Attack] = catalog.find(catalog.ATTACKS, task.method, "attack")
        attack = kind(self.victim, task.norm, task.steps, self.settings.seed)
        if kind.learns:
            images, aim = self.rows.lesson()
            for level in task.levels:
                attack.learn(images, aim, level, np.random.default_rng(self.settings.seed))
        return attack

    def _same_input(self, model: Scorer) -> bool:
        """Whether a network sees just what the attacked one does."""
        _, images = next(self.rows.batches(np.zeros(1, np.intp)))
        shape = (images.shape[1], images.shape[2], images.shape[3])
        same = whole_shape(model, shape) == shape and not missing_corrections(model, self.transforms)
        return same and isinstance(model, LoadedModel)


def to_pixels(images: Images) -> npt.NDArray[np.uint8]:
    """Levels rounded to what a file holds."""
    return np.rint(images).astype(np.uint8)


def _network(model: Scorer) -> LoadedModel:
    if not isinstance(model, LoadedModel):
        raise UsageError(f"{model.path}: no network, so it has no gradient to follow; name a network with --craft-on")
    return model


def _joined(points: Sequence[Point]) -> Point:
    first = points[0]
    columns = [[getattr(p, name) for p in points] for name in ("rows", "probabilities", "l2", "linf")]
    return Point(first.method, first.norm, first.epsilon, *map(np.concatenate, columns))


def _softmax(logits: npt.NDArray[np.float32]) -> Probabilities:
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True), np.float32)
