"""Numbers beside a picture of embedded faces: how far it can be trusted, and how well it keeps classes apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import silhouette_samples
from sklearn.neighbors import NearestNeighbors

from fer_cli.analysis import scores

#: Neighbours that are asked, as usual for t-SNE since Kobak and Berens (2019).
NEIGHBOURS = 10
#: Numbers of a block of distances.
_BLOCK = 1 << 23

Values = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Separation:
    """How well the classes of N rows stand apart in one space.

    silhouette: (N,), -1..1, NaN where there is one class only. counts: the confusion matrix (K, K) of naming each row
    by its neighbours. mixing: (K, K), row = class, column = the share of its neighbours that are of that class, rows
    sum to 1, NaN for a class without rows.
    """

    silhouette: Floats
    counts: scores.Counts
    mixing: Floats


def neighbours_of(count: int) -> int:
    """How many neighbours are asked of `count` rows: fewer than half of them, as trustworthiness needs."""
    return max(1, min(NEIGHBOURS, (count - 1) // 2))


def nearest(values: Values, neighbours: int) -> Indices:
    """The nearest other rows of each row of (N, D) by Euclidean distance, the nearest first: (N, neighbours)."""
    # Trees do not help beyond a few dimensions.
    algorithm = "brute" if values.shape[1] > 3 else "auto"
    found = NearestNeighbors(n_neighbors=neighbours, algorithm=algorithm).fit(values)
    return np.asarray(found.kneighbors(return_distance=False), np.intp)


def trustworthiness(features: Values, near: Indices) -> float:
    """To what part neighbours in a picture are neighbours by their features: 0..1, 1 is best.

    features: (N, D). near: (N, k), the nearest rows of each in the picture, k < N / 2. One minus a penalty for each of
    them, by how far it is from being among the k nearest by features: Venna and Kaski, "Neighborhood preservation in
    nonlinear projection methods", ICANN 2001. Works block by block, where scikit-learn's would hold N² distances.
    """
    count, k = near.shape
    centred = features - features.mean(0)
    lengths = np.einsum("nd,nd->n", centred, centred)
    step = max(1, _BLOCK // count)
    penalty = 0
    for start in range(0, count, step):
        rows = np.arange(start, min(start + step, count))
        # Squared, without the part that is the same for the whole row; the order is what counts.
        distances = lengths - 2 * centred[rows] @ centred.T
        distances[np.arange(len(rows)), rows] = np.inf
        own = np.take_along_axis(distances, near[rows], 1)
        for column in range(k):
            closer = np.count_nonzero(distances < own[:, column, None], axis=1)
            penalty += int(np.maximum(0, closer + 1 - k).sum())
    return float(1 - 2 * penalty / (count * k * (2 * count - 3 * k - 1)))


def separation(values: Values, near: Indices, labels: npt.NDArray[np.uint8], classes: int) -> Separation:
    """How well classes stand apart. values: (N, D). near: as `nearest` gives them. labels: (N,) below `classes`.

    The silhouette is that of Rousseeuw, "Silhouettes: a graphical aid", 1987.
    """
    several = 1 < len(np.unique(labels)) < len(labels)
    silhouette = silhouette_samples(values, labels) if several else np.full(len(labels), np.nan)
    return Separation(
        np.asarray(silhouette, np.float64),
        scores.confusion_matrix(labels, vote(labels[near], classes), classes),
        mixing(labels, labels[near], classes),
    )


def vote(named: npt.NDArray[np.uint8], classes: int) -> Indices:
    """The class that most of k neighbours have, of equals that of the nearest. named: (N, k), the nearest first."""
    # All that ranks can add is less than one vote, and no rank less than all behind it.
    weights = 1 + 0.5 ** (1 + np.arange(named.shape[1]))
    votes = np.zeros((len(named), classes))
    for column, weight in enumerate(weights):
        votes[np.arange(len(named)), named[:, column]] += weight
    return np.asarray(votes.argmax(1), np.intp)


def mixing(labels: npt.NDArray[np.uint8], named: npt.NDArray[np.uint8], classes: int) -> Floats:
    """The share of each class among the neighbours of each class: (K, K). named: (N, k), the neighbours' labels."""
    counts = scores.confusion_matrix(np.repeat(labels, named.shape[1]), named.ravel(), classes)
    totals = counts.sum(1, keepdims=True)
    shares: Floats = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
    return shares
