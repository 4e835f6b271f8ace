"""Training batches from uint8 rows: drawn, augmented and mixed on background threads while the network computes."""

from __future__ import annotations

import functools
import itertools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from fer_cli.errors import UsageError
from fer_cli.store.reader import Dataset, ImageRows
from fer_cli.training import sampling
from fer_cli.training.mixup import draw_mixup
from fer_cli.training.settings import Settings
from fer_cli.training.targets import balanced_weights, soften, training_targets
from fer_cli.transform.augment import apply
from fer_cli.transform.crops import Size, crop_at, draw_corners
from fer_cli.transform.parameters import draw
from fer_cli.transform.policy import Policy, parse_policy

#: Images uint8 (B, H, W, C), targets float32 (B, K) or, with a teacher, (B, 2K), sample weights float32 (B,).
Batch = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], npt.NDArray[np.float32]]

#: OpenCV frees the interpreter lock, so two threads do prepare two batches at once.
_WORKERS = 2
#: Batches ready or in the making; more would only hold memory.
_AHEAD = 4
_WHOLE = slice(None)
_SAMPLERS: dict[str, sampling.Sampler] = {"shuffle": sampling.shuffled, "balanced": sampling.balanced}


class TrainingBatches:
    """Batches of an endless run of epochs.

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
        sampler: str = "shuffle",
        crop: Size | None = None,
        views: int = 1,
        mixup: float = 0.0,
        class_weights: npt.NDArray[np.float32] | None = None,
        teacher: npt.NDArray[np.float32] | None = None,
        seed: int = 0,
    ) -> None:
        """Take batches from `rows` of `images`.

        targets: float32 (N, K), distributions over the classes, of all images. batch_size: images. sampler: "shuffle",
        or "balanced" for each class as often. crop: size of the part of an image, at a random place after
        augmentation, that a network sees. views: how often each row drawn is in its batch, side by side, each time
        augmented and cropped otherwise (Hoffer et al.: Augment your batch, CVPR 2020, arXiv:1901.09335); an epoch
        still draws each row once, and so has more steps. mixup: alpha, 0 for none. class_weights: float32 (K,), or
        None for equal ones. teacher: float32 (N, K), softened probabilities that stand behind the targets of a batch;
        being probabilities, they mix as the targets do.
        """
        self._images, self._rows = images, rows
        self._targets = targets if teacher is None else np.concatenate([targets, teacher], 1)
        self._classes = targets.shape[1]
        self._views, self._draws = views, min(max(1, batch_size // views), len(rows))
        self._policy, self._crop, self._mixup, self._seed = policy, crop, mixup, seed
        self._weights = np.ones(self._classes, np.float32) if class_weights is None else class_weights
        self._sample, self._row_classes = _SAMPLERS[sampler], targets[rows].argmax(1)
        self._order = functools.lru_cache(maxsize=2)(self._draw_order)

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return len(self._rows) // self._draws

    @property
    def batch_size(self) -> int:
        """Images a batch: what was asked, or all rows when there are fewer."""
        return self._draws * self._views

    @property
    def rows(self) -> int:
        """Images that an epoch draws from."""
        return len(self._rows)

    def stream(self, first_epoch: int = 0, part: slice = _WHOLE) -> Iterator[Batch]:
        """Batches of `first_epoch`, then of the epochs after it, without end, made a few ahead on threads.

        part: as of `batch`.
        """
        numbers = ((epoch, step) for epoch in itertools.count(first_epoch) for step in range(self.steps))
        pending: deque[Future[Batch]] = deque()
        pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="batches")
        try:
            for number in numbers:
                pending.append(pool.submit(self.batch, *number, part))
                if len(pending) > _AHEAD:
                    yield pending.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def batch(self, epoch: int, step: int, part: slice = _WHOLE) -> Batch:
        """Batch number `step` of an epoch.

        part: which of its images to give, for one of several workers. All that is random is drawn for the whole batch,
        so the workers' parts are together the batch that one process has; each makes no image but its own and, with
        mixup, those that are mixed into them.
        """
        rng = np.random.default_rng((self._seed, epoch, step))
        rows = np.repeat(self._order(epoch)[step * self._draws : (step + 1) * self._draws], self._views)
        shape = self._images.shape[1:]
        parameters = draw(self._policy, len(rows), shape, rng)
        corners = draw_corners(len(rows), shape, self._crop, rng) if self._crop else None
        mixup = draw_mixup(len(rows), self._mixup, rng) if self._mixup else None

        mine = np.arange(len(rows))[part]
        needed = mine if mixup is None else mixup.needed(mine)
        images = apply(self._images.take(rows[needed]), parameters, needed)
        if self._crop and corners is not None:
            images = crop_at(images, corners[needed], self._crop)
        targets = self._targets[rows]
        weights = targets[:, : self._classes] @ self._weights
        if mixup is None:
            return images, targets[mine], weights[mine]
        return mixup.images(images, needed, mine), mixup.values(targets, mine), mixup.values(weights, mine)

    def _draw_order(self, epoch: int) -> npt.NDArray[np.intp]:
        return self._rows[self._sample(self._row_classes, np.random.default_rng((self._seed, epoch)))]


def from_settings(
    dataset: Dataset, settings: Settings, teacher: npt.NDArray[np.float32] | None = None
) -> TrainingBatches:
    """The batches of a run on the train rows of a dataset.

    teacher: logits float32 (N, K) of all train rows (`fer_cli.training.distill`), or None. Raises `UsageError` where
    crop or views do not fit, `InputError` where votes are asked for and the file has none.
    """
    if settings.batch_size % settings.views:
        raise UsageError(
            f"--views {settings.views}: expected a divisor of --batch-size, which counts images. "
            f"Received: {settings.batch_size}"
        )
    shape, crop = dataset.image_shape, network_shape(dataset.image_shape, settings.crop)[:2]
    rows = sampling.choose_fraction(dataset.labels("train"), settings.fraction, settings.seed)
    targets = training_targets(dataset, settings)
    return TrainingBatches(
        dataset.images("train"),
        targets,
        rows,
        batch_size=settings.batch_size,
        policy=parse_policy(settings.augment),
        sampler=settings.sampler,
        crop=None if crop == shape[:2] else crop,
        views=settings.views,
        mixup=settings.mixup,
        class_weights=balanced_weights(targets[rows]) if settings.class_weight == "balanced" else None,
        teacher=None if teacher is None else soften(teacher, settings.temperature),
        seed=settings.seed,
    )


def network_shape(image_shape: tuple[int, int, int], crop: int | None) -> tuple[int, int, int]:
    """(H, W, C) that a network sees of images of a shape: the whole, or a square of `crop` pixels a side.

    Raises `UsageError` for a crop that is larger than the images.
    """
    if crop is None:
        return image_shape
    if crop > min(image_shape[:2]):
        size = "×".join(map(str, image_shape[:2]))
        raise UsageError(f"--crop {crop}: expected at most the side of the images. Received: images of {size}")
    return crop, crop, image_shape[2]
