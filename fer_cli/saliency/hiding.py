"""What methods share that hide parts of a face and look what becomes of the probability of the class."""

from __future__ import annotations

from abc import abstractmethod

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from fer_cli import gradients
from fer_cli.gradients import Tensor
from fer_cli.saliency.base import Images, Labels, Maps, Method

#: float32 (M, H, W), 1 where a pixel is seen and 0 where it is hidden.
Masks = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float32]


class Hiding(Method):
    """Template: a subclass explains one face by probabilities of views of it. No gradient is taken."""

    def __init__(
        self, network: keras.Model, seed: int = 0, layer: str | None = None, samples: int | None = None
    ) -> None:
        super().__init__(network, seed, layer, samples)
        self._look = gradients.compiled(self._softmax)

    @abstractmethod
    def explain_face(self, image: Images, label: int) -> Maps:
        """(H, W) of one face (H, W, C)."""

    def explain(self, images: Images, classes: Labels) -> Maps:
        """Changes of the probability."""
        return np.stack([self.explain_face(image, int(label)) for image, label in zip(images, classes, strict=True)])

    def seen(self, image: Images, filling: Images, masks: Masks, label: int) -> Floats:
        """float32 (M,): the probability of class `label` in each view of the face.

        filling: what hidden pixels show, (H, W, C) or what broadcasts to it.
        """
        face, behind = gradients.as_tensor(image), gradients.as_tensor(np.broadcast_to(filling, image.shape))
        found = []
        for start in range(0, len(masks), self.batch_size):
            some = masks[start : start + self.batch_size]
            # Filled up to a whole batch, since another number of rows would be compiled anew.
            some = np.concatenate([some, np.zeros((self.batch_size - len(some), *some.shape[1:]), np.float32)])
            found.append(gradients.as_array(self._look(face, behind, gradients.as_tensor(some)))[:, label])
        probabilities: Floats = np.concatenate(found)[: len(masks)]
        return probabilities

    def _softmax(self, face: Tensor, behind: Tensor, masks: Tensor) -> Tensor:
        return ops.softmax(self.logits(behind + masks[..., None] * (face - behind)), axis=-1)
