"""Scores of a classifier from labels and class probabilities.

Everything that depends only on the confusion matrix takes counts of shape (..., K, K), row = given class, column =
predicted class, so that a bootstrap scores all its resamples in one call.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: Equal-width confidence bins of the calibration error, as in Guo et al. 2017.
CALIBRATION_BINS = 15
RESAMPLES = 2000
#: Percentiles that bound a 95 % interval.
_PERCENTILES = (2.5, 97.5)

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.integer]
Probabilities = npt.NDArray[np.floating]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Calibration:
    """Confidence against accuracy by bin: (B,) each, bin b is (b/B, (b+1)/B]; means are NaN where a bin is empty."""

    confidence: Floats
    accuracy: Floats
    counts: Counts

    @property
    def error(self) -> float:
        """Expected calibration error, 0..1, 0 is best: sum over bins of n_b/n × |accuracy - confidence|.

        Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017, equation 3.
        """
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(gaps * self.counts) / self.counts.sum())


@dataclass(frozen=True)
class Scores:
    """How well N predictions fit their labels; all but nll and ece (lower is better) are 0..1, higher is better.

    The intervals are 95 % percentile bootstrap intervals.
    """

    n: int
    accuracy: float
    accuracy_interval: Interval
    top3: float
    macro_f1: float
    macro_f1_interval: Interval
    balanced_accuracy: float
    ece: float
    nll: float


@dataclass(frozen=True)
class ClassScores:
    """One class: precision is NaN when it was never predicted, recall and f1 when the class has no row."""

    precision: Floats
    recall: Floats
    f1: Floats
    support: Counts


def score(labels: Labels, probabilities: Probabilities, seed: int = 0) -> Scores:
    """All scores of `labels` (N,), N at least 1, against `probabilities` (N, K), whose rows sum to 1.

    seed: of the bootstrap.
    """
    counts = confusion_matrix(labels, probabilities.argmax(1), probabilities.shape[1])
    resampled = resample(counts, seed)
    return Scores(
        n=len(labels),
        accuracy=float(accuracy(counts)),
        accuracy_interval=interval(accuracy(resampled)),
        top3=top_k(labels, probabilities, 3),
        macro_f1=float(macro_f1(counts)),
        macro_f1_interval=interval(macro_f1(resampled)),
        balanced_accuracy=float(balanced_accuracy(counts)),
        ece=calibration(labels, probabilities).error,
        nll=negative_log_likelihood(labels, probabilities),
    )


def confusion_matrix(labels: Labels, predictions: Labels, classes: int) -> Counts:
    """int64 (K, K): row = given class, column = predicted class."""
    flat = np.bincount(labels.astype(np.int64) * classes + predictions, minlength=classes**2)
    return flat.reshape(classes, classes).astype(np.int64)


def accuracy(counts: Counts) -> Floats:
    """Share of right predictions: (..., K, K) -> (...)."""
    return np.asarray(np.trace(counts, axis1=-2, axis2=-1) / counts.sum((-2, -1)))


def per_class(counts: Counts) -> ClassScores:
    """Precision, recall, F1 = 2 TP / (given + predicted) and support of each class: (..., K, K) -> (..., K) each."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    given, predicted = counts.sum(-1), counts.sum(-2)
    return ClassScores(_ratio(hits, predicted), _ratio(hits, given), _ratio(2 * hits, given + predicted), given)


def macro_f1(counts: Counts) -> Floats:
    """Unweighted mean of the F1 of all classes that were given or predicted: (..., K, K) -> (...)."""
    return np.asarray(np.nanmean(per_class(counts).f1, -1))


def balanced_accuracy(counts: Counts) -> Floats:
    """Unweighted mean of the recall of all classes that were given: (..., K, K) -> (...)."""
    return np.asarray(np.nanmean(per_class(counts).recall, -1))


def top_k(labels: Labels, probabilities: Probabilities, k: int) -> float:
    """Share of rows whose label is among the k most probable classes; of equals the first counts as more probable."""
    given = np.take_along_axis(probabilities, labels[:, None].astype(np.intp), 1)
    earlier = np.arange(probabilities.shape[1]) < labels[:, None]
    rank = ((probabilities > given) | ((probabilities == given) & earlier)).sum(1)
    return float((rank < k).mean())


def negative_log_likelihood(labels: Labels, probabilities: Probabilities) -> float:
    """Mean of -ln p(label) in nats; p is kept above 1.2e-7, float32's epsilon, so that one row cannot be infinite."""
    given = np.take_along_axis(probabilities, labels[:, None].astype(np.intp), 1).astype(np.float64)
    return float(-np.log(np.maximum(given, np.finfo(np.float32).eps)).mean())


def calibration(labels: Labels, probabilities: Probabilities, bins: int = CALIBRATION_BINS) -> Calibration:
    """Mean confidence (the highest probability) and accuracy in equal-width bins of the confidence."""
    confidence = probabilities.max(1).astype(np.float64)
    right = probabilities.argmax(1) == labels
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins).astype(np.int64)
    confident, hits = np.bincount(place, confidence, bins), np.bincount(place, right, bins)
    return Calibration(_ratio(confident, counts), _ratio(hits, counts), counts)


def resample(counts: Counts, seed: int, resamples: int = RESAMPLES) -> Counts:
    """Bootstrap of a table of counts: int64 (resamples, *counts.shape), each with the same total.

    Drawing n rows with replacement makes the cells multinomial, so the rows themselves need not be drawn.
    """
    total = int(counts.sum())
    drawn = np.random.default_rng(seed).multinomial(total, counts.ravel() / total, resamples)
    return drawn.reshape(resamples, *counts.shape)


def interval(values: Floats) -> Interval:
    """The 2.5th and 97.5th percentile of bootstrapped values."""
    low, high = np.percentile(values, _PERCENTILES)
    return float(low), float(high)


def _ratio(part: npt.NDArray[np.generic], whole: Counts) -> Floats:
    """`part / whole`, NaN where the whole is 0."""
    out = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out
