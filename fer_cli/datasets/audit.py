"""Identical images: finding them inside a split and across splits."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.datasets.nearby import Near
from fer_cli.labels import SPLITS

Digests = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint8]

#: Pairs of near images that are named, and shown on the contact sheet.
EXAMPLES = 30


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


def surplus_rows(digest: Digests, split: Codes, keep: str = "test") -> Mask:
    """Which rows `fer prepare --drop-duplicates` drops, as a mask (N,).

    digest: uint64 (N,), any number that is the same for images that count as one.
    keep "test": all of them are training rows. A training row goes when its image is also in val or test, or earlier in
    train. The rows of val and test stay, the repeated ones too, so that scores on official splits remain comparable
    with anybody's. keep "train": each image stays once, in the first of train, val and test that has it.
    """
    order = np.argsort(split, kind="stable")
    train = split == SPLITS.index("train")
    surplus = np.zeros(len(digest), np.bool_)
    if keep == "test":
        surplus |= train & np.isin(digest, digest[~train])
        order = order[train[order] & ~surplus[order]]
    _, first = np.unique(digest[order], return_index=True)
    surplus[np.delete(order, first)] = True
    return surplus


def near_duplicates(near: Near, digest: Digests, labels: Codes, split: Codes) -> dict[str, Any]:
    """Counts as of `Duplicates`, of images that are near or identical, and some pairs that are near only.

    All arrays are (N,). Returns them with the distance; `examples` are pairs of rows, those across splits first, and of
    these the least alike, one pair a group.
    """
    other = digest[near.pairs[:, 0]] != digest[near.pairs[:, 1]]
    (i, j), bits = near.pairs[other].T, near.bits[other]
    order = np.lexsort((-bits.astype(int), split[i] == split[j]))
    _, first = np.unique(near.groups[i][order], return_index=True)
    chosen = order[np.sort(first)][:EXAMPLES]
    examples = [{"rows": [int(i[k]), int(j[k])], "distance": int(bits[k])} for k in chosen]
    found = asdict(find_duplicates(near.groups, labels, split))
    return {"distance": near.distance, "pairs": len(i), **found, "examples": examples}
