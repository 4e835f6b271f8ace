"""A square that is laid over a part of the image."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from keras import ops

from fer_cli import gradients
from fer_cli.attacks import ball
from fer_cli.attacks.ball import Tensor
from fer_cli.attacks.base import Aim, Attack, Images, Victim, cross_entropy


class Patch(Attack):
    """The one square patch that moves most rows wherever it lies; epsilon is the part of the area it may cover.

    Gradient ascent by signs on the mean cross-entropy of random batches, each row having the patch at a place of its
    own. It is laid on an attacked row at a place drawn anew, so a restart tries another. The paper also turns and
    scales patches, for they are to be printed; here they are not. Costs `steps` forward-backward passes of `batch` rows
    once for each epsilon, and nothing for a row that is attacked.

    Brown, Mané, Roy, Abadi and Gilmer: Adversarial Patch (2017, arXiv:1712.09665).
    """

    norms = ("0",)
    default_steps = 200
    chance = True
    learns = True

    #: Rows a step.
    batch: ClassVar[int] = 64
    #: Levels of the first step; the last ones are near 0.
    first_step: ClassVar[float] = 25.0

    def __init__(self, victim: Victim, norm: str = "0", steps: int | None = None, seed: int = 0) -> None:
        super().__init__(victim, norm, steps, seed)
        self._slope = gradients.slope(self._loss)
        self._step = gradients.compiled(self._advance)
        self._paste = gradients.compiled(paste)
        self._learnt: dict[float, Images] = {}

    def learn(self, images: Images, aim: Aim, epsilon: float, rng: np.random.Generator) -> None:
        """Find the patch for `epsilon`, from noise."""
        side = side_of(epsilon, images.shape)
        patch = gradients.as_tensor(rng.uniform(0, ball.WHITE, (1, side, side, images.shape[-1])))
        for step in range(self.steps if side else 0):
            rows = rng.choice(len(images), min(self.batch, len(images)), replace=False)
            batch, labels = gradients.as_tensor(images[rows]), ops.convert_to_tensor(aim.labels[rows], "int32")
            places = ops.convert_to_tensor(draw_places(batch.shape, side, rng), "int32")
            size = gradients.as_tensor(aim.sign * self.first_step * (1 - step / self.steps))
            patch = self._step(patch, batch, labels, places, size)
        self._learnt[epsilon] = gradients.as_array(patch)

    def perturb(self, images: Images, aim: Aim, epsilon: float, rng: np.random.Generator) -> Images:
        """The images with the patch for `epsilon` at random places."""
        patch = self._learnt[epsilon]
        if not patch.size:
            return images
        places = ops.convert_to_tensor(draw_places(images.shape, patch.shape[1], rng), "int32")
        return gradients.as_array(self._paste(gradients.as_tensor(patch), gradients.as_tensor(images), places))

    def _loss(self, patch: Tensor, images: Tensor, labels: Tensor, places: Tensor) -> tuple[Tensor, None]:
        return cross_entropy(self.victim.logits(paste(patch, images, places)), labels), None

    def _advance(self, patch: Tensor, images: Tensor, labels: Tensor, places: Tensor, size: Tensor) -> Tensor:
        _, _, gradient = self._slope(patch, images, labels, places)
        return ops.clip(patch + size * ops.sign(gradient), 0.0, ball.WHITE)


def side_of(epsilon: float, shape: tuple[int, ...]) -> int:
    """Of the largest square, in pixels, that covers at most the part `epsilon` of images (N, H, W, C)."""
    _, height, width, _ = shape
    # A part that is meant to be a whole square must not lose a pixel by rounding.
    return min(int(np.sqrt(epsilon * height * width) + 1e-9), height, width)


def draw_places(shape: tuple[int, ...], side: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """(N, 2): row and column of a patch's upper left corner on each image, all of it inside."""
    rows, height, width, _ = shape
    return rng.integers(0, [height - side + 1, width - side + 1], (rows, 2))


def paste(patch: Tensor, images: Tensor, places: Tensor) -> Tensor:
    """Images (N, H, W, C) with the patch (1, side, side, C) at places (N, 2); all other pixels are as they were."""
    side, (height, width) = patch.shape[1], images.shape[1:3]
    down = ops.arange(height, dtype="int32")[None, :, None] - places[:, 0, None, None]
    across = ops.arange(width, dtype="int32")[None, None, :] - places[:, 1, None, None]
    inside = (down >= 0) & (down < side) & (across >= 0) & (across < side)
    pixel = ops.clip(down, 0, side - 1) * side + ops.clip(across, 0, side - 1)
    laid = ops.take(ops.reshape(patch, (side * side, -1)), pixel, axis=0)
    return ops.where(inside[..., None], laid, images)
