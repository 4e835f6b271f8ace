"""Every score against scikit-learn, or against a case whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom
from sklearn import metrics
from sklearn.calibration import calibration_curve

from fer_cli.analysis import scores

CLASSES = 5


@pytest.fixture(params=[0, 1, 2])
def drawn(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """400 labels, unevenly distributed, and probabilities that lean towards them."""
    rng = np.random.default_rng(request.param)
    labels = rng.choice(CLASSES, 400, p=[0.4, 0.3, 0.2, 0.08, 0.02]).astype(np.uint8)
    logits = rng.normal(size=(400, CLASSES)) + 1.5 * np.eye(CLASSES)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return labels, probabilities.astype(np.float32)


def test_scores_agree_with_scikit_learn(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    labels, probabilities = drawn
    predictions = probabilities.argmax(1)
    found = scores.score(labels, probabilities)
    assert found.n == 400
    assert found.accuracy == pytest.approx(metrics.accuracy_score(labels, predictions))
    assert found.macro_f1 == pytest.approx(metrics.f1_score(labels, predictions, average="macro"))
    assert found.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(labels, predictions))
    assert found.top3 == pytest.approx(metrics.top_k_accuracy_score(labels, probabilities, k=3))
    assert found.nll == pytest.approx(metrics.log_loss(labels, probabilities), rel=1e-5)


def test_confusion_matrix_and_class_scores_agree_with_scikit_learn(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    labels, probabilities = drawn
    predictions = probabilities.argmax(1)
    counts = scores.confusion_matrix(labels, predictions, CLASSES)
    assert np.array_equal(counts, metrics.confusion_matrix(labels, predictions))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(labels, predictions)
    found = scores.per_class(counts)
    assert found.precision == pytest.approx(precision)
    assert found.recall == pytest.approx(recall)
    assert found.f1 == pytest.approx(f1)
    assert np.array_equal(found.support, support)


def test_calibration_bins_agree_with_scikit_learn(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    labels, probabilities = drawn
    found = scores.calibration(labels, probabilities)
    right, confidence = probabilities.argmax(1) == labels, probabilities.max(1).astype(np.float64)
    accuracy, mean = calibration_curve(right, confidence, n_bins=scores.CALIBRATION_BINS)
    filled = found.counts > 0
    assert found.accuracy[filled] == pytest.approx(accuracy)
    assert found.confidence[filled] == pytest.approx(mean)
    assert found.counts.sum() == 400


def test_calibration_error_of_known_bins() -> None:
    # 10 rows at confidence 0.9 of which 7 are right, 30 rows at 0.6 of which 24 are: (10 × 0.2 + 30 × 0.2) / 40.
    probabilities = np.repeat([[0.9, 0.1], [0.6, 0.4]], [10, 30], axis=0)
    labels = np.array([0] * 7 + [1] * 3 + [0] * 24 + [1] * 6)
    assert scores.calibration(labels, probabilities).error == pytest.approx(0.2)


def test_a_confidence_of_one_falls_into_the_last_bin() -> None:
    found = scores.calibration(np.array([0]), np.array([[1.0, 0.0]]))
    assert found.counts[-1] == 1
    assert found.error == 0


def test_a_class_that_was_never_given_or_predicted_does_not_count() -> None:
    counts = np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]])
    found = scores.per_class(counts)
    assert np.isnan([found.precision[2], found.recall[2], found.f1[2]]).all()
    assert scores.macro_f1(counts) == pytest.approx((2 * 3 / 7 + 2 * 2 / 5) / 2)
    assert scores.balanced_accuracy(counts) == pytest.approx((3 / 4 + 1) / 2)


def test_a_class_that_is_only_predicted_has_f1_zero_and_no_recall() -> None:
    counts = np.array([[3, 1], [0, 0]])
    assert scores.macro_f1(counts) == pytest.approx(2 * 3 / 7 / 2)
    assert scores.balanced_accuracy(counts) == pytest.approx(3 / 4)


def test_equal_probabilities_do_not_count_as_top_three_for_everybody() -> None:
    labels = np.arange(4)
    assert scores.top_k(labels, np.full((4, 4), 0.25), 3) == 0.75


def test_an_impossible_label_costs_a_finite_likelihood() -> None:
    assert scores.negative_log_likelihood(np.array([1]), np.array([[1.0, 0.0]])) == pytest.approx(15.94, abs=0.01)


def test_scores_of_many_tables_at_once_are_those_of_each() -> None:
    tables = np.random.default_rng(0).integers(0, 9, (6, 3, 3))
    for score in (scores.accuracy, scores.macro_f1, scores.balanced_accuracy):
        assert score(tables) == pytest.approx([float(score(table)) for table in tables])


def test_the_bootstrap_interval_of_the_accuracy_has_the_binomial_quantiles() -> None:
    # 700 of 1,000 right: bootstrapped accuracies are binomial, whatever the classes are.
    counts = np.array([[400, 100], [200, 300]])
    low, high = scores.interval(scores.accuracy(scores.resample(counts, seed=0)))
    assert (low, high) == pytest.approx(binom.ppf([0.025, 0.975], 1000, 0.7) / 1000, abs=0.003)


def test_resamples_keep_the_total_and_follow_the_seed() -> None:
    counts = np.array([[5, 1], [2, 4]])
    drawn = scores.resample(counts, seed=3)
    assert drawn.shape == (scores.RESAMPLES, 2, 2)
    assert (drawn.sum((1, 2)) == 12).all()
    assert np.array_equal(drawn, scores.resample(counts, seed=3))
    assert not np.array_equal(drawn, scores.resample(counts, seed=4))


def test_all_right_has_an_interval_without_width() -> None:
    found = scores.score(np.array([0, 1]), np.eye(2))
    assert found.accuracy_interval == (1.0, 1.0)
    assert found.macro_f1_interval == (1.0, 1.0)
