"""One perturbation for all images."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from keras import ops

from fer_cli import gradients
from fer_cli.attacks import ball
from fer_cli.attacks.ball import Tensor
from fer_cli.attacks.base import Aim, Attack, Images, Victim, cross_entropy


class Universal(Attack):
    """The perturbation that moves most of the rows it has learnt from, added to all.

    Projected gradient ascent on the mean cross-entropy of random batches. A row's loss counts up to a limit only, else
    the few that are moved the furthest lead the rest. Costs `steps` forward-backward passes of `batch` rows once for
    each epsilon, and nothing for a row that is attacked.

    Shafahi, Najibi, Xu, Dickerson, Davis and Goldstein: Universal Adversarial Training (AAAI 2020, arXiv:1811.11304),
    algorithm 2; the idea is that of Moosavi-Dezfooli et al. (CVPR 2017, arXiv:1610.08401).
    """

    default_steps = 200
    learns = True

    #: Rows a step.
    batch: ClassVar[int] = 64
    #: Cross-entropy beyond which a row that is to leave its class counts no more, in those of a guess (ln K nats).
    limit: ClassVar[float] = 2.0
    #: Of the first step, in epsilons; the last ones are near 0.
    first_step: ClassVar[float] = 0.25

    def __init__(self, victim: Victim, norm: str = ball.INF, steps: int | None = None, seed: int = 0) -> None:
        super().__init__(victim, norm, steps, seed)
        self._slope = gradients.slope(self._loss)
        self._step = gradients.compiled(self._advance)
        self._learnt: dict[float, Images] = {}

    def learn(self, images: Images, aim: Aim, epsilon: float, rng: np.random.Generator) -> None:
        """Find the perturbation for `epsilon`."""
        change, sign, limit = (gradients.as_tensor(x) for x in (np.zeros_like(images[:1]), aim.sign, epsilon))
        for step in range(self.steps):
            rows = rng.choice(len(images), min(self.batch, len(images)), replace=False)
            batch, labels = gradients.as_tensor(images[rows]), ops.convert_to_tensor(aim.labels[rows], "int32")
            size = gradients.as_tensor(self.first_step * epsilon * (1 - step / self.steps))
            change = self._step(change, batch, labels, sign, size, limit)
        self._learnt[epsilon] = gradients.as_array(change)

    def perturb(self, images: Images, aim: Aim, epsilon: float, rng: np.random.Generator) -> Images:
        """The images with what was learnt for `epsilon`."""
        changed: Images = np.clip(images + self._learnt[epsilon], 0, ball.WHITE)
        return changed

    def _loss(self, change: Tensor, images: Tensor, labels: Tensor, sign: Tensor) -> tuple[Tensor, None]:
        """What is to rise (N,)."""
        logits = self.victim.logits(ops.clip(images + change, 0.0, ball.WHITE))
        loss = cross_entropy(logits, labels)
        enough = self.limit * float(np.log(logits.shape[-1]))
        return ops.where(sign > 0, ops.minimum(loss, enough), -loss), None

    def _advance(
        self, change: Tensor, images: Tensor, labels: Tensor, sign: Tensor, size: Tensor, epsilon: Tensor
    ) -> Tensor:
        _, _, gradient = self._slope(change, images, labels, sign)
        return ball.shorten(change + size * ball.steepest(gradient, self.norm), epsilon, self.norm)
