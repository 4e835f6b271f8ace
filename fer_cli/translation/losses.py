"""The terms that generator and discriminator minimise. Everything is in keras.ops, for any backend."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

Tensor = Any

#: Half the range of levels: pixels are compared on the scale -1..1 of the papers.
_HALF = 127.5
#: Keeps the direction of an embedding of nothing finite.
_TINY = 1e-6
#: What a discriminator is to say of a patch of a real face, and of a translated one.
REAL, MADE = 1.0, 0.0


class PixelDistance(keras.losses.Loss):
    """Mean absolute difference of images (N, H, W, C) of 0..255, on the scale -1..1, an image at a time: (N,)."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """To losses (N,)."""
        return ops.mean(ops.abs(ops.cast(y_true, y_pred.dtype) - y_pred), axis=(1, 2, 3)) / _HALF


class Realness(keras.losses.Loss):
    """Mean squared difference of patch scores (N, h, w, 1) from `REAL` or `MADE`, an image at a time: (N,).

    Mao et al.: Least Squares Generative Adversarial Networks (ICCV 2017, arXiv:1611.04076).
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """To losses (N,); y_true: (N, 1), what each image is to be taken for."""
        return ops.mean(ops.square(y_pred - y_true[:, None, None, :]), axis=(1, 2, 3))


class PersonDistance(keras.losses.Loss):
    """1 - cosine of a face's embedding and its translation's (N, 2, D), a pair at a time: (N,), 0 where they agree.

    Of the embeddings of a frozen network that tells persons apart, as in Richardson et al.: Encoding in Style (CVPR
    2021, arXiv:2008.00951), section 3.2, with ArcFace; Bao et al.: Towards Open-Set Identity Preserving Face Synthesis
    (CVPR 2018, arXiv:1803.11182) have the squared distance.
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """To losses (N,), whatever y_true is."""
        directions = ops.normalize(y_pred, axis=-1, epsilon=_TINY)
        return 1 - ops.sum(directions[:, 0] * directions[:, 1], axis=-1)


class Openness(keras.losses.Loss):
    """The mean of a mask (N, H, W, 1), an image at a time: (N,).

    Pumarola et al.: GANimation (ECCV 2018, arXiv:1807.09251): without it the mask opens everywhere.
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """To losses (N,), whatever y_true is."""
        return ops.mean(y_pred, axis=(1, 2, 3))


class Roughness(keras.losses.Loss):
    """Total variation of a change (N, H, W, C) of levels, a pixel, on the scale -1..1, an image at a time: (N,).

    GANimation has it of the mask, which there blends two faces; here the mask scales a change, and the change counts.
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """To losses (N,), whatever y_true is."""
        down = ops.mean(ops.abs(y_pred[:, 1:] - y_pred[:, :-1]), axis=(1, 2, 3))
        right = ops.mean(ops.abs(y_pred[:, :, 1:] - y_pred[:, :, :-1]), axis=(1, 2, 3))
        return (down + right) / _HALF
