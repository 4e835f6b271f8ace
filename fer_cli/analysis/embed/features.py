"""Features of a layer and class probabilities of the same faces, in one streamed pass of a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from fer_cli import models
from fer_cli.analysis.predict import Transforms, checked, fit_to_model
from fer_cli.errors import InputError, UsageError
from fer_cli.labels import class_order
from fer_cli.models import LoadedModel
from fer_cli.store.reader import MEMORY_BUDGET, ImageRows

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Features:
    """What a network makes of N faces.

    values: float32 (N, D), finite, not all rows alike. probabilities: float32 (N, K), columns in the order of the
    dataset's classes. averaged: whether each value is a mean over the places of a spatial layer.
    """

    layer: str
    values: Floats
    probabilities: Floats
    averaged: bool


class Extractor:
    """The network up to a layer, and to its end.

    A layer with places (H, W, C) gives the mean of each channel, or with `flatten` all its numbers. Raises `UsageError`
    for a layer that is not there, `InputError` for one of no fixed size.
    """

    def __init__(self, model: LoadedModel, layer: str, flatten: bool = False) -> None:
        self._model, self._layer = model, layer
        output = models.layer_output(model.network, layer)
        spatial = tuple(range(1, len(output.shape) - 1))
        self.averaged = bool(spatial) and not flatten
        if self.averaged:
            output = keras.ops.mean(output, axis=spatial)
        if None in output.shape[1:]:
            raise InputError(
                f"{model.path}: layer {layer!r}: expected an output of a fixed size. Received: {output.shape}"
            )
        #: D: how many features a face has.
        self.width = int(np.prod(output.shape[1:]))
        self._network = keras.Model(model.network.input, [output, model.network.output])

    def stream(
        self,
        images: ImageRows,
        rows: Rows,
        class_names: Sequence[str],
        transforms: Transforms,
        batch_size: int,
        advance: Callable[[int], None],
    ) -> Features:
        """Features of these rows of `images`, which are brought to the network's input batch by batch.

        rows: (N,). transforms: what was applied to the images already. advance: is called with the number of images
        just done. Raises `UsageError` where the features are more than is kept in memory, `InputError` where the
        classes do not match or the features cannot be told apart.
        """
        self._check_size(len(rows))
        order = class_order(class_names, self._model.class_names, str(self._model.path))
        values = np.empty((len(rows), self.width), np.float32)
        probabilities = np.empty((len(rows), len(class_names)), np.float32)
        for start in range(0, len(rows), batch_size):
            some = slice(start, start + batch_size)
            faces = fit_to_model(images.take(rows[some]), self._model, transforms)
            # One compiled pass; `predict` would set up its input pipeline anew for each batch.
            found, answers = (np.asarray(out, np.float32) for out in self._network.predict_on_batch(faces))
            values[some] = found.reshape(len(found), self.width)
            probabilities[some] = checked(answers, self._model)
            advance(len(found))
        self._check_values(values)
        return Features(self._layer, values, probabilities if order is None else probabilities[:, order], self.averaged)

    def _check_size(self, count: int) -> None:
        size = 4 * count * self.width
        if size > MEMORY_BUDGET:
            raise UsageError(
                f"layer {self._layer!r}: {count:,} faces with {self.width:,} features take {size / 2**30:.1f} GiB, "
                f"more than {MEMORY_BUDGET / 2**30:.0f} GiB: take fewer faces by --limit, or means, without --flatten"
            )

    def _check_values(self, values: Floats) -> None:
        name = f"{self._model.path}: layer {self._layer!r}"
        if not np.isfinite(values).all():
            raise InputError(f"{name} gives numbers that are not finite")
        if not np.ptp(values, axis=0).any():
            raise InputError(f"{name} gives the same {self.width:,} numbers for all {len(values):,} faces")
