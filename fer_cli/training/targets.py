"""What a network is to answer for each row, and how much the row counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError
from fer_cli.store.reader import Dataset
from fer_cli.training.settings import Settings

Targets = npt.NDArray[np.float32]


def training_targets(dataset: Dataset, settings: Settings) -> Targets:
    """Distributions over the classes, float32 (N, K), of the train rows: their labels one-hot, or their votes.

    Learning the votes themselves is the "cross-entropy" scheme of Barsoum, Zhang, Canton Ferrer and Zhang: Training
    deep networks for facial expression recognition with crowd-sourced label distribution (ICMI 2016,
    arXiv:1608.01041). Raises `InputError` where votes are asked for and the file has none.
    """
    if settings.targets == "labels":
        return one_hot(dataset.labels("train"), len(dataset.class_names))
    votes = dataset.votes("train")
    if votes is None:
        raise InputError(
            f"{dataset.path}: --targets votes: expected /votes in the file. Received: labels only; "
            "fer prepare takes votes from FER+"
        )
    # Stored sums may be off by a thousandth.
    return np.asarray(votes / votes.sum(1, keepdims=True), np.float32)


def one_hot(labels: npt.NDArray[np.uint8], classes: int) -> Targets:
    """float32 (N, classes) with a 1 at each label."""
    return np.eye(classes, dtype=np.float32)[labels]


def balanced_weights(targets: Targets) -> Targets:
    """Weights inverse to the class counts, float32 (K,): N / (classes present × count); absent classes get 0.

    targets: (N, K); a row counts for each class by its part there.
    """
    counts = targets.sum(0, dtype=np.float64)
    present = np.count_nonzero(counts)
    weights = np.divide(len(targets), present * counts, out=np.zeros_like(counts), where=counts > 0)
    return np.asarray(weights, np.float32)


def soften(logits: npt.NDArray[np.float32], temperature: float) -> Targets:
    """softmax(logits / temperature), float32 (N, K)."""
    scaled = logits / np.float32(temperature)
    powers = np.exp(scaled - scaled.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True), np.float32)
