"""What all saliency methods share: the network and the score that they explain, and the way through a long list.

A method sees float32 images (N, H, W, C) in 0..255, as the network's input has them, and says for each pixel how much
it has to do with the score of a class. What it finds is a property of the network, right or wrong, and not of the face.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from fer_cli import gradients
from fer_cli.gradients import Tensor

Images = npt.NDArray[np.float32]
Maps = npt.NDArray[np.float32]
Labels = npt.NDArray[np.intp]

#: Numbers in the images of one batch at most: 8 faces of 224×224 in colour.
_BATCH_NUMBERS = 2**21
#: Faces, or hidden views of a face, of one batch at most.
_BATCH_ROWS = 64
#: Rows of a batch at least that a compiled function sees.
_BATCH_LEAST = 4


class Method(ABC):
    """Template of a saliency method: a subclass explains a batch; batches are cut here.

    network: as a model file has it; it stays as it is. Where its weights change, a method must be made anew.
    seed: fixes what is drawn, which is the same for all faces, so that a map depends on its face alone.
    layer: whose maps a CAM weighs, by default the last that shows places; nothing to other methods.
    samples: gradients or hidden views a face, of a method that takes many (`default_samples` above 1).
    Raises `UsageError` for a network that the method cannot explain.

    signed: whether maps have values below 0. directional: whether the sign says that a pixel should be brighter or
    darker for the class, as a gradient's does, instead of speaking for or against the class. looks_at_layer: whether
    `layer` means anything to it.
    """

    signed: ClassVar[bool] = True
    directional: ClassVar[bool] = False
    looks_at_layer: ClassVar[bool] = False
    default_samples: ClassVar[int] = 1

    def __init__(
        self, network: keras.Model, seed: int = 0, layer: str | None = None, samples: int | None = None
    ) -> None:
        self.network, self.seed, self.layer = network, seed, layer
        self.samples = samples if samples and self.default_samples > 1 else self.default_samples
        self.logits = gradients.logits_of(network)
        height, width, channels = network.input_shape[1:]
        self.batch_size = max(1, min(_BATCH_ROWS, _power_of_two(_BATCH_NUMBERS // (height * width * channels))))

    @abstractmethod
    def explain(self, images: Images, classes: Labels) -> Maps:
        """The maps of one batch; see `maps`."""

    def maps(self, images: Images, classes: Labels) -> Maps:
        """float32 (N, H, W): what each pixel has to do with the score of the class of its row.

        images: float32 (N, H, W, C) in 0..255. classes (N,): numbers of the logits to explain. A row's map does not
        depend on the other rows.
        """
        found = [np.zeros((0, *images.shape[1:3]), np.float32)]
        for start in range(0, len(images), self.batch_size):
            batch = slice(start, start + self.batch_size)
            found.append(self.explain(np.asarray(images[batch], np.float32), np.asarray(classes[batch])))
        return np.concatenate(found)

    @classmethod
    def strength(cls, maps: Maps) -> Maps:
        """(N, H, W): how much each pixel speaks for the class, the order in which pixels matter; below 0 against it."""
        return np.abs(maps) if cls.directional else maps

    def score(self, images: Tensor, classes: Tensor) -> tuple[Tensor, None]:
        """(N,): the logit of the class of each row, to stand in `gradients.slope`.

        Not its probability, whose gradient is mostly that of the other classes where the network is certain.
        """
        return pick(self.logits(images), classes), None


def pick(values: Tensor, classes: Tensor) -> Tensor:
    """(N,): of each row of (N, K) the value of its class."""
    return ops.take_along_axis(values, classes[:, None], axis=1)[:, 0]


def absent(images: Images) -> Images:
    """(N, 1, 1, C): the mean colour of each face, what a pixel shows that is taken away.

    Black, which many papers take, is what eyes, brows and an open mouth are made of: taken for nothing they could not
    count, and put into a face they would be evidence.
    """
    mean: Images = images.mean((1, 2), keepdims=True)
    return mean


def apply(function: Callable[[Tensor, Tensor], Tensor], images: Images, classes: Labels) -> npt.NDArray[np.float32]:
    """A compiled function of a batch, row by row; it is compiled for few numbers of rows, to which this fills up."""
    rows = np.resize(np.arange(len(images)), max(_BATCH_LEAST, 2 * _power_of_two(len(images) - 1)))
    tensors = gradients.as_tensor(images[rows]), ops.convert_to_tensor(classes[rows], "int32")
    values: npt.NDArray[np.float32] = gradients.as_array(function(*tensors))[: len(images)]
    return values


def _power_of_two(count: int) -> int:
    """The largest that is not above `count`; 0 of 0."""
    return 1 << (count.bit_length() - 1) if count > 0 else 0
