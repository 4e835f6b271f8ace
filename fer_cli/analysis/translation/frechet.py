"""How far made faces are from real ones as a crowd: the Fréchet distance on a network's features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.scores import Interval, interval

#: Random divisions into halves over which a distance is averaged.
REPEATS = 10

Floats = npt.NDArray[np.floating]
Codes = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Realism:
    """Fréchet distances in the squared units of the features, 0 and up, low is real; means over `REPEATS` halvings.

    distance: from translations of one half of the faces to the real faces of the other. floor: from the real faces of
    the one half to those of the other, as many and as often of each class. ratio: the first over the second. n: faces,
    on average, on each side of `distance`. The intervals hold 95 % of the halvings; distances shrink with n, so only
    those of equal n compare.
    """

    distance: float
    distance_interval: Interval
    floor: float
    floor_interval: Interval
    ratio: float
    n: int
    n_reference: int


def frechet_distance(first: Floats, second: Floats) -> float:
    """‖μ₁ - μ₂‖² + tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½) of two sets of features (N, D), (M, D), with N and M at least 2.

    Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter: GANs trained by a two time-scale update rule converge to a
    local Nash equilibrium (NIPS 2017, arXiv:1706.08500). With Σ = XᵀX of centred, scaled rows X, the eigenvalues of
    Σ₁Σ₂ are the squared singular values of X₁X₂ᵀ: so no root of a matrix is needed, nor that N exceeds D.
    """
    (mean_1, rows_1), (mean_2, rows_2) = _moments(first), _moments(second)
    overlap = np.linalg.svd(rows_1 @ rows_2.T, compute_uv=False).sum()
    distance = np.sum((mean_1 - mean_2) ** 2) + np.sum(rows_1**2) + np.sum(rows_2**2) - 2 * overlap
    return max(0.0, float(distance))


def realism(
    real: Floats, labels: Codes, translated: Floats, targets: Sequence[int], groups: Codes, seed: int
) -> Realism | None:
    """Distances between halves of the N faces; None where a half has fewer than two of the faces needed.

    real: features (N, D) of the faces as they are. labels: (N,). translated: features (N, T, D) of their translations.
    targets: the class of each of the T. groups: (N,) codes of what stays in one half, such as a person.
    """
    drawn = [
        _halve(labels, np.asarray(targets), groups, np.random.default_rng((seed, number))) for number in range(REPEATS)
    ]
    if any(min(len(own), len(reference)) < 2 for own, _, _, reference in drawn):
        return None
    distances, floors = np.empty(REPEATS), np.empty(REPEATS)
    for number, (own, sources, wanted, reference) in enumerate(drawn):
        distances[number] = frechet_distance(translated[sources, wanted], real[reference])
        floors[number] = frechet_distance(real[own], real[reference])
    return Realism(
        distance=float(distances.mean()),
        distance_interval=interval(distances),
        floor=float(floors.mean()),
        floor_interval=interval(floors),
        ratio=float(distances.mean() / floors.mean()),
        n=round(np.mean([len(own) for own, *_ in drawn])),
        n_reference=round(np.mean([len(reference) for *_, reference in drawn])),
    )


def _halve(labels: Codes, targets: Codes, groups: Codes, rng: np.random.Generator) -> tuple[Codes, Codes, Codes, Codes]:
    """Real rows of the first half; as many sources in it and which target each is to take; real rows of the second.

    Of each target both have as many faces: real ones of that class, and translations from other classes.
    """
    names, member_of = np.unique(groups, return_inverse=True)
    first = (rng.permutation(len(names)) < len(names) / 2)[member_of]
    own, sources, wanted = [], [], []
    for target, label in enumerate(targets):
        real = rng.permutation(np.flatnonzero(first & (labels == label)))
        others = rng.permutation(np.flatnonzero(first & (labels != label)))
        count = min(len(real), len(others))
        own.append(real[:count])
        sources.append(others[:count])
        wanted.append(np.full(count, target))
    reference = np.flatnonzero(~first & np.isin(labels, targets))
    return np.concatenate(own), np.concatenate(sources), np.concatenate(wanted), reference


def _moments(features: Floats) -> tuple[Floats, Floats]:
    """Mean (D,) and a matrix R (≤ D, D) with RᵀR the covariance."""
    wide = features.astype(np.float64)
    mean = wide.mean(0)
    # NumPy's stubs know only the mode that returns two matrices.
    rows = np.asarray(np.linalg.qr((wide - mean) / np.sqrt(len(wide) - 1), mode="r"))
    return mean, rows
