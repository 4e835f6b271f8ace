"""Another expression without training: the image itself is optimised until a classifier sees the wanted emotion.

What may change is a coarse plan of a face: where its parts move, and how much lighter or darker they become. A change
that must be smooth cannot be the noise that misleads a network, and it looks like a face.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from fer_cli import gradients
from fer_cli.analysis.translation.base import mask_of
from fer_cli.attacks.base import padded
from fer_cli.errors import UsageError
from fer_cli.gradients import Tensor
from fer_cli.models import LoadedModel, layer_output
from fer_cli.transform.adapt import adapt
from fer_cli.transform.crops import centre
from fer_cli.transform.illuminate import corrections

#: The layer whose features are to become those of the wanted emotion.
LAYER = "embedding"
#: Where an image is seen: moved by up to so many pixels, and mirrored at every second step.
_JITTER = 3
_TINY = 1e-6

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Weights:
    """What an optimisation minimises, and its limits.

    features: of ‖φ(x') - φ*‖² / ‖φ(x)‖², the inversion of features, beside the cross-entropy, whose weight is 1.
    smoothness: of the plan's mean squared differences between neighbours. identity: of the mean squared plan, so that
    what need not change stays. grid: cells of the plan across a face. shift: how far a part may move, as a part of the
    side. tone: by how many levels it may become lighter or darker. steps, rate: of Adam.
    """

    features: float = 3.0
    smoothness: float = 40.0
    identity: float = 4.0
    grid: int = 16
    shift: float = 0.08
    tone: float = 75.0
    steps: int = 50
    rate: float = 0.12


class Optimizer:
    """A translator for any network, by gradients of the network's answer by a plan of the change.

    The loss is the cross-entropy of the wanted distribution and, where `prototypes` are given, the distance of the
    features φ to φ* = φ(x) + Σₖ (cₖ - pₖ(x)) μₖ, as in deep feature interpolation: c is the wanted distribution, p the
    network's answer for the face as it is, and μₖ the mean features of class k.

    Mahendran and Vedaldi: Understanding deep image representations by inverting them (CVPR 2015, arXiv:1412.0035);
    Upchurch et al.: Deep feature interpolation for image content changes (CVPR 2017, arXiv:1611.05507); Xiao et al.:
    Spatially transformed adversarial examples (ICLR 2018, arXiv:1801.02612), for the plan of movements.

    prototypes: float32 (K, ...), of `prototypes`, or None. like: features (...) of a face whose expression is wanted,
    which then are φ*, or None. seed: of the views. Raises `UsageError` for a model that takes images of any size, or
    whose correction of light has no gradient.
    """

    def __init__(
        self,
        model: LoadedModel,
        prototypes: Floats | None = None,
        like: Floats | None = None,
        weights: Weights = Weights(),
        seed: int = 0,
    ) -> None:
        _check(model)
        self.class_names = model.class_names
        height, width = model.metadata.get("crop") or model.input_shape[:2]
        self.input_shape: tuple[int, int, int] = (height, width, model.input_shape[2])
        self._model, self._weights, self._seed = model, weights, seed
        self._prototypes, self._like = prototypes, like
        self._guided = prototypes is not None or like is not None
        if self._guided:
            # One pass gives both.
            self._features, self._head = gradients.split_at(model.network, layer_output(model.network, LAYER))
        else:
            self._features, self._head = gradients.logits_of(model.network), lambda logits: logits
        self._slope = gradients.compiled(gradients.slope(self._loss))
        self._render = gradients.compiled(self._changed)

    def translate(self, images: Pixels, conditions: Floats, strength: float = 1.0) -> tuple[Pixels, Floats]:
        """Faces uint8 (N, H, W, C) of the input shape with their plans carried out, times `strength`, and masks.

        conditions: float32 (N, K). The mask (N, H, W, 1) is the change itself: 1 where it is a tenth of the range.
        """
        rows = padded(np.arange(len(images)))
        faces = centre(images, self._model.input_shape[:2]).astype(np.float32)
        plan = self._optimize(faces[rows], conditions[rows])
        drawn = self._render(plan, gradients.as_tensor(faces[rows]), gradients.as_tensor(strength))
        moved = gradients.as_array(drawn)[: len(images)]
        change = np.zeros(images.shape, np.float32)
        top, left = ((whole - part) // 2 for whole, part in zip(images.shape[1:3], faces.shape[1:3], strict=True))
        change[:, top : top + faces.shape[1], left : left + faces.shape[2]] = moved - faces
        after = np.rint(np.clip(images + change, 0, 255)).astype(np.uint8)
        return after, mask_of(change)

    def _optimize(self, faces: Floats, conditions: Floats) -> Tensor:
        """The plans float32 (N, grid, grid, 2 + C)."""
        clean, wanted = gradients.as_tensor(faces), gradients.as_tensor(conditions)
        aim, unit = self._aim(clean, conditions)
        grid, rng = self._weights.grid, np.random.default_rng(self._seed)
        plan = keras.Variable(np.zeros((len(faces), grid, grid, 2 + faces.shape[3])), dtype="float32")
        optimizer = keras.optimizers.Adam(self._weights.rate)
        for step in range(self._weights.steps):
            corner = ops.convert_to_tensor(np.array([0, *rng.integers(0, 2 * _JITTER + 1, 2), 0]), "int32")
            mirrored = gradients.as_tensor(step % 2)
            _, _, gradient = self._slope(ops.convert_to_tensor(plan), clean, wanted, aim, unit, corner, mirrored)
            optimizer.apply([gradient], [plan])
        return ops.convert_to_tensor(plan)

    def _aim(self, clean: Tensor, conditions: Floats) -> tuple[Tensor, Tensor]:
        """φ* (N, ...) and ‖φ(x)‖² (N,), the unit of distances from it."""
        own = gradients.as_array(self._features(clean))
        aim = own
        if self._like is not None:
            aim = np.broadcast_to(self._like, own.shape)
        elif self._prototypes is not None:
            answers = gradients.as_array(ops.softmax(self._head(gradients.as_tensor(own))))
            aim = own + np.tensordot(conditions - answers, self._prototypes, axes=1)
        unit = np.square(own).reshape(len(own), -1).sum(1) + _TINY
        return gradients.as_tensor(aim), gradients.as_tensor(unit)

    def _loss(
        self, plan: Tensor, clean: Tensor, wanted: Tensor, aim: Tensor, unit: Tensor, corner: Tensor, mirrored: Tensor
    ) -> tuple[Tensor, None]:
        """What is to fall, (N,)."""
        weights = self._weights
        features = self._features(_view(self._changed(plan, clean), corner, mirrored))
        loss = keras.losses.categorical_crossentropy(wanted, self._head(features), from_logits=True)
        if self._guided:
            left = ops.reshape(ops.square(features - aim), (clean.shape[0], -1))
            loss = loss + weights.features * ops.sum(left, axis=1) / unit
        down, across = plan[:, 1:] - plan[:, :-1], plan[:, :, 1:] - plan[:, :, :-1]
        rough = ops.mean(ops.square(down), axis=(1, 2, 3)) + ops.mean(ops.square(across), axis=(1, 2, 3))
        return loss + weights.smoothness * rough + weights.identity * ops.mean(ops.square(plan), axis=(1, 2, 3)), None

    def _changed(self, plan: Tensor, clean: Tensor, strength: Tensor = 1.0) -> Tensor:
        """The images (N, H, W, C) with a plan carried out: parts moved, then made lighter or darker."""
        height, width = clean.shape[1:3]
        smooth = ops.image.resize(strength * ops.tanh(plan), (height, width), interpolation="bicubic")
        moved = _moved(
            clean, smooth[..., 0] * self._weights.shift * height, smooth[..., 1] * self._weights.shift * width
        )
        return ops.clip(moved + smooth[..., 2:] * self._weights.tone, 0.0, 255.0)


def prototypes(model: LoadedModel, images: Pixels, labels: npt.NDArray[np.integer]) -> Floats:
    """Mean features float32 (K, ...) of each class; that of all faces for a class of which there is none.

    images: uint8 (N, H, W, C) of any size. labels: (N,), in the order of the model's classes.
    """
    features = features_of(model, images)
    own = [features[labels == label] for label in range(len(model.class_names))]
    return np.stack([(part if len(part) else features).mean(0) for part in own])


def features_of(model: LoadedModel, images: Pixels, batch_size: int = 128) -> Floats:
    """Features float32 (N, ...) of faces uint8 (N, H, W, C) of any size, as the optimisation sees them."""
    _check(model)
    compute = gradients.compiled(_features_of(model))
    height, width = model.metadata.get("crop") or model.input_shape[:2]
    faces = centre(adapt(images, (height, width, model.input_shape[2])), model.input_shape[:2])
    blocks = (faces[start : start + batch_size] for start in range(0, len(faces), batch_size))
    return np.concatenate([gradients.as_array(compute(gradients.as_tensor(block))) for block in blocks])


def _check(model: LoadedModel) -> None:
    if None in model.input_shape:
        raise UsageError(f"{model.path}: an optimisation needs a network for images of a fixed size")
    if own := corrections(model.metadata.get("transforms", ())):
        raise UsageError(
            f"{model.path}: was trained on corrected light ({', '.join(own)}), which has no gradient to follow"
        )


def _features_of(model: LoadedModel) -> Callable[[Tensor], Tensor]:
    """The function of images (N, H, W, C) to features (N, ...)."""
    return gradients.split_at(model.network, layer_output(model.network, LAYER))[0]


def _view(images: Tensor, corner: Tensor, mirrored: Tensor) -> Tensor:
    """Images moved so that `corner` (0, y, x, 0) of the padded ones comes to the upper left, and mirrored for 1."""
    wide = ops.pad(images, ((0, 0), (_JITTER, _JITTER), (_JITTER, _JITTER), (0, 0)), mode="symmetric")
    view = ops.slice(wide, corner, images.shape)
    return mirrored * ops.flip(view, axis=2) + (1 - mirrored) * view


def _moved(images: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Images (N, H, W, C) in which each pixel shows what lies `down` and `across` (N, H, W) pixels from it."""
    count, height, width, channels = images.shape
    rows, columns = ops.reshape(ops.arange(height, dtype="float32"), (1, -1, 1)), ops.arange(width, dtype="float32")
    number = ops.reshape(ops.arange(count, dtype="float32"), (-1, 1, 1)) + ops.zeros((count, height, width))
    places = ops.stack([number, rows + down, columns + across])
    planes = [
        ops.image.map_coordinates(images[..., channel], places, order=1, fill_mode="nearest")
        for channel in range(channels)
    ]
    return ops.stack(planes, axis=-1)
