"""How well a network stands an attack: accuracy, success, size of the perturbations, confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fer_cli.analysis import scores
from fer_cli.analysis.attack.experiment import Experiment, Point, Probabilities
from fer_cli.analysis.scores import Counts, Interval


@dataclass(frozen=True)
class Outcome:
    """One method at one epsilon, of n rows.

    accuracy: share named rightly, with its 95 % bootstrap interval; so is `success`: of the rows whose aim was not
    reached before the attack (`attempts`: without a target those named rightly, with one those not taken for it), the
    share whose aim is reached now; None where there are no such rows. changed: rows whose image is another. mean_l2,
    mean_linf: length of the perturbation, for pixels of 0..1, over those; None where there are none. confidence: mean
    highest probability. confusion_matrix: row = given class, column = predicted class.
    """

    method: str
    norm: str
    epsilon: float
    n: int
    accuracy: float
    accuracy_interval: Interval
    success: float | None
    success_interval: Interval | None
    attempts: int
    changed: int
    mean_l2: float | None
    mean_linf: float | None
    confidence: float
    confusion_matrix: list[list[int]]


def outcome(experiment: Experiment, point: Point, clean: Probabilities) -> Outcome:
    """What a point comes to. clean: (N, K) of all rows before the attack."""
    counts = confusion(experiment, point.probabilities, point)
    attempts = ~experiment.reached(clean[point.rows], point.rows)
    hits = experiment.reached(point.probabilities, point.rows)[attempts]
    success, success_interval = _share(int(hits.sum()), len(hits), experiment.settings.seed)
    changed = point.linf > 0
    return Outcome(
        method=point.method,
        norm=point.norm,
        epsilon=point.epsilon,
        n=len(point.rows),
        accuracy=float(scores.accuracy(counts)),
        accuracy_interval=accuracy_interval(counts, experiment.settings.seed),
        success=success,
        success_interval=success_interval,
        attempts=len(hits),
        changed=int(changed.sum()),
        mean_l2=float(point.l2[changed].mean()) if changed.any() else None,
        mean_linf=float(point.linf[changed].mean()) if changed.any() else None,
        confidence=float(point.probabilities.max(1).mean()),
        confusion_matrix=counts.tolist(),
    )


def confusion(experiment: Experiment, probabilities: Probabilities, point: Point | None = None) -> Counts:
    """Confusion matrix (K, K) of answers about a point's rows, or all rows."""
    labels = experiment.rows.labels if point is None else experiment.rows.labels[point.rows]
    return scores.confusion_matrix(labels, probabilities.argmax(1), probabilities.shape[1])


def accuracy_interval(counts: Counts, seed: int) -> Interval:
    """95 % bootstrap interval of the accuracy."""
    return scores.interval(scores.accuracy(scores.resample(counts, seed)))


def strongest(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome of the most success; of equals that of the least accuracy, then of the least epsilon."""
    return min(outcomes, key=lambda o: (-(o.success or 0.0), o.accuracy, o.epsilon))


def _share(hits: int, total: int, seed: int) -> tuple[float | None, Interval | None]:
    """Share of hits in all with its 95 % bootstrap interval."""
    if not total:
        return None, None
    drawn = scores.resample(np.array([hits, total - hits], np.int64), seed)
    return hits / total, scores.interval(drawn[:, 0] / total)
