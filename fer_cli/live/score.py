"""Class probabilities of a few faces at once, in one compiled call: fast enough for every frame of a camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.predict import checked, fit_to_model
from fer_cli.transform.adapt import adapt_one

if TYPE_CHECKING:  # a classical model needs no Keras
    from fer_cli.models import Scorer

Pixels = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]

#: Side in pixels of the faces that a network gets which takes any size.
_SIDE = 64
#: Faces a call.
_MOST = 256


class FaceScorer:
    """Scores faces of any sizes with a network, or with any other `models.Scorer` in its own way.

    A network is compiled once for each power of two, to which the number of faces is filled up: `predict` would set up
    a pipeline at each call, which takes a hundred times as long as a small network does.
    steady: it will be called for minutes, frame after frame, so that a longer compilation pays.
    """

    def __init__(self, model: Scorer, steady: bool = False) -> None:
        self._model = model
        network = getattr(model, "network", None)
        self._run = model.probabilities if network is None else _compiled(network, steady)

    def __call__(self, faces: Sequence[Pixels]) -> Probabilities:
        """Probabilities float32 (N, K) of N ≥ 1 faces uint8 (h, w, 1 or 3), each brought to what the model knows.

        Raises `InputError` where the model's outputs are no probabilities.
        """
        images = np.concatenate([fit_to_model(self._sized(face)[None], self._model) for face in faces])
        parts = [self._run(images[start : start + _MOST]) for start in range(0, len(images), _MOST)]
        return checked(np.concatenate(parts), self._model)

    def _sized(self, face: Pixels) -> Pixels:
        """A face of a fixed size where the network names none, so that faces can be stacked."""
        height, width, channels = self._model.input_shape
        if height and width:
            return face
        return adapt_one(face, (height or _SIDE, width or _SIDE, channels or face.shape[2]))


def crop_settings(model: Scorer) -> tuple[float, bool]:
    """Margin and alignment of the crops that a model was trained on; none and alignment where its file does not say."""
    for step in model.metadata.get("transforms", ()):
        if step.get("name") == "crop":
            return float(step.get("margin", 0.0)), bool(step.get("align", True))
    return 0.0, True


def _compiled(network: Any, steady: bool) -> Callable[[Pixels], Probabilities]:
    from keras import ops

    from fer_cli import gradients

    def answers(images: Any) -> Any:
        return ops.cast(network(images, training=False), "float32")

    once = gradients.compiled(answers)
    run = gradients.steady(answers) if steady else lambda batch: gradients.as_array(once(gradients.as_tensor(batch)))

    def score(images: Pixels) -> Probabilities:
        count = len(images)
        batch = np.zeros((1 << (count - 1).bit_length(), *images.shape[1:]), np.float32)
        batch[:count] = images
        found: Probabilities = run(batch)[:count]
        return found

    return score
