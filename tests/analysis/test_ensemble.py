"""The search for an ensemble's weights, on members whose worth is known."""

from __future__ import annotations

import numpy as np
import pytest

from fer_cli.analysis.ensemble import TOLERANCE, search_weights

Array = np.ndarray
ROWS = 4000


def member(labels: Array, accuracy: float, seed: int) -> Array:
    """Probabilities (N, 7) that give the label, with this chance, else a random class, 0.7."""
    rng = np.random.default_rng(seed)
    named = np.where(rng.random(len(labels)) < accuracy, labels, rng.integers(0, 7, len(labels)))
    return np.where(np.arange(7) == named[:, None], 0.7, 0.05)


@pytest.fixture
def labels() -> Array:
    return np.random.default_rng(0).integers(0, 7, ROWS).astype(np.uint8)


def log_loss(labels: Array, probabilities: list[Array], weights: Array) -> float:
    mixed = sum(w * p for w, p in zip(weights, probabilities, strict=True))
    return float(-np.log(mixed[np.arange(len(labels)), labels]).mean())


def test_a_good_model_outweighs_a_random_one(labels: Array) -> None:
    found = search_weights(labels, [member(labels, 0, 1), member(labels, 0.9, 2)], "val")
    assert found.weights[1] > 0.95
    assert sum(found.weights) == pytest.approx(1)
    assert (found.n, found.split) == (ROWS, "val")


def test_the_planted_mixture_is_found(labels: Array) -> None:
    """Labels that are drawn from 0.2 p_0 + 0.5 p_1 + 0.3 p_2 are most likely under just these weights."""
    rng = np.random.default_rng(3)
    members = list(rng.dirichlet(np.full(7, 0.2), (3, 40_000)))
    mixed = 0.2 * members[0] + 0.5 * members[1] + 0.3 * members[2]
    drawn = (mixed.cumsum(1) < rng.random((40_000, 1))).sum(1).clip(0, 6)
    assert search_weights(drawn, members, "val").weights == pytest.approx([0.2, 0.5, 0.3], abs=0.02)


def test_no_other_weights_are_better(labels: Array) -> None:
    members = [member(labels, accuracy, seed) for seed, accuracy in enumerate((0.5, 0.4, 0.1, 0.6))]
    found = search_weights(labels, members, "val")
    assert found.gap <= TOLERANCE
    assert found.log_loss == pytest.approx(log_loss(labels, members, np.array(found.weights)))
    assert found.log_loss_equal == pytest.approx(log_loss(labels, members, np.full(4, 0.25)))
    tried = np.random.default_rng(0).dirichlet(np.ones(4), 300)
    assert min(log_loss(labels, members, weights) for weights in tried) >= found.log_loss - TOLERANCE


def test_equal_models_keep_equal_weights(labels: Array) -> None:
    same = member(labels, 0.6, 1)
    found = search_weights(labels, [same, same, same], "val")
    assert found.weights == pytest.approx([1 / 3] * 3)
    assert found.log_loss == pytest.approx(found.log_loss_equal)


def test_an_answer_of_zero_does_not_end_the_search(labels: Array) -> None:
    sure = np.eye(7, dtype=np.float32)[(labels + (np.arange(ROWS) % 4 == 0)) % 7]
    found = search_weights(labels, [sure, sure], "val")
    assert np.isfinite(found.log_loss)
    assert found.weights == [0.5, 0.5]
