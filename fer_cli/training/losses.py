"""What training minimises, and what it watches meanwhile; targets are distributions over K classes.

With a teacher y_true is (B, 2K): behind the targets stand the teacher's probabilities, softened by the temperature. The
network's outputs y_pred are probabilities (B, K). Everything is in keras.ops, for any backend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from fer_cli.training.settings import Settings

#: Where |target - probability| is 0, its powers have no gradient.
_SMALLEST_GAP = 1e-7
#: Keeps the logarithm of a probability finite. 1 / 1e-30 is a float32 still, so that no gradient is cut off before a
#: softmax of float32 itself gives 0.
_SMALLEST_PROBABILITY = 1e-30


def build_loss(settings: Settings, classes: int) -> keras.losses.Loss:
    """The loss of a run, for `classes` classes."""
    smoothing = settings.label_smoothing
    base = (
        Focal(settings.focal_gamma, smoothing)
        if settings.loss == "focal"
        else keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
    )
    if settings.teachers:
        base = Distillation(base, classes, 1 if settings.distill else settings.temperature, settings.alpha)
    return Softened(base, settings.temperature) if settings.distill else base


def metrics(classes: int) -> list[keras.metrics.Metric]:
    """Accuracy and top-3 accuracy, called "accuracy" and "top3"; of a soft target its most probable class counts."""
    return [
        keras.metrics.MeanMetricWrapper(_on_targets(keras.metrics.categorical_accuracy, classes), name="accuracy"),
        keras.metrics.MeanMetricWrapper(
            _on_targets(keras.metrics.top_k_categorical_accuracy, classes, k=3), name="top3"
        ),
    ]


class Focal(keras.losses.Loss):
    """Focal loss: -sum over k of |q_k - p_k|^gamma q_k ln p_k, with targets q and probabilities p.

    For hard targets this is that of Lin, Goyal, Girshick, He and Dollár: Focal Loss for Dense Object Detection (ICCV
    2017, arXiv:1708.02002), (1 - p)^gamma times the cross-entropy. Soft targets (votes, mixup, label smoothing) take
    the distance from the target in place of that from 1, as Li et al. do: Generalized Focal Loss (NeurIPS 2020,
    arXiv:2006.04388); so the loss is 0 at p = q and nowhere else, whereas (1 - p)^gamma would draw p away from q.
    With gamma = 0 it is the cross-entropy.
    """

    def __init__(self, gamma: float, label_smoothing: float = 0.0) -> None:
        super().__init__(name="focal")
        self._gamma, self._smoothing = gamma, label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Targets and probabilities (B, K) to losses (B,)."""
        targets = y_true * (1 - self._smoothing) + self._smoothing / y_true.shape[-1]
        gap = ops.maximum(ops.abs(targets - y_pred), _SMALLEST_GAP)
        return -ops.sum(gap**self._gamma * targets * _log(y_pred), axis=-1)


class Distillation(keras.losses.Loss):
    """(1 - alpha) × base loss of the targets + alpha × T² × KL(teacher softened by T ‖ student softened by T).

    Hinton, Vinyals and Dean: Distilling the Knowledge in a Neural Network (2015, arXiv:1503.02531); T² keeps the
    teacher's gradients at the scale of the targets'. The student is softened by softmax(ln p / T), which equals
    softmax(logits / T). Label smoothing is the base loss's own and leaves the teacher alone.
    """

    def __init__(self, base: keras.losses.Loss, classes: int, temperature: float, alpha: float) -> None:
        super().__init__(name="distillation")
        self._base, self._classes, self._temperature, self._alpha = base, classes, temperature, alpha

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Targets and teacher (B, 2K) and probabilities (B, K) to losses (B,)."""
        teacher = y_true[:, self._classes :]
        divergence = _divergence(teacher, _log_softened(y_pred, self._temperature))
        base = self._base.call(y_true[:, : self._classes], y_pred)
        return (1 - self._alpha) * base + self._alpha * self._temperature**2 * divergence


class Softened(keras.losses.Loss):
    """T × another loss of the probabilities softened by T: how defensive distillation trains teacher and network.

    Papernot, McDaniel, Wu, Jha and Swami: Distillation as a Defense to Adversarial Perturbations against Deep Neural
    Networks (IEEE S&P 2016, arXiv:1511.04508). T keeps the gradients by the logits at the scale that they have without.
    """

    def __init__(self, base: keras.losses.Loss, temperature: float) -> None:
        super().__init__(name="softened")
        self._base, self._temperature = base, temperature

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Targets (B, K), with a teacher (B, 2K), and probabilities (B, K) to losses (B,)."""
        softened = ops.exp(_log_softened(y_pred, self._temperature))
        return self._temperature * self._base.call(y_true, softened)


class Divergence(keras.losses.Loss):
    """KL(y_true ‖ y_pred) in nats, of probabilities (B, K) both; its gradient goes to both."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """To losses (B,)."""
        return _divergence(y_true, _log(y_pred))


def _divergence(p: Any, log_q: Any) -> Any:
    return ops.sum(p * (_log(p) - log_q), axis=-1)


def _log_softened(probabilities: Any, temperature: float) -> Any:
    """The logarithm of softmax(logits / T)."""
    return ops.log_softmax(_log(probabilities) / temperature, axis=-1)


def _log(probabilities: Any) -> Any:
    return ops.log(ops.maximum(probabilities, _SMALLEST_PROBABILITY))


def _on_targets(metric: Callable[..., Any], classes: int, **arguments: Any) -> Callable[[Any, Any], Any]:
    """`metric` of the targets alone, without a teacher behind them."""
    return lambda y_true, y_pred: metric(y_true[:, :classes], y_pred, **arguments)
