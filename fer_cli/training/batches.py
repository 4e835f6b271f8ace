"""Training batches from uint8 rows: drawn, augmented and mixed on background threads while the network computes."""

from __future__ import annotations

import functools
import itertools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from fer_cli.store.reader import ImageRows
from fer_cli.transform.augment import augment
from fer_cli.transform.policy import Policy

#: Images uint8 (B, H, W, C), targets float32 (B, K), sample weights float32 (B,).
Batch = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], npt.NDArray[np.float32]]

#: OpenCV frees the interpreter lock, so two threads do prepare two batches at once.
_WORKERS = 2
#: Batches ready or in the making; more would only hold memory.
_AHEAD = 4


class TrainingBatches:
    """Shuffled batches of an endless run of epochs.

    Batch (epoch, step) depends on the seed and on these two numbers alone, so a resumed run sees what an unbroken one
    would have seen, whichever thread makes it. Every epoch leaves out the rows that do not fill a batch, other rows
    each time.
    """

    def __init__(
        self,
        images: ImageRows,
        targets: npt.NDArray[np.float32],
        rows: npt.NDArray[np.intp],
        *,
        batch_size: int,
        policy: Policy,
        mixup: float = 0.0,
        class_weights: npt.NDArray[np.float32] | None = None,
        seed: int = 0,
    ) -> None:
        """Take batches from `rows` of `images`.

        targets: float32 (N, K), distributions over the classes, of all images. mixup: alpha, 0 for none.
        class_weights: float32 (K,), or None for equal ones.
        """
        self._images, self._targets, self._rows = images, targets, rows
        self._batch_size = min(batch_size, len(rows))
        self._policy, self._mixup, self._seed = policy, mixup, seed
        self._weights = np.ones(targets.shape[1], np.float32) if class_weights is None else class_weights
        self._order = functools.lru_cache(maxsize=2)(self._draw_order)

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return len(self._rows) // self._batch_size

    @property
    def batch_size(self) -> int:
        """Images a batch: what was asked, or all rows when there are fewer."""
        return self._batch_size

    @property
    def rows(self) -> int:
        """Images that an epoch draws from."""
        return len(self._rows)

    def stream(self, first_epoch: int = 0) -> Iterator[Batch]:
        """Batches of `first_epoch`, then of the epochs after it, without end, made a few ahead on threads."""
        numbers = ((epoch, step) for epoch in itertools.count(first_epoch) for step in range(self.steps))
        pending: deque[Future[Batch]] = deque()
        pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="batches")
        try:
            for number in numbers:
                pending.append(pool.submit(self.batch, *number))
                if len(pending) > _AHEAD:
                    yield pending.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def batch(self, epoch: int, step: int) -> Batch:
        """Batch number `step` of an epoch."""
        rng = np.random.default_rng((self._seed, epoch, step))
        rows = self._order(epoch)[step * self._batch_size : (step + 1) * self._batch_size]
        images = augment(self._images.take(rows), self._policy, rng)
        targets = self._targets[rows]
        weights = targets @ self._weights
        return mixup(images, targets, weights, self._mixup, rng) if self._mixup else (images, targets, weights)

    def _draw_order(self, epoch: int) -> npt.NDArray[np.intp]:
        return np.random.default_rng((self._seed, epoch)).permutation(self._rows)


def mixup(
    images: npt.NDArray[np.uint8],
    targets: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32],
    alpha: float,
    rng: np.random.Generator,
) -> Batch:
    """Blend each image, its target and its weight with those of another one of the batch.

    Zhang et al.: mixup: Beyond Empirical Risk Minimization (ICLR 2018, arXiv:1710.09412); one share a batch, from
    Beta(alpha, alpha).
    """
    share = np.float32(rng.beta(alpha, alpha))
    partner = rng.permutation(len(images))
    blended = share * images + (1 - share) * images[partner]
    return (
        np.rint(blended).astype(np.uint8),
        share * targets + (1 - share) * targets[partner],
        share * weights + (1 - share) * weights[partner],
    )


def one_hot(labels: npt.NDArray[np.uint8], classes: int) -> npt.NDArray[np.float32]:
    """float32 (N, classes) with a 1 at each label."""
    return np.eye(classes, dtype=np.float32)[labels]


def balanced_weights(labels: npt.NDArray[np.uint8], classes: int) -> npt.NDArray[np.float32]:
    """Weights inverse to the class counts, float32 (classes,): N / (classes present × count); absent classes get 0."""
    counts = np.bincount(labels, minlength=classes)
    present = np.count_nonzero(counts)
    return np.where(counts > 0, len(labels) / (present * np.maximum(counts, 1)), 0).astype(np.float32)


def choose_fraction(labels: npt.NDArray[np.uint8], fraction: float, seed: int) -> npt.NDArray[np.intp]:
    """Ascending indices of a random part of the rows, the same part (rounded, at least 1) of each class."""
    if fraction >= 1:
        return np.arange(len(labels))
    rng = np.random.default_rng(seed)
    chosen = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        chosen.append(rng.permutation(rows)[: max(1, round(fraction * len(rows)))])
    return np.sort(np.concatenate(chosen))
