"""Adversarial training: a network learns from images that were changed, within epsilon, to mislead it as it is now.

Only the live network changes: copies of it, and its file, are plain Keras. Images are in levels 0..255, and the ball is
that of the L-infinity norm.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from fer_cli import gradients
from fer_cli.attacks import ball
from fer_cli.attacks.ball import Tensor
from fer_cli.attacks.base import Aim, Victim
from fer_cli.attacks.fgsm import Pgd
from fer_cli.errors import UsageError
from fer_cli.store.reader import ImageRows
from fer_cli.training.losses import Divergence
from fer_cli.training.settings import Settings
from fer_cli.transform.crops import centre

#: Length of the one step of fgsm, in epsilons: from a random start a longer one, and much more, forgets at once what
#: it learnt against several steps ("catastrophic overfitting").
_FGSM_REACH = 1.25
#: How val rows are attacked after each epoch: as many of them, evenly spread, in so many steps.
VAL_ROWS, VAL_STEPS = 1024, 10
_BATCH = 128


def harden(network: keras.Model, settings: Settings) -> None:
    """Let the training steps of a network be those of adversarial training.

    Without `trades_beta` they see the attacked images in place of the clean ones, as in Madry, Makelov, Schmidt,
    Tsipras and Vladu: Towards Deep Learning Models Resistant to Adversarial Attacks (ICLR 2018, arXiv:1706.06083); with
    "fgsm" as the attack, in Wong, Rice and Kolter: Fast is better than free (ICLR 2020, arXiv:2001.03994). With it they
    see both (`_learn_both`). Random starts come from a seed that is one of the network's variables, so that it is
    saved with them. To be called where the network was built, before it is compiled. Raises `UsageError` for a
    precision in which the attack would not work.
    """
    if settings.precision == "mixed_float16":
        raise UsageError("--adversarial needs --precision float32 or mixed_bfloat16: its gradients vanish in float16")
    adversary = Adversary(network, settings)
    if settings.trades_beta is None:
        _learn_attacked(network, adversary)
    else:
        _learn_both(network, adversary, settings.trades_beta)


class Adversary:
    """Changes a batch, within epsilon, so that a network in inference mode answers worse; for compiled functions."""

    def __init__(self, network: keras.Model, settings: Settings) -> None:
        self._logits = gradients.logits_of(network)
        self._slope = gradients.slope(self._distance)
        self._epsilon, self._steps = ball.WHITE * settings.attack_epsilon, settings.steps_of_attack
        reach = _FGSM_REACH if settings.adversarial == "fgsm" else min(Pgd.reach / self._steps, 1)
        self._size = reach * self._epsilon
        self._classes = network.output_shape[-1]
        network.attack_seeds = self._seeds = keras.random.SeedGenerator(settings.seed)

    def from_targets(self, images: Tensor, targets: Tensor) -> Tensor:
        """Images float32 (B, H, W, C) that look less like the most probable class of each target.

        targets: (B, K), or (B, 2K) with a teacher. The target itself is not what to leave: where the network is surer
        than a smoothed or mixed target, that would be to make it surer yet.
        """
        labels = ops.argmax(targets[:, : self._classes], axis=-1)
        return self._leave(images, ops.one_hot(labels, self._classes))

    def from_answers(self, images: Tensor) -> Tensor:
        """Images float32 (B, H, W, C) whose answers are far, in the KL divergence, from those to the clean ones."""
        return self._leave(images, ops.softmax(self._logits(ops.cast(images, "float32"))))

    def _leave(self, images: Tensor, answers: Tensor) -> Tensor:
        clean, answers = ops.cast(images, "float32"), ops.stop_gradient(answers)
        noise = keras.random.uniform(ops.shape(clean), -self._epsilon, self._epsilon, "float32", self._seeds)

        def step(_: Tensor, current: Tensor) -> Tensor:
            _, _, gradient = self._slope(current, answers)
            moved = current + self._size * ball.steepest(gradient, ball.INF)
            return ball.project(moved, clean, self._epsilon, ball.INF)

        start = ball.project(clean + noise, clean, self._epsilon, ball.INF)
        return ops.stop_gradient(ops.fori_loop(0, self._steps, step, start))

    def _distance(self, images: Tensor, answers: Tensor) -> tuple[Tensor, None]:
        """Cross-entropy (B,) against `answers`: their KL divergence but for a constant, and its gradient wholly."""
        return -ops.sum(answers * ops.log_softmax(self._logits(images), axis=-1), axis=-1), None


def _learn_attacked(network: keras.Model, adversary: Adversary) -> None:
    """Attack each batch before the step that Keras makes of it."""
    learn = network.train_step

    def step(data: tuple[Tensor, Tensor, Tensor]) -> Any:
        images, targets, weights = data
        return learn((adversary.from_targets(images, targets), targets, weights))

    def stateless_step(state: tuple[Any, ...], data: tuple[Tensor, Tensor, Tensor]) -> Any:
        trained, others, *rest = state
        images, targets, weights = data
        variables = network.trainable_variables + network.non_trainable_variables
        now = zip(variables, [*trained, *others], strict=True)
        with keras.StatelessScope(state_mapping=list(now)) as scope:
            attacked = adversary.from_targets(images, targets)
            others = [scope.get_current_value(variable) for variable in network.non_trainable_variables]
        return learn((trained, others, *rest), (attacked, targets, weights))

    network.train_step = stateless_step if keras.backend.backend() == "jax" else step


def _learn_both(network: keras.Model, adversary: Adversary, beta: float) -> None:
    """Add beta × KL(answers to clean images ‖ answers to attacked ones) to the loss of the clean images.

    TRADES: Zhang, Yu, Jiao, Xing, El Ghaoui and Jordan: Theoretically Principled Trade-off between Robustness and
    Accuracy (ICML 2019, arXiv:1901.08573). Both passes are in training mode; metrics are those of the clean images.
    """
    loss_of_clean, divergence = network.compute_loss, Divergence()

    def compute_loss(
        x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Tensor:
        loss = loss_of_clean(x, y, y_pred, sample_weight, training)
        if not training:
            return loss
        attacked = network(adversary.from_answers(x), training=True)
        return loss + beta * divergence(y_pred, attacked, sample_weight)

    network.compute_loss = compute_loss


class Probe:
    """How well a network withstands PGD of `VAL_STEPS` steps, at the epsilon that it is trained for."""

    def __init__(self, settings: Settings) -> None:
        self._epsilon, self._seed = ball.WHITE * settings.attack_epsilon, settings.seed
        self._attack: Pgd | None = None

    def accuracy(self, network: keras.Model, images: ImageRows, labels: npt.NDArray[np.uint8]) -> float:
        """Accuracy under attack, with the same random starts each time; of `VAL_ROWS` rows, evenly spread, or of all.

        labels: (N,) of all rows. A network of crops sees the centre.
        """
        rows = np.linspace(0, len(labels) - 1, min(VAL_ROWS, len(labels))).astype(np.intp)
        faces = centre(images.take(rows), network.input_shape[1:3]).astype(np.float32)
        attack, right = self._attack_on(network), 0
        for number, first in enumerate(range(0, len(rows), _BATCH)):
            part = slice(first, first + _BATCH)
            wanted = labels[rows[part]].astype(np.intp)
            (attacked,) = attack.sweep(faces[part], Aim(wanted), [self._epsilon], batch=number)
            right += int((attack.victim.predict(attacked).argmax(1) == wanted).sum())
        return right / len(rows)

    def _attack_on(self, network: keras.Model) -> Pgd:
        # What JAX has compiled keeps the weights that it was compiled with.
        known = self._attack is not None and self._attack.victim.network is network
        if self._attack is None or not known or keras.backend.backend() == "jax":
            self._attack = Pgd(Victim(network), steps=VAL_STEPS, seed=self._seed)
        return self._attack
