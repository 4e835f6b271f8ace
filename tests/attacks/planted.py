"""A linear network whose nearest boundary is known exactly for every image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.attacks.base import Images, Labels, Victim
from fer_cli.labels import EMOTIONS
from tests.helpers import SIDE, place, planted_faces

CLASSES = len(EMOTIONS)


def linear_victim() -> Victim:
    """Logit k is the mean of the block of class k (`helpers.place`) in tenths of full brightness."""
    import keras

    inputs = keras.Input((SIDE, SIDE, 1))
    dense = keras.layers.Dense(CLASSES, name="logits")
    logits = dense(keras.layers.Flatten()(inputs))
    dense.set_weights([kernel().reshape(SIDE * SIDE, CLASSES), np.zeros(CLASSES, np.float32)])
    return Victim(keras.Model(inputs, keras.layers.Softmax()(logits)))


def kernel() -> npt.NDArray[np.float32]:
    """The weights (SIDE, SIDE, CLASSES)."""
    weights = np.zeros((SIDE, SIDE, CLASSES), np.float32)
    for label in range(CLASSES):
        block = weights[(*place(label), label)]
        block += 10 / 255 / block.size
    return weights


@dataclass(frozen=True)
class Planted:
    """Faces that the network names rightly. images: float32 (N, H, W, 1). labels: (N,)."""

    images: Images
    labels: Labels

    def distance(self, norm: str) -> npt.NDArray[np.float64]:
        """(N,): the exact distance to the nearest boundary, |margin| / ‖w‖ with the dual norm of `norm`."""
        weights = kernel().reshape(-1, CLASSES).astype(np.float64)
        logits = self.images.reshape(len(self.images), -1) @ weights
        found = np.full((len(self.images), CLASSES), np.inf)
        for row, label in enumerate(self.labels):
            for other in set(range(CLASSES)) - {int(label)}:
                across = weights[:, label] - weights[:, other]
                length = np.abs(across).sum() if norm == "inf" else np.sqrt((across**2).sum())
                found[row, other] = (logits[row, label] - logits[row, other]) / length
        return found.min(1)


def planted(count: int = 14, seed: int = 0) -> Planted:
    """`count` planted faces, the classes in turn."""
    labels = (np.arange(count) % CLASSES).astype(np.uint8)
    return Planted(planted_faces(labels, seed).astype(np.float32), labels.astype(np.intp))
