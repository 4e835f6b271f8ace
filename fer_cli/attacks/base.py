"""What all attacks share: the network that is attacked, what is wanted of it, and the template that keeps the rules.

An attack sees float32 images (N, H, W, C) in 0..255, as the network's input has them, and epsilon in the same levels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import keras
import numpy as np
import numpy.typing as npt

from fer_cli import gradients
from fer_cli.attacks import ball
from fer_cli.attacks.ball import Tensor

Images = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Aim:
    """labels (N,): the class that each row is to leave or, where `targeted`, the class that it is to reach."""

    labels: Labels
    targeted: bool = False

    @property
    def sign(self) -> float:
        """1 where the loss of the labels is to rise, -1 where it is to fall."""
        return -1.0 if self.targeted else 1.0

    def reached(self, logits: Floats) -> npt.NDArray[np.bool_]:
        """(N,): which rows are where they shall be."""
        hit: npt.NDArray[np.bool_] = logits.argmax(1) == self.labels
        return hit if self.targeted else ~hit

    def gain(self, logits: Floats) -> npt.NDArray[np.float64]:
        """(N,): how far the other side's best logit is ahead; above 0 where the aim is reached."""
        rows = np.arange(len(logits))
        rest = logits.astype(np.float64)
        own = rest[rows, self.labels].copy()
        rest[rows, self.labels] = -np.inf
        margin: npt.NDArray[np.float64] = rest.max(1) - own
        return -margin if self.targeted else margin


class Victim:
    """The network that is attacked. logits: inputs to logits, in inference mode, to stand in compiled functions."""

    def __init__(self, network: keras.Model) -> None:
        self.network = network
        self.logits = gradients.logits_of(network)
        self._compiled = gradients.compiled(self.logits)

    def predict(self, images: Images) -> Floats:
        """Logits (N, K) of one batch."""
        return gradients.as_array(self._compiled(gradients.as_tensor(images)))


class Attack(ABC):
    """Template of an attack: a subclass says how to perturb a batch; bounds, restarts and the sweep are kept here.

    norms: that it can be held to: "inf", "2", or "0", the part of the pixels. default_steps: iterations unless told;
    an attack of a single step keeps to it.
    chance: whether a restart may end elsewhere. can_target: whether it can aim at a class. learns: whether it must see
    other rows first (`learn`). minimal: whether it looks for the smallest perturbation, whatever epsilon is.
    """

    norms: ClassVar[tuple[str, ...]] = (ball.INF, ball.TWO)
    default_steps: ClassVar[int] = 1
    chance: ClassVar[bool] = False
    can_target: ClassVar[bool] = True
    learns: ClassVar[bool] = False
    minimal: ClassVar[bool] = False

    def __init__(self, victim: Victim, norm: str = ball.INF, steps: int | None = None, seed: int = 0) -> None:
        self.victim, self.norm, self.seed = victim, norm, seed
        self.steps = steps if steps and self.default_steps > 1 else self.default_steps

    @abstractmethod
    def perturb(self, images: Images, aim: Aim, epsilon: float, rng: np.random.Generator) -> Images:
        """One try at a batch. What leaves the allowed set is brought back by the caller."""

    def learn(self, images: Images, aim: Aim, epsilon: float, rng: np.random.Generator) -> None:
        """Prepare for `epsilon` by rows that are not those to be attacked; attacks that need it say so by `learns`."""
        raise NotImplementedError(f"{type(self).__name__} needs no other rows")

    def sweep(
        self, images: Images, aim: Aim, epsilons: Sequence[float], restarts: int = 1, batch: int = 0
    ) -> Iterator[Images]:
        """The attacked batch for each epsilon, in their order.

        restarts: tries a row, of which the one with the largest gain counts. batch: number of this batch, from which
        its chance comes.
        """
        found: Images | None = None
        for epsilon in epsilons:
            if found is None or not self.minimal:
                found = self._best(images, aim, epsilon, restarts, batch)
            yield self._within(found, images, epsilon)

    def _best(self, images: Images, aim: Aim, epsilon: float, restarts: int, batch: int) -> Images:
        best, gain = images, np.full(len(images), -np.inf)
        for restart in range(restarts if self.chance else 1):
            rng = np.random.default_rng((self.seed, batch, restart))
            tried = self._within(self.perturb(images, aim, epsilon, rng), images, None if self.minimal else epsilon)
            if restarts == 1 or not self.chance:
                return tried
            gained = aim.gain(self.victim.predict(tried))
            better = gained > gain
            best = np.where(better[:, None, None, None], tried, best)
            gain = np.maximum(gain, gained)
        return best

    def _within(self, tried: Images, clean: Images, epsilon: float | None) -> Images:
        """`tried` brought into the allowed set; of a smallest perturbation that is too large nothing is left.

        epsilon: None for a perturbation of any size.
        """
        if epsilon is None:
            return np.clip(tried, 0, ball.WHITE)
        if self.minimal:
            fits = ball.sizes(tried - clean, self.norm) <= epsilon
            return np.where(fits[:, None, None, None], tried, clean)
        if self.norm == "0":
            return np.clip(tried, 0, ball.WHITE)
        near = ball.project(gradients.as_tensor(tried), gradients.as_tensor(clean), epsilon, self.norm)
        return gradients.as_array(near)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """(N,) in nats of integer labels (N,)."""
    return keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def padded(rows: Labels) -> Labels:
    """Row numbers, some of them twice so that their count is a power of two and not below 16.

    A compiled function is traced anew for each shape, so an attack that leaves done rows alone should show it few.
    """
    return np.resize(rows, max(16, 1 << (len(rows) - 1).bit_length()))
