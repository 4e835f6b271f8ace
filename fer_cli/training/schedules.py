"""Learning rates, and when to stop: functions of the settings and of the history, so a resumed run decides alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import keras

from fer_cli.training.layer_rates import slowed
from fer_cli.training.settings import MOMENTUM, Settings

#: "plateau" multiplies the learning rate by this, and not below this part of its peak.
PLATEAU_FACTOR = 0.5
PLATEAU_FLOOR = 1e-3
_NO_DECAY = ("bias", "gamma", "beta")
#: Keras' class, and what it takes beyond what all take. AdamW is Adam with decay; Keras' AdamW refuses to go without.
_OPTIMIZERS: Mapping[str, tuple[type[keras.optimizers.Optimizer], Mapping[str, Any]]] = {
    "sgd": (keras.optimizers.SGD, {"momentum": MOMENTUM, "nesterov": True}),
    "adamw": (keras.optimizers.Adam, {}),
    "adam": (keras.optimizers.Adam, {}),
    "rmsprop": (keras.optimizers.RMSprop, {}),
}


def build_optimizer(settings: Settings, steps: int, slow: Collection[str] = ()) -> keras.optimizers.Optimizer:
    """SGD with Nesterov momentum, AdamW, Adam or RMSprop; weight decay spares biases and batch normalisation.

    steps: batches an epoch. slow: paths of the variables whose learning rate and decay are `settings.body_lr` times
    those of the others.
    """
    kind, own = _OPTIMIZERS[settings.optimizer]
    optimizer = slowed(
        kind,
        slow,
        settings.body_lr,
        learning_rate=_learning_rate(settings, steps),
        weight_decay=settings.decay or None,
        use_ema=settings.ema > 0,
        ema_momentum=settings.ema or 0.99,
        **own,
    )
    if settings.decay:
        optimizer.exclude_from_weight_decay(var_names=list(_NO_DECAY))
    return optimizer


def _learning_rate(settings: Settings, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """A number for the schedules that look at the history, else the cosine with linear warm-up.

    Loshchilov, Hutter: SGDR (ICLR 2017, arXiv:1608.03983), one cycle without restart.
    """
    if settings.schedule != "cosine":
        return settings.peak_lr
    warmup = min(round(settings.warmup * steps), settings.epochs * steps // 2)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else settings.peak_lr,
        decay_steps=max(1, settings.epochs * steps - warmup),
        warmup_target=settings.peak_lr if warmup else None,
        warmup_steps=warmup,
    )


def plateau_lr(losses: Sequence[float], settings: Settings) -> float:
    """The learning rate after the epochs whose val losses are given: halved each time that patience runs out."""
    best, waited, rate = float("inf"), 0, settings.peak_lr
    for loss in losses:
        if loss < best:
            best, waited = loss, 0
            continue
        waited += 1
        if waited >= settings.plateau_patience:
            rate, waited = rate * PLATEAU_FACTOR, 0
    return max(rate, settings.peak_lr * PLATEAU_FLOOR)


def should_stop(accuracies: Sequence[float], patience: int | None) -> bool:
    """Whether the best of the val accuracies lies more than `patience` epochs back."""
    if patience is None or not accuracies:
        return False
    best = max(range(len(accuracies)), key=accuracies.__getitem__)
    return len(accuracies) - 1 - best >= patience
