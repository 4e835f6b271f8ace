"""Who is right about the suspects: labels that are known to be true, or a majority of other voters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.labels.ranking import Ranking
from fer_cli.analysis.scores import Interval, interval, resample
from fer_cli.datasets.ferplus import majority_by_source
from fer_cli.errors import InputError
from fer_cli.store.reader import Dataset

#: The attribute of a dataset file that keeps the right labels where some were falsified (`fer prepare --label-noise`).
TRUTH = "true_label"
#: Whom a majority of voters sides with.
SIDES = ("model", "given", "other", "none")


@dataclass(frozen=True)
class Known:
    """What is known of the N rows besides labels and model.

    truth: (N,) the true classes, index into the class names, or None. majority: of each row the class that most of its
    voters named, or None for a row without such a class; None where nobody was asked.
    """

    truth: npt.NDArray[np.intp] | None = None
    majority: list[str | None] | None = None


def known(dataset: Dataset, split: str, votes: Path | None) -> Known:
    """The true labels where the file has them, and the majority of FER+ votes where a table of them is given.

    Raises as `true_labels` and `ferplus.majority_by_source`.
    """
    truth = true_labels(dataset, split)
    if votes is None:
        return Known(truth)
    codes = dataset.splits()[dataset.rows(split)]
    return Known(truth, majority_by_source(votes, dataset.sources(split), codes))


def true_labels(dataset: Dataset, split: str) -> npt.NDArray[np.intp] | None:
    """(N,) the true classes as index into the class names, or None where the file does not know them.

    Raises `InputError` for a value that is no class of the dataset.
    """
    values = dataset.attribute_values(TRUTH) if TRUTH in dataset.attribute_names else None
    if values is None:
        return None
    if unknown := sorted(set(values) - set(dataset.class_names)):
        raise InputError(
            f"{dataset.path}: attribute {TRUTH}: expected values of {', '.join(dataset.class_names)}. "
            f"Received: {', '.join(unknown)}"
        )
    codes = np.array([dataset.class_names.index(value) for value in values], np.intp)
    return np.asarray(codes[dataset.attribute(TRUTH, split).astype(np.intp)])


def against_truth(ranking: Ranking, truth: npt.NDArray[np.intp], top: int, seed: int) -> dict[str, Any]:
    """How well a ranking finds the labels that are not those of `truth` (N,).

    precision_at_wrong: of the first W suspects the part that is labelled wrongly, W being the number of wrong labels of
    all rows; a list of fewer suspects counts as if filled up with right labels. mended_at_wrong: the part for which the
    suggestion is also the true class. precision_at_top: of the first `top`. by_chance: W / N. Shares are None where
    nothing is wrong or suspected; the interval is a 95 % bootstrap one over the W places.
    """
    wrong_row = ranking.answers.labels != truth
    wrong, n = int(wrong_row.sum()), len(truth)
    hits, mended = wrong_row[ranking.rows], ranking.suggested == truth[ranking.rows]
    found = int(hits[:wrong].sum())
    shown = hits[:top]
    return {
        "n": n,
        "wrong": wrong,
        "by_chance": wrong / n,
        "precision_at_wrong": found / wrong if wrong else None,
        "precision_at_wrong_interval": _share_interval(found, wrong, seed) if wrong else None,
        "mended_at_wrong": float(mended[:wrong].sum() / wrong) if wrong else None,
        "precision_at_top": float(shown.mean()) if len(shown) else None,
        "wrong_among_suspects": int(hits.sum()),
    }


def sides(ranking: Ranking, majority: Sequence[str | None]) -> list[str]:
    """For each of the M suspects whom the majority of its voters sides with, of `SIDES`.

    majority: of each of the N rows the class that most voters named, or None where there is no such class.
    """
    names = ranking.answers.class_names
    found = []
    for row, given, suggested in zip(ranking.rows, ranking.given, ranking.suggested, strict=True):
        voted = majority[row]
        known = {None: "none", names[suggested]: "model", names[given]: "given"}
        found.append(known.get(voted, "other"))
    return found


def against_votes(ranking: Ranking, majority: Sequence[str | None], top: int, seed: int) -> dict[str, Any]:
    """Whom the majority of voters sides with: of the first `top` suspects, of all, and how often with any label.

    share: the part of all in question, those without a majority included; its interval is a 95 % bootstrap one over
    rows. all_rows: of the rows with a majority, the part whose label it confirms.
    """
    found, names, labels = sides(ranking, majority), ranking.answers.class_names, ranking.answers.labels
    voted = [(names[label], other) for label, other in zip(labels, majority, strict=True) if other is not None]
    return {
        "top": _sided(found[:top], seed),
        "suspects": _sided(found, seed),
        "all_rows": {
            "n": len(voted),
            "given": sum(label == other for label, other in voted),
            "share_given": sum(label == other for label, other in voted) / len(voted) if voted else None,
        },
    }


def _sided(found: Sequence[str], seed: int) -> dict[str, Any]:
    counts = Counter(found)
    n, model = len(found), counts["model"]
    return {
        "n": n,
        **{side: counts[side] for side in SIDES},
        "share_model": model / n if n else None,
        "share_model_interval": _share_interval(model, n, seed) if n else None,
    }


def _share_interval(part: int, whole: int, seed: int) -> Interval:
    drawn = resample(np.array([part, whole - part]), seed)
    return interval(drawn[:, 0] / whole)
