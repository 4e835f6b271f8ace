"""Class probabilities of one model for the images of a split, streamed, with test-time augmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError
from fer_cli.labels import class_order
from fer_cli.models import LoadedModel
from fer_cli.store.reader import ImageRows
from fer_cli.transform.adapt import adapt

#: Images a block, by the memory that they take before and after they are brought to the network's input.
_BLOCK_BYTES = 64 << 20
#: How far a row of probabilities may be from 1: reduced precision rounds at 2^-9 in the worst case.
_SUM_TOLERANCE = 1e-2

Pixels = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]
Views = Callable[[Pixels], Iterator[Pixels]]


def input_shape(model: LoadedModel, image_shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """(H, W, C) that the network gets: its own, and the images' where it takes any."""
    height, width, channels = (own or given for own, given in zip(model.input_shape, image_shape, strict=True))
    return height, width, channels


def predict(
    model: LoadedModel,
    images: ImageRows,
    class_names: Sequence[str],
    views: Views,
    batch_size: int,
    advance: Callable[[int], None],
) -> Probabilities:
    """Probabilities float32 (N, K), columns in the order of `class_names`, the mean over all views of each image.

    Images of another size or number of channels than the network's input are adapted, block by block, never the whole
    split at once. advance: is called with the number of images just done.
    Raises `InputError` where the model's classes are not the same set, or its outputs are no probabilities.
    """
    order = class_order(class_names, model.class_names, str(model.path))
    shape = input_shape(model, images.shape[1:])
    image_bytes = max(int(np.prod(shape)), int(np.prod(images.shape[1:])))
    size = batch_size * max(1, _BLOCK_BYTES // (image_bytes * batch_size))
    out = np.empty((len(images), len(class_names)), np.float32)
    done = 0
    for block in images.blocks(size):
        parts = [model.probabilities(adapt(view, shape), batch_size) for view in views(block)]
        out[done : done + len(block)] = _checked(np.mean(parts, axis=0), model)
        done += len(block)
        advance(len(block))
    return out if order is None else out[:, order]


def _checked(outputs: Probabilities, model: LoadedModel) -> Probabilities:
    sums = outputs.sum(1)
    # Written so that NaN fails it too.
    if not (outputs.min() >= 0 and np.abs(sums - 1).max() <= _SUM_TOLERANCE):
        raise InputError(
            f"{model.path}: expected outputs that are probabilities (each row not negative, with sum 1). "
            f"Received: values from {outputs.min():.4g} to {outputs.max():.4g}, sums from {sums.min():.4g} to "
            f"{sums.max():.4g}; a last softmax may be missing"
        )
    return outputs
