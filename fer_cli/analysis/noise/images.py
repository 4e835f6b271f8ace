"""Images on their way to a network: rows chosen from a split, and corrupted ones made while the network computes."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.predict import Images, Pixels, Transforms
from fer_cli.datasets.select import limit_rows
from fer_cli.store.reader import ImageRows

Corrupt = Callable[[Pixels, np.random.Generator], Pixels]

#: Images that are corrupted with one generator, and the memory that they may take; a result depends on both.
_ROWS, _BYTES = 1024, 32 << 20
#: Blocks ready or in the making while the network works on another.
_AHEAD = 2


@dataclass(frozen=True)
class Subject:
    """What is asked of models: N images and their labels (N,), in the classes of the dataset.

    transforms: what was applied to the images before.
    """

    images: ImageRows | Chosen
    labels: Pixels
    class_names: Sequence[str]
    transforms: Transforms = ()


def chosen_rows(labels: Pixels, limit: int, seed: int) -> npt.NDArray[np.intp]:
    """Rows of a split, in ascending order: at most `limit` of each class, drawn at random."""
    return np.flatnonzero(limit_rows(labels, np.zeros_like(labels), limit, seed))


class Chosen:
    """Some rows of a split, as `Images`."""

    def __init__(self, images: ImageRows, rows: npt.NDArray[np.intp]) -> None:
        self._images, self._rows = images, rows
        self.shape: tuple[int, int, int, int] = (len(rows), *images.shape[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, rows: npt.NDArray[np.integer[Any]]) -> Pixels:
        """The images of `rows`, which are places among the rows chosen."""
        return self._images.take(self._rows[rows])

    def blocks(self, size: int | None = None) -> Iterator[Pixels]:
        """The rows in order, `size` at a time."""
        step = size or _block_rows(self.shape)
        for start in range(0, len(self), step):
            yield self._images.take(self._rows[start : start + step])


class Corrupted:
    """Images of which each is corrupted anew whenever it is asked for, a block ahead on a background thread.

    What an image becomes depends on its place, `seed`, `kind` and `repeat` alone, so every model sees the same pixels;
    and all severities of a kind share their draws, as far as they draw alike, so that they differ in severity alone.
    """

    def __init__(self, images: Images, corrupt: Corrupt, kind: str, repeat: int, seed: int) -> None:
        self._images, self._corrupt = images, corrupt
        self._key = (seed, zlib.crc32(kind.encode()), repeat)
        self.shape = images.shape

    def __len__(self) -> int:
        return len(self._images)

    def blocks(self, size: int | None = None) -> Iterator[Pixels]:
        """All images in order, at most `size` at a time."""
        pending: deque[Future[Pixels]] = deque()
        with ThreadPoolExecutor(1, thread_name_prefix="corrupt") as pool:
            for number, block in enumerate(self._images.blocks(_block_rows(self.shape))):
                pending.append(pool.submit(self._block, block, number))
                if len(pending) > _AHEAD:
                    yield from _parts(pending.popleft().result(), size)
            while pending:
                yield from _parts(pending.popleft().result(), size)

    def _block(self, block: Pixels, number: int) -> Pixels:
        return self._corrupt(block, np.random.default_rng((*self._key, number)))


def _block_rows(shape: tuple[int, int, int, int]) -> int:
    return max(1, min(_ROWS, _BYTES // int(np.prod(shape[1:]))))


def _parts(block: Pixels, size: int | None) -> Iterator[Pixels]:
    step = size or len(block)
    for start in range(0, len(block), step):
        yield block[start : start + step]
