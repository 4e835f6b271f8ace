"""Random squares, kept where they help: an attack that sees logits and no gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from fer_cli.attacks import ball
from fer_cli.attacks.base import Aim, Attack, Images, padded

#: The queries, of 10,000, after which the part of the image that changes is halved.
_HALVED = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
#: Avoids a division by 0 where nothing is changed yet.
_SMALLEST = 1e-10

Floats = npt.NDArray[np.float64]


class Square(Attack):
    """Random search: a square of random place and sign is kept where the margin of a row grows.

    A step is a query, one forward pass of the rows that have not reached their aim. The paper gives ImageNet 10,000;
    its schedule of sizes is stretched over `steps`. In the L2 form the squares are bumps, and what they use of epsilon
    is taken from another window.

    Andriushchenko, Croce, Flammarion and Hein: Square Attack: a Query-efficient Black-box Adversarial Attack via Random
    Search (ECCV 2020, arXiv:1912.00049), algorithms 1 to 3.
    """

    default_steps = 500
    chance = True

    #: Part of the image that the first squares cover. The paper's 0.05 and 0.1 suit ImageNet; for small images
    #: AutoAttack (arXiv:2003.01690) takes this, which moves more faces as well.
    part: ClassVar[float] = 0.8

    def perturb(self, images: Images, aim: Aim, epsilon: float, rng: np.random.Generator) -> Images:
        """`steps` queries at most."""
        start = stripes if self.norm == ball.INF else bumps
        best = _bounded(images, start(images.shape, rng), epsilon, self.norm)
        gain = aim.gain(self.victim.predict(best))
        move = move_square if self.norm == ball.INF else move_bump
        for step in range(self.steps):
            left = np.flatnonzero(gain <= 0)
            if not len(left):
                break
            changes = move((best[left] - images[left]).astype(np.float64), epsilon, self._side(step, images.shape), rng)
            tried = _bounded(images[left], changes, epsilon, self.norm)
            rows = padded(np.arange(len(left)))
            logits = self.victim.predict(tried[rows])[: len(left)]
            gained = Aim(aim.labels[left], aim.targeted).gain(logits)
            better = gained > gain[left]
            best[left[better]], gain[left[better]] = tried[better], gained[better]
        return best

    def _side(self, step: int, shape: tuple[int, ...]) -> int:
        """Of the square of one step, in pixels."""
        halvings = sum(step * 10_000 / self.steps > start for start in _HALVED)
        side = round(float(np.sqrt(self.part / 2**halvings * shape[1] * shape[2])))
        return min(max(side, 1 if self.norm == ball.INF else 3), *shape[1:3])


def stripes(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Changes (N, H, W, C) of vertical stripes one pixel wide, each as bright or as dark as can be."""
    rows, _, width, channels = shape
    return np.broadcast_to(ball.WHITE * _signs((rows, 1, width, channels), rng), shape)


def bumps(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Changes (N, H, W, C) of a grid of 5×5 bumps, or as many as fit, each of either sign."""
    rows, height, width, channels = shape
    side = max(min(height, width) // 5, 2)
    down, across = height // side, width // side
    signs = np.kron(_signs((rows, down, across, channels), rng), np.ones((1, side, side, 1)))
    changes = np.zeros(shape)
    changes[:, : down * side, : across * side] = signs * np.tile(bump(side, rng), (down, across))[..., None]
    return changes


def move_square(changes: Floats, epsilon: float, side: int, rng: np.random.Generator) -> Floats:
    """The changes with a square in each, at a place of its own, that is epsilon brighter or darker in each channel."""
    rows, height, width, channels = changes.shape
    down = np.arange(height) - rng.integers(0, height - side + 1, (rows, 1))
    across = np.arange(width) - rng.integers(0, width - side + 1, (rows, 1))
    inside = ((down >= 0) & (down < side))[:, :, None] & ((across >= 0) & (across < side))[:, None, :]
    return np.where(inside[..., None], epsilon * _signs((rows, 1, 1, channels), rng), changes)


def move_bump(changes: Floats, epsilon: float, side: int, rng: np.random.Generator) -> Floats:
    """The changes with a bump in one window, paid by what another window and epsilon have to spare."""
    rows, *size, channels = changes.shape
    here, there = _window(size, side, rng), _window(size, side, rng)
    both = np.zeros((1, *size, 1))
    both[here] = both[there] = 1
    spare = np.maximum(epsilon**2 - np.square(changes).sum((1, 2, 3), keepdims=True), 0)
    new = bump(side, rng)[..., None] * _signs((rows, 1, 1, channels), rng) + _unit(changes[here])
    moved = changes.copy()
    moved[there] = 0
    moved[here] = _unit(new) * np.sqrt(spare / channels + np.square(changes * both).sum((1, 2), keepdims=True))
    return moved


def bump(side: int, rng: np.random.Generator) -> Floats:
    """(side, side) of length 1: a bright half and a dark one, beside or above each other, fading from their centres."""
    half = side // 2
    whole = np.concatenate([_pyramid(half, side), -_pyramid(side - half, side)])
    whole /= np.sqrt(np.square(whole).sum())
    return whole.T if rng.uniform() < 0.5 else whole


def _pyramid(height: int, width: int) -> Floats:
    """(height, width) of length 1: concentric rectangles, each adding less (the paper's algorithm 3)."""
    pile = np.zeros((height, width))
    row, column = height // 2, width // 2
    for ring in range(max(row, column) + 1):
        rows = slice(max(row - ring, 0), row + ring + 1)
        pile[rows, max(column - ring, 0) : column + ring + 1] += 1 / (ring + 1) ** 2
    pile /= np.sqrt(np.square(pile).sum())
    return pile


def _window(size: Sequence[int], side: int, rng: np.random.Generator) -> tuple[slice, ...]:
    """A square of random place, the same in all rows."""
    starts = [int(rng.integers(0, length - side + 1)) for length in size]
    return slice(None), *(slice(start, start + side) for start in starts)


def _bounded(images: Images, changes: Floats, epsilon: float, norm: str) -> Images:
    """The images with the changes brought to epsilon."""
    if norm == ball.INF:
        near = images + np.clip(changes, -epsilon, epsilon)
    else:
        near = images + epsilon * changes / (np.sqrt(np.square(changes).sum((1, 2, 3), keepdims=True)) + _SMALLEST)
    return np.clip(near, 0, ball.WHITE).astype(np.float32)


def _unit(changes: Floats) -> Floats:
    """Each channel of each row brought to length 1."""
    lengths: Floats = np.sqrt(np.square(changes).sum((1, 2), keepdims=True)) + _SMALLEST
    return changes / lengths


def _signs(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    return rng.choice([-1.0, 1.0], shape)
