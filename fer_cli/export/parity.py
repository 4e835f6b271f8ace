"""Does an exported file answer as the network does, and how fast?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from fer_cli import gradients
from fer_cli.models import LoadedModel, Scorer

#: The largest difference of a probability that rounding in another order explains.
TOLERANCE = 1e-3
_WARM_UP, _CALLS = 5, 50

Images = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Parity:
    """How the answers of two forms of a network differ on the same n rows.

    largest_difference: of a probability, 0..1. same_class: how many rows get the same class. accuracy: of the network
    and of the file.
    """

    n: int
    largest_difference: float
    same_class: int
    accuracy: tuple[float, float]

    @property
    def exact(self) -> bool:
        """Whether all differences are rounding."""
        return self.largest_difference <= TOLERANCE


def compare(network: Probabilities, exported: Probabilities, labels: npt.NDArray[np.integer]) -> Parity:
    """Probabilities (N, K) of the network and of the exported file for rows of these labels (N,)."""
    first, second = network.argmax(1), exported.argmax(1)
    return Parity(
        n=len(labels),
        # A file that answers NaN differs by NaN, which is not within any tolerance.
        largest_difference=float(np.abs(network - exported).max()),
        same_class=int((first == second).sum()),
        accuracy=(float((first == labels).mean()), float((second == labels).mean())),
    )


def latencies(answers: Sequence[Callable[[Images], object]], image: Images) -> list[float]:
    """Median milliseconds of a call of each for one image float32 (1, H, W, C), after some to warm up.

    They take turns, so that what else the machine does slows all alike.
    """
    times: list[list[float]] = [[] for _ in answers]
    for _ in range(_WARM_UP + _CALLS):
        for answer, own in zip(answers, times, strict=True):
            started = time.perf_counter()
            answer(image)
            own.append(time.perf_counter() - started)
    return [float(np.median(own[_WARM_UP:])) * 1e3 for own in times]


def compiled_call(network: keras.Model) -> Callable[[Images], object]:
    """The network as one compiled call, which is the fastest that Keras has for one image."""
    call = gradients.compiled(lambda images: network(images, training=False))
    return lambda images: gradients.as_array(call(gradients.as_tensor(images)))


def scorer_call(model: Scorer) -> Callable[[Images], object]:
    """An exported file's answer; that of a network, compiled as the original is."""
    return (
        compiled_call(model.network)
        if isinstance(model, LoadedModel)
        else lambda images: model.probabilities(images, 1)
    )
