"""Search for the parameters of a classifier by cross-validation: a full grid, or successive halving."""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from fer_cli.analysis import scores
from fer_cli.classical import accelerate
from fer_cli.classical.folds import Folds, stratified
from fer_cli.classical.grids import Setting
from fer_cli.classical.pipelines import classifier, logits, preparation
from fer_cli.datasets.parallel import BACKENDS, check_backend, client
from fer_cli.errors import UsageError

#: Of how many settings one goes on to the next round of successive halving, with so many times the rows.
ETA = 3
#: The fewest rows a fold that a round of successive halving fits on.
FEWEST_ROWS = 50

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.integer]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Cell:
    """One setting in one fold of one round.

    rows: how many were fitted on. accuracy, macro_f1: on the fold's held-out rows. seconds: of the fit.
    """

    setting: int
    round: int
    fold: int
    rows: int
    accuracy: float
    macro_f1: float
    seconds: float


@dataclass(frozen=True)
class Search:
    """What a search found.

    settings: the first is the classifier as it comes. cells: all that was fitted. best: the setting of the highest mean
    accuracy over the folds of the last round, the first of equals. held_out: logits (M, K) of that setting for the rows
    `folds.rows`, each from a fit that had not seen the row. seconds: wall clock.
    """

    name: str
    settings: list[Setting]
    cells: list[Cell]
    best: int
    held_out: npt.NDArray[np.float64]
    folds: Folds
    seconds: float

    def accuracies(self, setting: int) -> list[float]:
        """The accuracy in each fold of the last round."""
        last = max(cell.round for cell in self.cells)
        return [cell.accuracy for cell in self.cells if (cell.setting, cell.round) == (setting, last)]


@dataclass(frozen=True)
class Plan:
    """How to search. pca: as `Features.pca`. halving: successive halving instead of the whole grid.

    backend, scheduler, jobs: who fits, as for `datasets.parallel.workers`. accelerated: with scikit-learn-intelex.
    """

    pca: float | None = None
    halving: bool = False
    backend: str = "threads"
    scheduler: str | None = None
    jobs: int | None = None
    accelerated: bool = False
    seed: int = 0


@dataclass
class _Round:
    """The settings that are fitted on so many rows of each fold; None for all."""

    number: int
    settings: list[int]
    rows: int | None
    cells: list[Cell] = field(default_factory=list)
    held_out: dict[int, npt.NDArray[np.float64]] = field(default_factory=dict)

    def ranked(self) -> list[int]:
        """Settings by their mean accuracy, the highest first, of equals the earlier one."""
        means = {s: np.mean([c.accuracy for c in self.cells if c.setting == s]) for s in self.settings}
        return sorted(self.settings, key=lambda s: (-means[s], s))


def search(
    name: str,
    settings: Sequence[Setting],
    x: Floats,
    labels: Labels,
    classes: int,
    folds: Folds,
    plan: Plan,
    advance: Callable[[int], None] = lambda _: None,
) -> Search:
    """Try all `settings` of the classifier `name` in all folds.

    x: features (N, D). labels: (N,) in 0..classes-1. PCA and scaling are fitted anew on each fold's own rows.
    advance: is called after each of `fits(len(settings), folds, plan)` fits. Raises `UsageError` for values that the
    classifier does not take, and what `datasets.parallel.workers` raises.
    """
    started = time.perf_counter()
    alive, cells = list(range(len(settings))), []
    with _pool(plan, _jobs(name, plan)) as workers:
        for number, (kept, rows) in enumerate(rounds(len(settings), folds, plan.halving)):
            # The untuned setting always goes on: the result tells what tuning gained.
            alive = sorted({0, *alive[:kept]}) if kept < len(alive) else alive
            this = _Round(number, alive, rows)
            _run_round(this, name, settings, x, labels, classes, folds, plan, workers, advance)
            alive = this.ranked()
            cells += this.cells
    best = alive[0]
    return Search(name, list(settings), cells, best, this.held_out[best], folds, time.perf_counter() - started)


def rounds(settings: int, folds: Folds, halving: bool) -> list[tuple[int, int | None]]:
    """How many settings go through each round, and on how many rows of each fold (None for all).

    Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016.
    """
    if not halving:
        return [(settings, None)]
    smallest = min(len(folds.fitted(number)) for number in range(folds.count))
    steps = min(int(math.log(settings, ETA) + 1e-9), max(0, int(math.log(max(1, smallest / FEWEST_ROWS), ETA))))
    early: list[tuple[int, int | None]] = [
        (-(-settings // ETA**step), smallest // ETA ** (steps - step)) for step in range(steps)
    ]
    return [*early, (-(-settings // ETA**steps), None)]


def fits(settings: int, folds: Folds, plan: Plan) -> int:
    """At most how many fits a search takes; the untuned setting may be one more in each later round."""
    planned = rounds(settings, folds, plan.halving)
    return folds.count * sum(min(settings, kept + (number > 0)) for number, (kept, _) in enumerate(planned))


def _run_round(
    this: _Round, name: str, settings: Sequence[Setting], x: Floats, labels: Labels, classes: int,
    folds: Folds, plan: Plan, workers: tuple[Any, int], advance: Callable[[int], None],
) -> None:  # fmt: skip
    """Fit all settings of a round in all folds, as many folds at a time as there are workers."""
    fit = joblib.delayed(fit_fold)
    (pool, jobs), numbers = workers, iter(range(folds.count))
    while batch := list(itertools.islice(numbers, jobs)):
        prepared = {number: prepare_fold(x, labels, folds, number, this.rows, plan) for number in batch}
        tasks = ((setting, number) for number in batch for setting in this.settings)
        calls = (
            fit(name, settings[setting], *prepared[number], classes, plan, (setting, this.number, number))
            for setting, number in tasks
        )
        with threadpool_limits(1 if jobs > 1 else None):  # jobs times threads would be more than the cores
            for cell, found in pool(calls):
                this.cells.append(cell)
                held_out = this.held_out.setdefault(cell.setting, np.empty((len(folds.rows), classes)))
                held_out[folds.fold == cell.fold] = found
                advance(1)


def prepare_fold(
    x: Floats, labels: Labels, folds: Folds, number: int, limit: int | None, plan: Plan
) -> tuple[Floats, Labels, Floats, Labels]:
    """Fold `number`: rows to fit on and their labels, rows to score and theirs, through steps fitted on the former.

    limit: fit on so many of its rows, None for all.
    """
    rows, held_out = folds.fitted(number), folds.held_out(number)
    if limit is not None:
        rows = rows[stratified(labels[rows], limit, plan.seed)]
    steps = preparation(plan.pca, len(rows), plan.seed)
    with refusals("features"):
        return steps.fit_transform(x[rows]), labels[rows], steps.transform(x[held_out]), labels[held_out]


def fit_fold(
    name: str, setting: Setting, x: Floats, labels: Labels, held_out: Floats, given: Labels, classes: int, plan: Plan,
    place: tuple[int, int, int],
) -> tuple[Cell, npt.NDArray[np.float64]]:  # fmt: skip
    """Fit one cell, and score `held_out`, whose labels are `given`; their logits (M, K).

    place: setting, round and fold. Raises `UsageError` for a value that scikit-learn refuses.
    """
    model = classifier(name, plan.seed, setting)
    if plan.accelerated:
        model = accelerate.twin(model)
    started = time.perf_counter()
    with refusals(f"{name} {setting}"):
        model = accelerate.stock(model.fit(x, labels))
    seconds = time.perf_counter() - started
    found = logits(model, held_out, classes)
    counts = scores.confusion_matrix(given, found.argmax(1), classes)
    accuracy, macro_f1 = float(scores.accuracy(counts)), float(scores.macro_f1(counts))
    return Cell(*place, len(x), accuracy, macro_f1, seconds), found


@contextlib.contextmanager
def refusals(what: str) -> Iterator[None]:
    """Turn scikit-learn's refusals of a parameter's value into `UsageError`."""
    try:
        yield
    except ValueError as error:
        raise UsageError(f"{what}: {error}") from error


def _jobs(name: str, plan: Plan) -> int | None:
    """How many fits at a time; None for one a worker."""
    if plan.accelerated and plan.backend == "threads" and accelerate.covers(classifier(name, plan.seed, {})):
        return 1  # oneDAL takes all cores for each fit, and none but the main thread can tell it to take fewer
    return plan.jobs


@contextlib.contextmanager
def _pool(plan: Plan, jobs: int | None) -> Iterator[tuple[Any, int]]:
    """A joblib pool on the plan's backend that gives results in order as they come, and its number of workers."""
    check_backend(plan.backend, plan.scheduler)
    with contextlib.ExitStack() as stack:
        if plan.scheduler is not None:
            stack.enter_context(client(plan.scheduler))
        stack.enter_context(joblib.parallel_config(backend=BACKENDS[plan.backend]))
        pool = stack.enter_context(joblib.Parallel(n_jobs=jobs or -1, return_as="generator"))
        yield pool, joblib.effective_n_jobs(jobs or -1)
