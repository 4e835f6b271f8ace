"""The weights of an ensemble's average that fit given rows best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: The search ends when no weights can fit the rows better by more than this, in nats a row, or after so many rounds.
TOLERANCE = 1e-6
ROUNDS = 20_000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class WeightSearch:
    """Weights found on the n rows of a split.

    weights: one a model, sum 1. log_loss, log_loss_equal: mean of -ln p(label) of the ensemble in nats, with these
    weights and with equal ones, on the rows of the search. gap: no weights fit these rows better by more than that.
    """

    split: str
    n: int
    weights: list[float]
    log_loss: float
    log_loss_equal: float
    gap: float


def search_weights(
    labels: npt.NDArray[np.integer], probabilities: Sequence[npt.NDArray[np.floating]], split: str
) -> WeightSearch:
    """The weights whose average gives the labels (N,) the highest likelihood; probabilities (N, K), one array a model.

    Each round multiplies the weight of a model by the mean of its share p_m(label) / p(label) in the average's: that
    is EM for the proportions of a mixture (Dempster, Laird and Rubin: Maximum likelihood from incomplete data via the
    EM algorithm, J. R. Stat. Soc. B 39, 1977). The log-likelihood is concave in the weights, so from equal ones EM goes
    to the global maximum; how far it can still be is at most the largest of those means less 1 (Cover: An algorithm
    for maximizing expected log investment return, IEEE Trans. Inf. Theory 30, 1984). split: where the rows are from.
    """
    rows = np.arange(len(labels))
    # float32's epsilon, as in the negative log-likelihood of `scores`: no row may be impossible.
    given = np.maximum([p[rows, labels] for p in probabilities], np.finfo(np.float32).eps).astype(np.float64)
    weights = np.full(len(given), 1 / len(given))
    equal = _log_loss(weights, given)
    for _ in range(ROUNDS):
        gains = _gains(weights, given)
        if gains.max() - 1 <= TOLERANCE:
            break
        weights *= gains
        weights /= weights.sum()
    gap = max(0.0, float(_gains(weights, given).max()) - 1)
    return WeightSearch(split, len(labels), weights.tolist(), _log_loss(weights, given), equal, gap)


def _gains(weights: Floats, given: Floats) -> Floats:
    """(M,) mean over the rows of p_m(label) / p(label), the derivative of the mean log-likelihood by each weight."""
    return np.asarray((given / (weights @ given)).mean(1))


def _log_loss(weights: Floats, given: Floats) -> float:
    return float(-np.log(weights @ given).mean())
