"""The mean map of each class over many faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.predict import fit_to_model
from fer_cli.analysis.saliency.explain import Methods, masses
from fer_cli.analysis.saliency.subjects import Advance, Indices
from fer_cli.models import LoadedModel
from fer_cli.store.reader import Dataset

Floats = npt.NDArray[np.float64]
_BLOCK = 256


@dataclass(frozen=True)
class ClassMeans:
    """What the network looks at on average when it names a class.

    counts: (K,) faces that were given the class by the network. faces: (K, H, W, C) their mean, 0..255. maps: method ->
    (K, H, W), the mean of each face's map, which has sum 1; 0 where there is no face.
    """

    class_names: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    faces: Floats
    maps: Mapping[str, Floats]

    def results(self) -> dict[str, Any]:
        """How many faces stand behind the means, JSON-able."""
        counts = dict(zip(self.class_names, self.counts.tolist(), strict=True))
        return {"n": int(self.counts.sum()), "predicted": counts}

    def write(self, path: Path) -> None:
        """All means as arrays, without pickles: class_names, counts, faces, and each method's maps by its name."""
        names = np.array(self.class_names)
        np.savez_compressed(
            path, allow_pickle=False, class_names=names, counts=self.counts, faces=self.faces, **self.maps
        )


def class_means(
    model: LoadedModel,
    methods: Methods,
    dataset: Dataset,
    split: str,
    rows: Indices,
    advance: Advance = lambda _: None,
) -> ClassMeans:
    """The means over `rows` of a split, block by block; each face stands with the class that the network names it.

    advance: called with the number of maps just made, rows × methods in all.
    """
    count, (height, width, channels) = len(model.class_names), model.network.input_shape[1:]
    counts, faces = np.zeros(count, np.int64), np.zeros((count, height, width, channels))
    sums = {name: np.zeros((count, height, width)) for name in methods.found}
    for start in range(0, len(rows), _BLOCK):
        images = fit_to_model(dataset.images(split).take(rows[start : start + _BLOCK]), model, dataset.transforms)
        named = model.probabilities(images).argmax(1)
        counts += np.bincount(named, minlength=count)
        np.add.at(faces, named, images)
        for name, strengths in methods.strengths(methods.maps(images, named, advance)).items():
            np.add.at(sums[name], named, masses(strengths))
    many = np.maximum(counts, 1)
    means = {name: total / many[:, None, None] for name, total in sums.items()}
    return ClassMeans(model.class_names, counts, faces / many[:, None, None, None], means)
