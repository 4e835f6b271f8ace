"""How the score changes with each pixel: at the face, on average around it, and on the way to it from nothing."""

from __future__ import annotations

from typing import ClassVar

import keras
import numpy as np

from fer_cli import gradients
from fer_cli.saliency.base import Images, Labels, Maps, Method, absent, apply


class Gradient(Method):
    """Vanilla back-propagation: the gradient of the logit by the pixel; in colour, that of its steepest channel.

    Simonyan, Vedaldi and Zisserman: Deep Inside Convolutional Networks (ICLR 2014 workshop, arXiv:1312.6034), who show
    its magnitude.
    """

    directional = True

    def __init__(
        self, network: keras.Model, seed: int = 0, layer: str | None = None, samples: int | None = None
    ) -> None:
        super().__init__(network, seed, layer, samples)
        slope = gradients.slope(self.score)
        self._compiled = gradients.compiled(lambda images, classes: slope(images, classes)[2])

    def explain(self, images: Images, classes: Labels) -> Maps:
        """Logits a level of brightness."""
        return steepest(self._gradient(images, classes))

    def _gradient(self, images: Images, classes: Labels) -> Images:
        """(N, H, W, C)."""
        return apply(self._compiled, images, classes)


class SmoothGrad(Gradient):
    """The mean of the gradients at `samples` copies of the face with Gaussian noise.

    Smilkov, Thorat, Kim, Viégas and Wattenberg: SmoothGrad: removing noise by adding noise (2017, arXiv:1706.03825).
    """

    default_samples = 50

    #: Standard deviation of the noise, of the face's range of brightness; the paper finds 0.1 to 0.2 best.
    spread: ClassVar[float] = 0.15

    def explain(self, images: Images, classes: Labels) -> Maps:
        """As `Gradient`. Noisy pixels may leave 0..255, which is nothing to the network."""
        rng = np.random.default_rng(self.seed)
        deviation = self.spread * (images.max((1, 2, 3), keepdims=True) - images.min((1, 2, 3), keepdims=True))
        total = np.zeros(images.shape)
        for _ in range(self.samples):
            noise = rng.standard_normal(images.shape[1:], np.float32)
            total += self._gradient(images + deviation * noise, classes)
        return steepest((total / self.samples).astype(np.float32))


class IntegratedGradients(Gradient):
    """What each pixel adds to the logit on the straight way to the face from its mean colour.

    Complete: a map's sum is the logit of the face less that of the mean colour, up to the error of the `samples`
    midpoints that stand for the integral.

    Sundararajan, Taly and Yan: Axiomatic Attribution for Deep Networks (ICML 2017, arXiv:1703.01365).
    """

    directional = False
    default_samples = 50

    def explain(self, images: Images, classes: Labels) -> Maps:
        """Logits, below 0 where a pixel lowers the class."""
        start = absent(images)
        total = np.zeros(images.shape)
        for step in range(self.samples):
            part = (step + 0.5) / self.samples
            total += self._gradient((start + part * (images - start)).astype(np.float32), classes)
        found: Maps = (total / self.samples * (images - start)).sum(-1).astype(np.float32)
        return found


def steepest(gradient: Images) -> Maps:
    """(N, H, W) of (N, H, W, C): at each pixel the channel of the greatest magnitude, with its sign."""
    channel = np.abs(gradient).argmax(-1)[..., None]
    found: Maps = np.take_along_axis(gradient, channel, -1)[..., 0]
    return found
