"""Class probabilities of one model for the images of a split, streamed, with test-time augmentation.

A model's file says which illumination corrections its training faces went through; images that have not get them here.
It also says when its input is a crop, and of images of which size; then images are brought to that size and cropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from fer_cli import catalog
from fer_cli.errors import InputError
from fer_cli.labels import class_order
from fer_cli.transform.adapt import adapt
from fer_cli.transform.crops import Size, centre
from fer_cli.transform.illuminate import corrections, illuminate

if TYPE_CHECKING:  # a classical model needs no Keras
    from fer_cli.models import Scorer

#: Images a block, by the memory that they take before and after they are brought to the network's input.
_BLOCK_BYTES = 64 << 20
#: How far a row of probabilities may be from 1: reduced precision rounds at 2^-9 in the worst case.
_SUM_TOLERANCE = 1e-2

Pixels = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]
#: Images, and the size of the views where the model says one.
Views = Callable[[Pixels, Size | None], Iterator[Pixels]]
#: What was applied to the pixels of a dataset, or of a model's training faces, as their files list it.
Transforms = Sequence[Mapping[str, Any]]


class Images(Protocol):
    """Images uint8 (N, H, W, C) that come in blocks: those of a dataset, or what is made of them on the way."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, H, W, C)."""

    def __len__(self) -> int: ...

    def blocks(self, size: int | None = None) -> Iterator[Pixels]:
        """All images in order, at most `size` at a time."""


def input_shape(model: Scorer, image_shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """(H, W, C) that the network gets: its own, and the images' where it takes any."""
    height, width, channels = (own or given for own, given in zip(model.input_shape, image_shape, strict=True))
    return height, width, channels


def whole_shape(model: Scorer, image_shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """(H, W, C) of the whole image of which the network gets all or, where the model's file says so, a crop.

    Raises `InputError` where what the file says cannot be.
    """
    shape, crop_of = input_shape(model, image_shape), model.metadata.get("crop")
    if crop_of is None:
        return shape
    sound = isinstance(crop_of, list) and len(crop_of) == 2 and all(isinstance(side, int) for side in crop_of)
    if not sound or crop_of[0] < shape[0] or crop_of[1] < shape[1]:
        raise InputError(
            f"{model.path}: crop: expected the height and width of images that hold the network's input of "
            f"{shape[0]}×{shape[1]}. Received: {crop_of}"
        )
    return crop_of[0], crop_of[1], shape[2]


def adaptation(model: Scorer, image_shape: tuple[int, int, int]) -> str | None:
    """How images of a shape (H, W, C) are brought to what the model knows: "48×48×1 to 64×64×1"; None: not at all."""
    shape = whole_shape(model, image_shape)
    return None if shape == image_shape else " to ".join("×".join(map(str, s)) for s in (image_shape, shape))


def fit_to_model(images: Pixels, model: Scorer, transforms: Transforms = ()) -> Pixels:
    """Images uint8 (N, h, w, c) as the model knows them: (N, H, W, C) of its input, with its illumination correction.

    A model of crops gets the centre. transforms: what was applied to the images already; no correction is applied
    twice. Raises as `missing_corrections` and `whole_shape`.
    """
    shape = input_shape(model, (images.shape[1], images.shape[2], images.shape[3]))
    return centre(_whole(images, model, transforms), shape[:2])


def _whole(images: Pixels, model: Scorer, transforms: Transforms) -> Pixels:
    """Images as the model knows them, before any crop."""
    missing = missing_corrections(model, transforms)
    images = adapt(images, whole_shape(model, (images.shape[1], images.shape[2], images.shape[3])))
    for method in missing:
        images = illuminate(images, method)
    return images


def missing_corrections(model: Scorer, transforms: Transforms = ()) -> tuple[str, ...]:
    """The illumination corrections of the model's training faces that are not among `transforms`, in their order.

    Raises `InputError` where the model names one that this version does not know.
    """
    have = corrections(transforms)
    missing = tuple(method for method in _own_corrections(model) if method not in have)
    for method in missing:
        if method not in catalog.ILLUMINATIONS:
            raise InputError(
                f"{model.path}: {catalog.unknown('illumination correction', method, catalog.ILLUMINATIONS)}"
            )
    return missing


def correction_warning(model: Scorer, transforms: Transforms, images: str) -> str | None:
    """One line where `images` (a file's name) have a correction that the model was not trained on, else None.

    A warning and no refusal: a correction cannot be undone, but what it costs is a fair question to ask of a model.
    """
    have, own = corrections(transforms), _own_corrections(model)
    if have == own[: len(have)]:
        return None
    trained = f"corrected by {', '.join(own)}" if own else "without that"
    return (
        f"{images}: the illumination of these images was corrected ({', '.join(have)}), which cannot be undone; "
        f"{model.path} was trained on images {trained}"
    )


def _own_corrections(model: Scorer) -> tuple[str, ...]:
    return corrections(model.metadata.get("transforms", ()))


def predict(
    model: Scorer,
    images: Images,
    transforms: Transforms,
    class_names: Sequence[str],
    views: Views,
    batch_size: int,
    advance: Callable[[int], None],
) -> Probabilities:
    """Probabilities float32 (N, K), columns in the order of `class_names`, the mean over all views of each image.

    Images of another size or number of channels than the network's input are adapted, block by block, never the whole
    split at once, and those without the model's illumination correction get it. The views of a model of crops have the
    size of its input. transforms: what was applied to the images before. advance: is called with the number of images
    just done. Raises `InputError` where the model's classes are not the same set, or its outputs are no probabilities.
    """
    order = class_order(class_names, model.class_names, str(model.path))
    shape = input_shape(model, images.shape[1:])
    image_bytes = max(int(np.prod(shape)), int(np.prod(images.shape[1:])))
    size = batch_size * max(1, _BLOCK_BYTES // (image_bytes * batch_size))
    crop = shape[:2] if "crop" in model.metadata else None
    # A correction sees the whole face in the network's size, as in training; without one, crops keep the detail.
    as_is = crop is None and not missing_corrections(model, transforms)
    out = np.empty((len(images), len(class_names)), np.float32)
    done = 0
    for block in images.blocks(size):
        faces = block if as_is else _whole(block, model, transforms)
        parts = [model.probabilities(adapt(view, shape), batch_size) for view in views(faces, crop)]
        out[done : done + len(block)] = checked(np.mean(parts, axis=0), model)
        done += len(block)
        advance(len(block))
    return out if order is None else out[:, order]


def checked(outputs: Probabilities, model: Scorer) -> Probabilities:
    """The outputs (N, K) of a model, `InputError` where they are no probabilities."""
    sums = outputs.sum(1)
    # Written so that NaN fails it too.
    if not (outputs.min() >= 0 and np.abs(sums - 1).max() <= _SUM_TOLERANCE):
        raise InputError(
            f"{model.path}: expected outputs that are probabilities (each row not negative, with sum 1). "
            f"Received: values from {outputs.min():.4g} to {outputs.max():.4g}, sums from {sums.min():.4g} to "
            f"{sums.max():.4g}; a last softmax may be missing"
        )
    return outputs
