"""Identical images: finding them inside a split and across splits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.labels import SPLITS

Digests = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Duplicates:
    """How many rows have pixels identical to those of another row.

    images: distinct images that stand more than once. conflicting: those of them whose rows have different labels.
    repeated: split -> rows that repeat an earlier row of the same split.
    shared: split -> other split -> rows of `split` whose pixels are also in `other`, for each pair of splits.
    """

    images: int
    conflicting: int
    repeated: dict[str, int]
    shared: dict[str, dict[str, int]]


def digests(images: npt.NDArray[np.uint8]) -> Digests:
    """A 64-bit digest of the pixels of each image (N, H, W, C), as uint64 (N,).

    Images of one shape are taken for identical when their digests are: among a million different images, the chance
    that any two agree is below 1 in 10 million.
    """
    hashes = (hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images)
    return np.frombuffer(b"".join(hashes), np.uint64)


def find_duplicates(digest: Digests, labels: Codes, split: Codes) -> Duplicates:
    """Count identical images; all arguments are (N,), `split` indexes `SPLITS`."""
    _, group, counts = np.unique(digest, return_inverse=True, return_counts=True)
    lowest, highest = np.full(len(counts), 255, np.uint8), np.zeros(len(counts), np.uint8)
    np.minimum.at(lowest, group, labels)
    np.maximum.at(highest, group, labels)
    parts = {name: digest[split == code] for code, name in enumerate(SPLITS)}
    return Duplicates(
        images=int(np.count_nonzero(counts > 1)),
        conflicting=int(np.count_nonzero(lowest != highest)),
        repeated={name: len(part) - len(np.unique(part)) for name, part in parts.items()},
        shared={
            name: {other: int(np.count_nonzero(np.isin(parts[name], parts[other]))) for other in SPLITS[:i]}
            for i, name in enumerate(SPLITS)
            if i
        },
    )


def surplus_rows(digest: Digests, split: Codes) -> Mask:
    """Which rows `fer prepare --drop-duplicates` drops, as a mask (N,): all of them are training rows.

    A training row goes when its image is also in val or test, or earlier in train. The rows of val and test stay, the
    repeated ones too, so that scores on official splits remain comparable with anybody's.
    """
    train = split == SPLITS.index("train")
    surplus: Mask = train & np.isin(digest, digest[~train])
    candidates = np.flatnonzero(train & ~surplus)
    _, first = np.unique(digest[candidates], return_index=True)
    surplus[np.delete(candidates, first)] = True
    return surplus
