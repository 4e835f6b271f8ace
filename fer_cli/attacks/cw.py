"""The smallest L2 perturbation, as an optimisation in a space that has no bounds."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from keras import ops

from fer_cli import gradients
from fer_cli.attacks import ball
from fer_cli.attacks.ball import Tensor
from fer_cli.attacks.base import Aim, Attack, Images, Victim, padded

#: Decay of Adam's two averages, and what keeps its division finite.
_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-8
#: Black and white lie at infinity in tanh space; this is as near as pixels get to them.
_INSIDE = 0.999999
#: By how much the loss must fall in a tenth of the steps, else they end.
_PROGRESS = 0.9999
#: A constant that is too small is raised by this factor.
_RAISE = 10.0

#: By name: the `point` in tanh space, Adam's averages `first` and `second` of its gradient and the number of its
#: `steps`; the `best` images so far that reach the aim, their `size` (N,), and which rows `reached` it since the start.
State = dict[str, Tensor]


class CarliniWagner(Attack):
    """Adam on ‖change‖² + constant · (margin that is missing), with a search for the smallest constant that works.

    Sizes are on the 0..1 scale. A row starts from twice the constant that would do were the network linear, where the
    paper starts all rows from 0.001 and needs 9 searches. Costs `searches · steps` forward-backward passes at most, of
    the rows whose aim is not reached from the start. Rows that get nowhere come back clean.

    Carlini and Wagner: Towards Evaluating the Robustness of Neural Networks (S&P 2017, arXiv:1608.04644).
    """

    norms = (ball.TWO,)
    default_steps = 100
    minimal = True

    searches: ClassVar[int] = 4
    #: Adam's step in tanh space: up to 1.3 levels.
    rate: ClassVar[float] = 0.01

    def __init__(self, victim: Victim, norm: str = ball.TWO, steps: int | None = None, seed: int = 0) -> None:
        super().__init__(victim, norm, steps, seed)
        self._lead_slope = gradients.compiled(gradients.slope(self._lead))
        self._loss_slope = gradients.slope(self._loss)
        self._step = gradients.compiled(self._advance)

    def perturb(self, images: Images, aim: Aim, epsilon: float, rng: np.random.Generator) -> Images:
        """At most `steps` steps of each search; `epsilon` and `rng` play no part."""
        left = np.flatnonzero(~aim.reached(self.victim.predict(images)))
        found = images.copy()
        if len(left):
            rows = padded(left)
            found[rows] = self._smallest(images[rows], Aim(aim.labels[rows], aim.targeted))
        return found

    def _smallest(self, images: Images, aim: Aim) -> Images:
        clean, sign = gradients.as_tensor(images), gradients.as_tensor(aim.sign)
        labels = ops.convert_to_tensor(aim.labels, "int32")
        lead, _, gradient = self._lead_slope(clean, labels, sign)
        low, high = np.zeros(len(images)), np.full(len(images), np.inf)
        constant = 2 * _linear_constant(gradients.as_array(lead), gradients.as_array(gradient))
        best, size = clean, ops.full((len(images),), np.inf)
        for _ in range(self.searches):
            state = self._descend(_start(clean, best, size), clean, labels, sign, gradients.as_tensor(constant))
            best, size = state["best"], state["size"]
            reached = gradients.as_array(state["reached"])
            low, high = np.where(reached, low, constant), np.where(reached, constant, high)
            constant = np.where(np.isinf(high), _RAISE * constant, (low + high) / 2)
        return gradients.as_array(best)

    def _descend(self, state: State, *fixed: Tensor) -> State:
        """`steps` steps of Adam, or fewer where the loss no longer falls."""
        before = np.inf
        for step in range(self.steps):
            state, loss = self._step(state, *fixed)
            if step % max(1, self.steps // 10) == 0:
                total = float(gradients.as_array(loss).sum())
                if total > _PROGRESS * before:
                    break
                before = total
        return state

    def _advance(
        self, state: State, clean: Tensor, labels: Tensor, sign: Tensor, constant: Tensor
    ) -> tuple[State, Tensor]:
        loss, (images, lead, squared), gradient = self._loss_slope(state["point"], clean, labels, sign, constant)
        steps = state["steps"] + 1.0
        first = _FIRST * state["first"] + (1 - _FIRST) * gradient
        second = _SECOND * state["second"] + (1 - _SECOND) * ops.square(gradient)
        scale = ops.sqrt(1 - ops.power(_SECOND, steps)) / (1 - ops.power(_FIRST, steps))
        reached, size = lead > 0, ops.sqrt(squared)
        better = ops.logical_and(reached, size < state["size"])
        return {
            "point": state["point"] - self.rate * scale * first / (ops.sqrt(second) + _TINY),
            "first": first, "second": second, "steps": steps,
            "best": ops.where(ops.reshape(better, (-1, 1, 1, 1)), images, state["best"]),
            "size": ops.where(better, size, state["size"]),
            "reached": ops.logical_or(reached, state["reached"]),
        }, loss  # fmt: skip

    def _loss(
        self, point: Tensor, clean: Tensor, labels: Tensor, sign: Tensor, constant: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
        """What is to fall (N,), and the images, the lead and the squared size that it is made of."""
        images = _to_images(point)
        lead, _ = self._lead(images, labels, sign)
        squared = ops.sum(ops.square((images - clean) / ball.WHITE), axis=(1, 2, 3))
        return squared + constant * ops.relu(-lead), (images, lead, squared)

    def _lead(self, images: Tensor, labels: Tensor, sign: Tensor) -> tuple[Tensor, None]:
        """(N,): by how much the aim is reached; below 0 where it is not."""
        logits = self.victim.logits(images)
        own = ops.one_hot(labels, logits.shape[-1], dtype="bool")
        rival = ops.max(ops.where(own, -np.inf, logits), axis=1)
        return sign * (rival - ops.sum(ops.where(own, logits, 0.0), axis=1)), None


def _linear_constant(lead: npt.NDArray[Any], gradient: Images) -> npt.NDArray[np.float64]:
    """(N,): the smallest constant at which the margin outweighs the size, for a linear network.

    There the best change is constant/2 · gradient until the margin -lead is made good.
    """
    steepness = np.square(gradient.astype(np.float64) * ball.WHITE).sum((1, 2, 3))
    constant: npt.NDArray[np.float64] = 2 * np.abs(lead) / np.maximum(steepness, _TINY)
    return constant


def _start(clean: Tensor, best: Tensor, size: Tensor) -> State:
    point, none = _to_point(clean), ops.zeros_like(clean)
    reached = ops.zeros(size.shape, "bool")
    steps = gradients.as_tensor(0.0)
    return {
        "point": point, "first": none, "second": none, "steps": steps, "best": best, "size": size, "reached": reached,
    }  # fmt: skip


def _to_point(images: Tensor) -> Tensor:
    return ops.arctanh(_INSIDE * (2 * images / ball.WHITE - 1))


def _to_images(point: Tensor) -> Tensor:
    return ball.WHITE / 2 * (ops.tanh(point) + 1)
