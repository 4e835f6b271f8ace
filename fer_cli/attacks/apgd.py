"""Auto-PGD: projected gradient descent that finds the length of its steps by itself."""

from __future__ import annotations

import itertools
import math

import numpy as np
from keras import ops

from fer_cli import gradients
from fer_cli.attacks import ball
from fer_cli.attacks.ball import Tensor
from fer_cli.attacks.base import Aim, Attack, Images, Victim, cross_entropy

#: Share of the steps between two checkpoints that must have raised the score, else the step is halved.
_PROGRESS = 0.75
#: Part of a move that is a step; the rest repeats the move before.
_FRESH = 0.75
#: In percent of all steps: the first checkpoint, by how much less each is after the one before, and the least.
_FIRST, _SHORTER, _SHORTEST = 22, 3, 6
#: Nats by which a row that has reached its aim is ahead of one that has not.
_REACHED = 1e3

#: By name, row by row: `images`, those `before`, `gradient` and `score` there; the `best` so far, with `best_gradient`
#: and `best_score`; the `size` of a step (N, 1, 1, 1); the score's `rises` since the last checkpoint, the best score
#: that it saw (`checked`), and whether it `halved` the step.
State = dict[str, Tensor]


class Apgd(Attack):
    """Auto-PGD on the cross-entropy: momentum, and steps that each row halves where it gets no further.

    Croce and Hein: Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks
    (ICML 2020, arXiv:2003.01690), algorithm 1.
    """

    default_steps = 50
    chance = True

    def __init__(self, victim: Victim, norm: str = ball.INF, steps: int | None = None, seed: int = 0) -> None:
        super().__init__(victim, norm, steps, seed)
        self._slope = gradients.slope(self._loss)
        self._begin = gradients.compiled(self._first)
        self._step = gradients.compiled(self._advance)
        self._check = gradients.compiled(_checkpoint)

    def perturb(self, images: Images, aim: Aim, epsilon: float, rng: np.random.Generator) -> Images:
        """`steps` steps, of 2 epsilon at first, from a random point of the ball."""
        clean, labels = gradients.as_tensor(images), ops.convert_to_tensor(aim.labels, "int32")
        sign, limit = gradients.as_tensor(aim.sign), gradients.as_tensor(epsilon)
        start = gradients.as_tensor(ball.random_start(images, epsilon, self.norm, rng))
        state = self._begin(start, labels, sign, limit)
        stretches = {stop: stop - start for start, stop in itertools.pairwise([0, *checkpoints(self.steps)])}
        for step in range(1, self.steps + 1):
            # The first move has none before it to repeat.
            fresh = gradients.as_tensor(1.0 if step == 1 else _FRESH)
            state = self._step(state, clean, labels, sign, limit, fresh)
            if step in stretches:
                state = self._check(state, gradients.as_tensor(_PROGRESS * stretches[step]))
        return gradients.as_array(state["best"])

    def _loss(self, images: Tensor, labels: Tensor, sign: Tensor) -> tuple[Tensor, Tensor]:
        """What is to rise (N,), and the same with what a row gains that has reached its aim."""
        logits = self.victim.logits(images)
        loss = sign * cross_entropy(logits, labels)
        named = ops.equal(ops.cast(ops.argmax(logits, axis=1), "int32"), labels)
        return loss, loss + _REACHED * ops.cast(ops.equal(named, sign < 0), "float32")

    def _first(self, images: Tensor, labels: Tensor, sign: Tensor, epsilon: Tensor) -> State:
        _, score, gradient = self._slope(images, labels, sign)
        none = ops.zeros_like(score)
        return {
            "images": images, "before": images, "gradient": gradient, "score": score,
            "best": images, "best_gradient": gradient, "best_score": score,
            "size": _by_row(none + 2 * epsilon), "rises": none, "checked": score, "halved": none + 1,
        }  # fmt: skip

    def _advance(
        self, state: State, clean: Tensor, labels: Tensor, sign: Tensor, epsilon: Tensor, fresh: Tensor
    ) -> State:
        images = state["images"]
        stepped = images + state["size"] * ball.steepest(state["gradient"], self.norm)
        stepped = ball.project(stepped, clean, epsilon, self.norm)
        moved = images + fresh * (stepped - images) + (1 - fresh) * (images - state["before"])
        moved = ball.project(moved, clean, epsilon, self.norm)
        _, score, gradient = self._slope(moved, labels, sign)
        rose, better = score > state["score"], score > state["best_score"]
        return {
            **state,
            "images": moved, "before": images, "gradient": gradient, "score": score,
            "best": ops.where(_by_row(better), moved, state["best"]),
            "best_gradient": ops.where(_by_row(better), gradient, state["best_gradient"]),
            "best_score": ops.maximum(score, state["best_score"]),
            "rises": state["rises"] + ops.cast(rose, "float32"),
        }  # fmt: skip


def checkpoints(steps: int) -> list[int]:
    """The steps after which progress is looked at: distances grow shorter as the attack goes on."""
    found, place, distance = list[int](), _FIRST, _FIRST
    while place <= 100:
        found.append(math.ceil(place * steps / 100))
        distance = max(distance - _SHORTER, _SHORTEST)
        place += distance
    return sorted(set(found))


def _checkpoint(state: State, wanted: Tensor) -> State:
    """Halve the step of each row that got no further, and let it go on from its best point.

    wanted: rises of the score since the last checkpoint below which a step was too long.
    """
    stuck = ops.logical_and(ops.equal(state["halved"], 0.0), ops.equal(state["best_score"], state["checked"]))
    halve = ops.logical_or(state["rises"] < wanted, stuck)
    rows = _by_row(halve)
    return {
        **state,
        "images": ops.where(rows, state["best"], state["images"]),
        "gradient": ops.where(rows, state["best_gradient"], state["gradient"]),
        "score": ops.where(halve, state["best_score"], state["score"]),
        "size": ops.where(rows, state["size"] / 2, state["size"]),
        "rises": ops.zeros_like(state["rises"]),
        "checked": state["best_score"],
        "halved": ops.cast(halve, "float32"),
    }


def _by_row(values: Tensor) -> Tensor:
    """(N,) as (N, 1, 1, 1), to go with images."""
    return ops.reshape(values, (-1, 1, 1, 1))
