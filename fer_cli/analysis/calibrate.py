"""Probabilities from a classifier's outputs by one number, a temperature, that is fitted on rows it has not seen.

Of the two usual ways, `CalibratedClassifierCV(SVC(), ensemble=False)` fits a sigmoid a class on the outputs of five
further fits, and may thereby name another class than the classifier did. A temperature T in softmax(z / T) never does,
so the accuracy stays that of the classifier; and the outputs z of held-out folds that it is fitted on are there
already, from the search for parameters, so it costs no fit at all, or one where the search was on a part of the rows.
Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from fer_cli.analysis.scores import negative_log_likelihood

#: Bounds of ln T.
_BOUNDS = (-6.0, 6.0)

Logits = npt.NDArray[np.float64]


def probabilities(logits: Logits, temperature: float) -> npt.NDArray[np.float32]:
    """softmax(logits / temperature) float32 (N, K); 0 for -inf."""
    return np.asarray(softmax(logits / temperature, axis=1), np.float32)


def fit_temperature(logits: Logits, labels: npt.NDArray[np.integer]) -> float:
    """The temperature above 0 of the lowest negative log-likelihood of `labels` (N,). logits: (N, K), held-out."""

    def loss(log_temperature: float) -> float:
        return negative_log_likelihood(labels, probabilities(logits, float(np.exp(log_temperature))))

    return float(np.exp(minimize_scalar(loss, bounds=_BOUNDS, method="bounded").x))
