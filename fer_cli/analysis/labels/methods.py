"""How probable it is that a row is labelled wrongly, from its label and a model's probabilities.

A method takes labels (N,), index into the K classes, and probabilities (N, K), and gives a suspicion float64 (N,):
0..1, higher is more probably wrong, NaN where the method does not suspect the row. `mistakes` needs no package; the
others are cleanlab's, the suspicion being 1 - its label quality score.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError, MissingError

Labels = npt.NDArray[np.integer]
Probabilities = npt.NDArray[np.floating]
Suspicion = npt.NDArray[np.float64]

#: The methods that need no package beyond those that fer always has.
BUILT_IN = ("mistakes",)


def mistakes(labels: Labels, probabilities: Probabilities) -> Suspicion:
    """The probability of the class that the row is taken for, where that is not the given one; other rows are NaN."""
    taken_for = probabilities.argmax(1)
    return np.where(taken_for == labels, np.nan, probabilities.max(1).astype(np.float64))


def self_confidence(labels: Labels, probabilities: Probabilities) -> Suspicion:
    """1 - p(given), which also finds faces that fit no class.

    Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70, 2021.
    """
    return _quality(labels, probabilities, "self_confidence")


def margin(labels: Labels, probabilities: Probabilities) -> Suspicion:
    """(1 - p(given) + p(the best other class)) / 2, which finds faces that another class fits clearly better.

    Northcutt et al., as `self_confidence`.
    """
    return _quality(labels, probabilities, "normalized_margin")


def entropy(labels: Labels, probabilities: Probabilities) -> Suspicion:
    """1 - ln(1 + x) / x with x = normalised entropy / p(given): cleanlab's confidence-weighted entropy.

    Kuan and Mueller, "Model-agnostic label quality scoring to detect real-world label errors", ICML DataPerf 2022.
    """
    return _quality(labels, probabilities, "confidence_weighted_entropy")


def confident_learning(labels: Labels, probabilities: Probabilities) -> Suspicion:
    """1 - p(given) of the rows that confident learning takes for label errors, pruned by noise rate; others are NaN.

    It counts rows that are given as one class and confidently named as another, against thresholds of each class, and
    takes as many of each pair as this joint distribution says. Northcutt et al., as `self_confidence`. Raises
    `InputError` where all rows have one label.
    """
    if len(np.unique(labels)) < 2:
        raise InputError("confident learning: expected rows of two classes or more. Received: of one")
    with warnings.catch_warnings():  # it warns of classes too rare to lose a row
        warnings.simplefilter("ignore")
        found = cleanlab("filter").find_label_issues(labels.astype(np.intp), probabilities, n_jobs=1)
    return np.where(found, self_confidence(labels, probabilities), np.nan)


def require(method: str) -> None:
    """Raise `MissingError` where a method needs a package that is not installed."""
    if method not in BUILT_IN:
        cleanlab("rank")


def cleanlab(module: str) -> Any:
    """A module of cleanlab; `MissingError` where the package is not installed."""
    try:
        with warnings.catch_warnings():  # about packages that would make it faster on large data
            warnings.simplefilter("ignore")
            return importlib.import_module(f"cleanlab.{module}")
    except ImportError as error:
        raise MissingError("all methods but mistakes need the extra labels: pip install 'fer-cli[labels]'") from error


def _quality(labels: Labels, probabilities: Probabilities, name: str) -> Suspicion:
    scores = cleanlab("rank").get_label_quality_scores(labels.astype(np.intp), probabilities, method=name)
    return 1 - np.asarray(scores, np.float64)
