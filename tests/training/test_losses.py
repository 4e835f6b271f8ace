"""Losses against their formulas in NumPy, and what their gradients do."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from fer_cli.training.losses import build_loss, metrics
from fer_cli.training.settings import Settings
from fer_cli.training.targets import one_hot, soften

K = 5
Array = np.ndarray


def softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def draw(seed: int, rows: int = 12) -> tuple[Array, Array, Array]:
    """Logits of a student, logits of a teacher, soft targets: (rows, K) float32 each."""
    rng = np.random.default_rng(seed)
    student, teacher = rng.normal(0, 3, (2, rows, K)).astype(np.float32)
    return student, teacher, rng.dirichlet(np.ones(K), rows).astype(np.float32)


def value(settings: Settings, targets: Array, probabilities: Array) -> float:
    return float(build_loss(settings, K)(targets, probabilities.astype(np.float32)))


def minimise(settings: Settings, targets: Array, steps: int = 400) -> Array:
    """The probabilities (N, K) at which gradient descent on the logits ends."""
    logits = keras.layers.Embedding(len(targets), K)
    network = keras.Sequential([keras.Input((), dtype="int32"), logits, keras.layers.Softmax()])
    network.compile(keras.optimizers.Adam(0.05), build_loss(settings, K))
    rows = np.arange(len(targets))
    network.fit(np.tile(rows, steps), np.tile(targets, (steps, 1)), batch_size=len(rows), shuffle=False, verbose=0)
    return np.asarray(network(rows))


def test_cross_entropy_smooths_the_labels() -> None:
    student, _, _ = draw(0)
    labels = np.arange(12) % K
    targets = one_hot(labels.astype(np.uint8), K)
    smoothed = 0.8 * targets + 0.2 / K
    expected = -(smoothed * np.log(softmax(student))).sum(1).mean()
    assert value(Settings(label_smoothing=0.2), targets, softmax(student)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_focal_without_focus_is_the_cross_entropy(smoothing: float) -> None:
    student, _, targets = draw(1)
    plain = Settings(label_smoothing=smoothing)
    focal = Settings(loss="focal", focal_gamma=0, label_smoothing=smoothing)
    assert value(focal, targets, softmax(student)) == pytest.approx(value(plain, targets, softmax(student)), rel=1e-5)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_focal_of_hard_labels_is_that_of_lin(gamma: float) -> None:
    student, _, _ = draw(2)
    labels = (np.arange(12) % K).astype(np.uint8)
    p = softmax(student)[np.arange(12), labels]
    settings = Settings(loss="focal", focal_gamma=gamma, label_smoothing=0)
    expected = -((1 - p) ** gamma * np.log(p)).mean()
    assert value(settings, one_hot(labels, K), softmax(student)) == pytest.approx(expected, rel=1e-5)


def test_focal_of_soft_targets_is_least_at_the_targets() -> None:
    _, _, targets = draw(3, rows=4)
    settings = Settings(loss="focal", label_smoothing=0)
    assert value(settings, targets, targets) < 1e-10
    np.testing.assert_allclose(minimise(settings, targets), targets, atol=0.05)


def test_distillation_is_hinton_s() -> None:
    student, teacher, targets = draw(4)
    t, alpha = 3.0, 0.7
    settings = Settings(teachers=("t",), temperature=t, alpha=alpha, label_smoothing=0.1)
    q, p = softmax(teacher / t), softmax(student / t)
    smoothed = 0.9 * targets + 0.1 / K
    base = -(smoothed * np.log(softmax(student))).sum(1).mean()
    expected = (1 - alpha) * base + alpha * t**2 * (q * np.log(q / p)).sum(1).mean()
    both = np.concatenate([targets, soften(teacher, t)], 1)
    assert value(settings, both, softmax(student)) == pytest.approx(expected, rel=1e-4)


def test_a_student_that_answers_as_its_teacher_has_nothing_left_to_learn() -> None:
    _, teacher, targets = draw(5)
    settings = Settings(teachers=("t",), alpha=1.0)
    both = np.concatenate([targets, soften(teacher, settings.temperature)], 1)
    assert abs(value(settings, both, softmax(teacher))) < 1e-4


def test_the_teacher_alone_teaches_its_probabilities() -> None:
    _, teacher, targets = draw(6, rows=4)
    settings = Settings(teachers=("t",), alpha=1.0, temperature=2.0)
    both = np.concatenate([targets, soften(teacher, 2.0)], 1)
    np.testing.assert_allclose(minimise(settings, both), softmax(teacher), atol=0.02)


def test_mixed_teachers_give_the_mixed_gradient() -> None:
    """A loss that is linear in the columns up to a constant: mixing two rows mixes what they teach."""
    student, teacher, targets = draw(7, rows=2)
    settings = Settings(teachers=("t",))
    both = np.concatenate([targets, soften(teacher, settings.temperature)], 1)
    mixed = 0.3 * both[:1] + 0.7 * both[1:]
    apart = [softmax(student + shift) for shift in (0.0, np.linspace(0, 2, K, dtype=np.float32))]
    one, two, blend = (
        value(settings, rows, apart[1][:1]) - value(settings, rows, apart[0][:1])
        for rows in (both[:1], both[1:], mixed)
    )
    assert blend == pytest.approx(0.3 * one + 0.7 * two, rel=1e-3)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(loss="focal", focal_gamma=0),
        Settings(loss="focal", focal_gamma=0.5, label_smoothing=0),
        Settings(loss="focal", teachers=("t",)),
    ],
    ids=["cross-entropy", "gamma 0", "gamma below 1", "focal with a teacher"],
)
def test_gradients_stay_finite_at_sure_and_at_exact_answers(settings: Settings) -> None:
    targets = one_hot(np.arange(K).astype(np.uint8), K)
    # Sure and right, sure and wrong, undecided.
    logits = np.concatenate([60 * targets, -60 * targets, 0 * targets])
    wanted = np.tile(np.concatenate([targets, targets], 1) if settings.teachers else targets, (3, 1))
    table = keras.layers.Embedding(3 * K, K, embeddings_initializer=lambda shape, dtype: ops.convert_to_tensor(logits))
    network = keras.Sequential([keras.Input((), dtype="int32"), table, keras.layers.Softmax()])
    network.compile(keras.optimizers.SGD(1e-3), build_loss(settings, K))
    network.fit(np.arange(3 * K), wanted, batch_size=3 * K, verbose=0)
    learnt = ops.convert_to_numpy(table.embeddings)
    assert np.isfinite(learnt).all()
    wrong = slice(K, 2 * K)
    assert ((learnt - logits)[wrong][targets == 1] > 0).all()


def test_metrics_read_the_targets_and_not_the_teacher() -> None:
    accuracy, top3 = metrics(K)
    assert (accuracy.name, top3.name) == ("accuracy", "top3")
    targets = np.array([[0.6, 0.4, 0, 0, 0], [0.2, 0.1, 0.1, 0.1, 0.5]], np.float32)
    teacher = np.roll(targets, 1, axis=1)
    outputs = np.array([[0.5, 0.2, 0.1, 0.1, 0.1], [0.4, 0.3, 0.2, 0.06, 0.04]], np.float32)
    for metric, expected in ((accuracy, 0.5), (top3, 0.5)):
        metric.update_state(np.concatenate([targets, teacher], 1), outputs)
        assert float(metric.result()) == expected
        metric.reset_state()
        metric.update_state(targets, outputs)
        assert float(metric.result()) == expected
