"""The rows that a network is attacked with: chosen, brought to its input, with what is wanted of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from fer_cli import catalog
from fer_cli.analysis.attack.plan import Settings
from fer_cli.analysis.predict import fit_to_model
from fer_cli.attacks.base import Aim, Images, Labels
from fer_cli.datasets.select import limit_rows
from fer_cli.errors import InputError, UsageError
from fer_cli.labels import SPLITS, canonical, class_order
from fer_cli.models import LoadedModel
from fer_cli.store.reader import Dataset

#: Rows, at most, from which an attack that learns does so.
LEARNING_ROWS = 1000

Indices = npt.NDArray[np.intp]


class Rows:
    """N rows of a split, as a network sees them.

    target: index of the class that they are to be taken for, of which no row is among them, or None. index: (N,)
    within the split. labels: (N,) in the dataset's order of classes. learns_from: the split from whose rows an attack
    that learns does so, which are those under attack only where there are no others.
    Raises `InputError` for classes that do not match and where no row is left, `UsageError` for an unknown target.
    """

    def __init__(self, dataset: Dataset, split: str, network: LoadedModel, settings: Settings) -> None:
        self.dataset, self.split, self.network, self.settings = dataset, split, network, settings
        self.target = _target(settings.target, dataset.class_names)
        self.images = dataset.images(split)
        self.index = self._chosen(dataset.labels(split))
        self.labels: Labels = dataset.labels(split)[self.index].astype(np.intp)
        self.learns_from = "train" if dataset.count("train") else split
        order = class_order(dataset.class_names, network.class_names, str(network.path))
        self._codes = np.arange(len(dataset.class_names)) if order is None else np.asarray(order, np.intp)

    def __len__(self) -> int:
        return len(self.index)

    def batches(self, rows: Indices | None = None) -> Iterator[tuple[Indices, Images]]:
        """Which of the N (all by default), and their images float32 (n, H, W, C) in 0..255 of the network's input."""
        rows = np.arange(len(self)) if rows is None else rows
        for start in range(0, len(rows), self.settings.batch_size):
            some = rows[start : start + self.settings.batch_size]
            yield some, self._fit(self.images.take(self.index[some]))

    def aim(self, rows: Indices) -> Aim:
        """What is wanted of the network for these of the N, in its own order of classes."""
        return self._aim(self.labels[rows])

    def lesson(self) -> tuple[Images, Aim]:
        """Rows for an attack to learn from, `LEARNING_ROWS` at most, and what it is to want of them."""
        rows, images = self.index[:LEARNING_ROWS], self.images
        if self.learns_from != self.split:
            images = self.dataset.images(self.learns_from)
            rows = np.sort(np.random.default_rng(self.settings.seed).permutation(len(images))[:LEARNING_ROWS])
        labels = self.dataset.labels(self.learns_from)[rows].astype(np.intp)
        return self._fit(images.take(rows)), self._aim(labels)

    def _chosen(self, labels: npt.NDArray[np.uint8]) -> Indices:
        chosen = labels != self.target
        if self.settings.limit is not None:
            codes = np.full(len(labels), SPLITS.index(self.split), np.uint8)
            chosen &= limit_rows(labels, codes, self.settings.limit, self.settings.seed)
        if not chosen.any():
            raise InputError(f"{self.dataset.path}: expected {self.split} rows to attack. Received: none")
        return np.flatnonzero(chosen)

    def _aim(self, labels: Labels) -> Aim:
        wanted = labels if self.target is None else np.full_like(labels, self.target)
        return Aim(self._codes[wanted], self.target is not None)

    def _fit(self, images: npt.NDArray[np.uint8]) -> Images:
        return fit_to_model(images, self.network, self.dataset.transforms).astype(np.float32)


def _target(name: str | None, class_names: Sequence[str]) -> int | None:
    if name is None:
        return None
    known = canonical(name)
    if known not in class_names:
        raise UsageError(f"--target: {catalog.unknown('class', known, class_names)}")
    return list(class_names).index(known)
