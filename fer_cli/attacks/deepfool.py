"""The smallest perturbation, found by taking the network for linear again and again."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from keras import ops

from fer_cli import gradients
from fer_cli.attacks import ball
from fer_cli.attacks.ball import Tensor
from fer_cli.attacks.base import Aim, Attack, Floats, Images, Labels, Victim, padded

#: A network that is flat has no boundary, and no division by 0.
_SMALLEST = 1e-12


class DeepFool(Attack):
    """Steps to the nearest of the linearised boundaries, until the aim is reached.

    A step costs a forward-backward pass for each rival (6 of 7 expressions; 1 where targeted) and a forward pass, of
    the rows that are not there yet; most need 2 to 4 steps. Rows that get nowhere come back clean. A row's steps are
    never made good again, so on a network that curves the perturbation is somewhat larger than the smallest.

    Moosavi-Dezfooli, Fawzi and Frossard: DeepFool: a Simple and Accurate Method to Fool Deep Neural Networks (CVPR
    2016, arXiv:1511.04599), which has no targeted form; here that is a step toward the boundary of the target and the
    class that is ahead.
    """

    default_steps = 50
    minimal = True

    #: Classes at most, by their logits, whose boundaries are looked at.
    rivals: ClassVar[int] = 9
    #: How far past the boundary a step goes: of its length, as in the paper, and in levels, lest rounding stops it.
    overshoot: ClassVar[float] = 0.02
    beyond: ClassVar[float] = 0.01

    def __init__(self, victim: Victim, norm: str = ball.INF, steps: int | None = None, seed: int = 0) -> None:
        super().__init__(victim, norm, steps, seed)
        self._slope = gradients.slope(self._lead)
        self._change = gradients.compiled(self._to_boundary)

    def perturb(self, images: Images, aim: Aim, epsilon: float, rng: np.random.Generator) -> Images:
        """At most `steps` steps; `epsilon` and `rng` play no part."""
        current, logits = images.copy(), self.victim.predict(images).copy()
        for _ in range(self.steps):
            left = np.flatnonzero(~aim.reached(logits))
            if not len(left):
                break
            rows = padded(left)
            change = self._shortest(current[rows], Aim(aim.labels[rows], aim.targeted), logits[rows])
            current[rows] = np.clip(current[rows] + (1 + self.overshoot) * change, 0, ball.WHITE)
            logits[rows] = self.victim.predict(current[rows])
        return np.where(aim.reached(logits)[:, None, None, None], current, images)

    def _shortest(self, images: Images, aim: Aim, logits: Floats) -> Images:
        """The change that brings the nearest rival level with the label, were the network linear."""
        tensor, labels = gradients.as_tensor(images), ops.convert_to_tensor(aim.labels, "int32")
        best, least = np.zeros_like(images), np.full((len(images), 1, 1, 1), np.inf)
        for rivals in self._rivals(aim, logits).T:
            lead = self._change(tensor, labels, ops.convert_to_tensor(rivals, "int32"), gradients.as_tensor(aim.sign))
            change, distance = (gradients.as_array(x) for x in lead)
            best, least = np.where(distance < least, change, best), np.minimum(distance, least)
        return best

    def _rivals(self, aim: Aim, logits: Floats) -> Labels:
        """(N, R): the other classes, the largest logit first; the first one alone where targeted."""
        order = np.argsort(-logits, axis=1, kind="stable")
        others: Labels = order[order != aim.labels[:, None]].reshape(len(logits), -1)
        return others[:, : 1 if aim.targeted else self.rivals]

    def _lead(self, images: Tensor, labels: Tensor, rivals: Tensor, sign: Tensor) -> tuple[Tensor, None]:
        """How far each rival is ahead of the label or, where `sign` is -1, the label of its rival."""
        logits = self.victim.logits(images)
        return sign * (_pick(logits, rivals) - _pick(logits, labels)), None

    def _to_boundary(self, images: Tensor, labels: Tensor, rivals: Tensor, sign: Tensor) -> tuple[Tensor, Tensor]:
        """The change (N, H, W, C) that brings one rival level, and its length (N, 1, 1, 1)."""
        lead, _, gradient = self._slope(images, labels, rivals, sign)
        # How much a linear function rises on a way of length 1 is its gradient's length in the dual norm.
        direction = ball.steepest(gradient, self.norm)
        rise = ops.maximum(ops.sum(gradient * direction, axis=(1, 2, 3), keepdims=True), _SMALLEST)
        distance = ops.reshape(ops.abs(lead), (-1, 1, 1, 1)) / rise + self.beyond
        return distance * direction, distance


def _pick(logits: Tensor, classes: Tensor) -> Tensor:
    return ops.take_along_axis(logits, classes[:, None], axis=1)[:, 0]
