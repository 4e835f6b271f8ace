"""Attacks that follow the gradient of the cross-entropy: one step, many, with a random start, with momentum."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from keras import ops

from fer_cli import gradients
from fer_cli.attacks import ball
from fer_cli.attacks.ball import Tensor
from fer_cli.attacks.base import Aim, Attack, Images, Victim, cross_entropy

#: Where a gradient is 0 everywhere, so is its part of the momentum, and not NaN.
_SMALLEST = 1e-12


class Iterated(Attack):
    """Steps along the gradient, each one brought back into the ball.

    reach: length of all steps together, in epsilons. momentum: the part of the direction so far that goes into the
    next step's, of which every gradient is one of mean magnitude 1.
    """

    reach: ClassVar[float] = 2.5
    momentum: ClassVar[float] = 0.0

    def __init__(self, victim: Victim, norm: str = ball.INF, steps: int | None = None, seed: int = 0) -> None:
        super().__init__(victim, norm, steps, seed)
        self._slope = gradients.slope(self._loss)
        self._step = gradients.compiled(self._advance)

    def perturb(self, images: Images, aim: Aim, epsilon: float, rng: np.random.Generator) -> Images:
        """`steps` steps of `reach × epsilon / steps`, at most epsilon each."""
        clean, labels = gradients.as_tensor(images), ops.convert_to_tensor(aim.labels, "int32")
        size = aim.sign * min(epsilon, self.reach * epsilon / self.steps)
        # Tensors, since a new number would be compiled anew.
        fixed = clean, labels, gradients.as_tensor(size), gradients.as_tensor(epsilon)
        current, direction = gradients.as_tensor(self._start(images, epsilon, rng)), ops.zeros_like(clean)
        for _ in range(self.steps):
            current, direction = self._step(current, direction, *fixed)
        return gradients.as_array(current)

    def _start(self, images: Images, epsilon: float, rng: np.random.Generator) -> Images:
        return images

    def _loss(self, images: Tensor, labels: Tensor) -> tuple[Tensor, None]:
        return cross_entropy(self.victim.logits(images), labels), None

    def _advance(
        self, images: Tensor, direction: Tensor, clean: Tensor, labels: Tensor, size: Tensor, epsilon: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The next images and direction. size: of the step, below 0 where the loss is to fall."""
        _, _, gradient = self._slope(images, labels)
        if self.momentum:
            scale = ops.mean(ops.abs(gradient), axis=(1, 2, 3), keepdims=True)
            gradient = self.momentum * direction + gradient / ops.maximum(scale, _SMALLEST)
        moved = images + size * ball.steepest(gradient, self.norm)
        return ball.project(moved, clean, epsilon, self.norm), gradient


class Fgsm(Iterated):
    """One step of epsilon.

    Goodfellow, Shlens and Szegedy: Explaining and Harnessing Adversarial Examples (ICLR 2015, arXiv:1412.6572).
    """


class Bim(Iterated):
    """The basic iterative method.

    Kurakin, Goodfellow and Bengio: Adversarial Examples in the Physical World (2016, arXiv:1607.02533).
    """

    default_steps = 10


class MiFgsm(Iterated):
    """The momentum iterative method: BIM in steps of epsilon / steps along the sum of the gradients so far.

    Dong, Liao, Pang, Su, Zhu, Hu and Li: Boosting Adversarial Attacks with Momentum (CVPR 2018, arXiv:1710.06081).
    """

    default_steps = 10
    reach = 1.0
    momentum = 1.0


class Pgd(Iterated):
    """Projected gradient descent: as BIM, from a random point of the ball.

    Madry, Makelov, Schmidt, Tsipras and Vladu: Towards Deep Learning Models Resistant to Adversarial Attacks (ICLR
    2018, arXiv:1706.06083).
    """

    default_steps = 20
    chance = True

    def _start(self, images: Images, epsilon: float, rng: np.random.Generator) -> Images:
        return ball.random_start(images, epsilon, self.norm, rng)
