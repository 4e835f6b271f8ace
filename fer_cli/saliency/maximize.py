"""Images that excite a class: gradient ascent on a logit from noise, held to what could be seen in a photograph.

Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks", 2013, arXiv:1312.6034 (the idea, and decay);
Mahendran and Vedaldi, "Understanding deep image representations by inverting them", CVPR 2015 (total variation); Olah,
Mordvintsev and Schubert, "Feature visualization", Distill 2017 (jitter and other small changes that the image has to
outlast, and steps in which all sizes of structure have the power that they have in photographs).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from fer_cli import gradients

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

STEPS = 128
#: Mid-grey, where the ascent starts and to where it decays, and the noise of the start, in levels.
_GREY, _NOISE = 127.5, 8.0


@dataclass(frozen=True)
class Regularisation:
    """What keeps an image from becoming noise that only a network understands.

    rate: levels that a pixel moves a step, in the root mean square over the image. jitter: pixels by which the image is
    shifted at most, before each step. mirror: whether it is mirrored every other step on average. variation: weight of
    the total variation against the logit. decay: the part of its distance from grey that a pixel loses a step.
    """

    rate: float = 6.0
    jitter: int = 3
    mirror: bool = True
    variation: float = 0.1
    decay: float = 0.01


USUAL = Regularisation()


def maximize(
    network: keras.Model,
    logit: int,
    seed: int = 0,
    steps: int = STEPS,
    regularisation: Regularisation = USUAL,
    advance: Callable[[int], None] = lambda _: None,
) -> Pixels:
    """An image uint8 (H, W, C) of the network's input size that excites a logit; see `maximize_each`."""
    image: Pixels = maximize_each(network, [logit], seed, steps, regularisation, advance)[0]
    return image


def maximize_each(
    network: keras.Model,
    logits: Sequence[int],
    seed: int = 0,
    steps: int = STEPS,
    regularisation: Regularisation = USUAL,
    advance: Callable[[int], None] = lambda _: None,
) -> Pixels:
    """Images uint8 (n, H, W, C) of the network's input size, one a logit (indices of its outputs), found together.

    Each starts with the same noise, and has the same shifts, whatever the others are. advance: is called after each
    step with 1.
    """
    rng = np.random.default_rng(seed)
    start = rng.normal(_GREY, _NOISE, network.input_shape[1:])
    images = np.repeat(start[None], len(logits), axis=0).astype(np.float32)
    ascent, wanted = _ascent(network), np.asarray(logits, np.int32)
    for _ in range(steps):
        shift, mirrored = _draw(rng, regularisation)
        gradient = _undo(ascent(_do(images, shift, mirrored), wanted), shift, mirrored)
        images += regularisation.rate * (_unit(_natural(gradient)) - regularisation.variation * _roughness(images))
        images += regularisation.decay * (_GREY - images)
        np.clip(images, 0, 255, out=images)
        advance(1)
    found: Pixels = np.rint(images).astype(np.uint8)
    return found


def _ascent(network: keras.Model) -> Callable[[Floats, npt.NDArray[np.int32]], Floats]:
    """The gradient of a logit by its image, for each row."""
    outputs = gradients.logits_of(network)

    def excitement(images: Any, wanted: Any) -> tuple[Any, None]:
        return ops.take_along_axis(outputs(images), wanted[:, None], axis=1)[:, 0], None

    slope = gradients.compiled(gradients.slope(excitement))
    return lambda images, wanted: gradients.as_array(
        slope(gradients.as_tensor(images), ops.convert_to_tensor(wanted))[2]
    )


def _draw(rng: np.random.Generator, how: Regularisation) -> tuple[tuple[int, int], bool]:
    down, right = rng.integers(-how.jitter, how.jitter + 1, 2)
    return (int(down), int(right)), bool(how.mirror and rng.random() < 0.5)


def _do(images: Floats, shift: tuple[int, int], mirrored: bool) -> Floats:
    moved = np.roll(images, shift, (1, 2))
    return np.ascontiguousarray(moved[:, :, ::-1]) if mirrored else moved


def _undo(images: Floats, shift: tuple[int, int], mirrored: bool) -> Floats:
    back = images[:, :, ::-1] if mirrored else images
    return np.roll(back, (-shift[0], -shift[1]), (1, 2))


def _natural(gradient: Floats) -> Floats:
    """The gradient with each frequency f divided by f, as amplitudes fall in photographs; else the finest ones win."""
    height, width = gradient.shape[1:3]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    scale = 1 / np.maximum(frequency, 1 / max(height, width))
    spectrum = np.fft.rfft2(gradient, axes=(1, 2)) * scale[None, :, :, None]
    return np.asarray(np.fft.irfft2(spectrum, (height, width), axes=(1, 2)), np.float32)


def _unit(gradient: Floats) -> Floats:
    """Each row scaled to a root mean square of 1, so that a step is as long for a timid network as for a bold one."""
    size = np.sqrt(np.mean(gradient**2, axis=(1, 2, 3), keepdims=True))
    unit: Floats = gradient / np.maximum(size, np.finfo(np.float32).tiny)
    return unit


def _roughness(images: Floats) -> Floats:
    """The gradient of the total variation Σ √(dx² + dy² + 1), which is about the length of all edges."""
    down, right = np.zeros_like(images), np.zeros_like(images)
    down[:, :-1], right[:, :, :-1] = np.diff(images, axis=1), np.diff(images, axis=2)
    length = np.sqrt(down**2 + right**2 + 1)
    down, right = down / length, right / length
    out: Floats = -down - right
    out[:, 1:] += down[:, :-1]
    out[:, :, 1:] += right[:, :, :-1]
    return out
