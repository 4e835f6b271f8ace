"""Images that look alike without being identical: a perceptual hash, and all pairs within a Hamming distance."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Pixels = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.intp]

BITS = 64
#: On FER2013, of 679 pairs of different pictures up to this distance two show different persons; at 8, one in ten.
DISTANCE = 4
#: Side of the picture that is transformed, and of the block of frequencies that is kept.
_SIDE, _KEPT = 32, 8
#: Pairs looked at in one go, which bounds memory.
_CHUNK = 1 << 21


@dataclass(frozen=True)
class Near:
    """Images that are within a Hamming distance of each other.

    groups: (N,) a number for each image, the same for two that are near or linked by a chain of near ones.
    pairs: (M, 2) rows of near images, enough to show why the groups are what they are. bits: (M,) their distances.
    """

    distance: int
    groups: Hashes
    pairs: Indices
    bits: npt.NDArray[np.uint8]


def perceptual_hashes(images: Pixels) -> Hashes:
    """The 64-bit pHash of each image uint8 (N, H, W, C), as uint64 (N,).

    An image is shrunk to 32×32 grey pixels; each bit says whether one of the 8×8 lowest frequencies of its discrete
    cosine transform, those of the mean brightness of rows or columns left out, is above their median (Zauner,
    "Implementation and benchmarking of perceptual image hash functions", 2010). Size, brightness, contrast and
    compression hardly change it; mirroring and cropping do.
    """
    small = np.empty((len(images), _SIDE, _SIDE), np.float32)
    for image, place in zip(images, small, strict=True):
        grey = image[..., 0] if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        place[...] = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    basis = _cosines()
    rows = (small.reshape(-1, _SIDE) @ basis).reshape(-1, _SIDE, _KEPT)
    frequencies = (rows.transpose(0, 2, 1).reshape(-1, _SIDE) @ basis).reshape(-1, BITS)
    above = frequencies > np.median(frequencies, axis=1, keepdims=True)
    hashes: Hashes = np.packbits(above, axis=1).view(np.uint64).ravel()
    return hashes


def distances(first: Hashes, second: Hashes) -> npt.NDArray[np.uint8]:
    """The number of bits in which two arrays of hashes (N,) differ, uint8 (N,)."""
    different = (first ^ second).view(np.uint8).reshape(-1, 8)
    return np.asarray(_POPCOUNT[different].sum(1, dtype=np.uint8))


def near_pairs(hashes: Hashes, distance: int) -> tuple[Indices, Indices]:
    """All pairs i < j of different hashes (N,), themselves all different, within a Hamming distance.

    Two hashes that differ in at most D bits agree on one of D + 1 bands of their bits at least (the pigeonhole
    principle), so only those that share a band are compared.
    """
    found = [np.empty((0, 2), np.intp)]
    edges = np.linspace(0, BITS, distance + 2).astype(int)
    for low, high in itertools.pairwise(edges):
        band = (hashes >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)
        found += _pairs_in_bands(hashes, band, distance)
    pairs = np.unique(np.concatenate(found), axis=0)
    return pairs[:, 0], pairs[:, 1]


def find_near(hashes: Hashes, distance: int) -> Near:
    """Which images of these hashes (N,) are within a Hamming distance of each other."""
    unique, members = np.unique(hashes, return_inverse=True)
    first, second = near_pairs(unique, distance)
    leader = np.arange(len(unique))
    for i, j in zip(first, second, strict=True):
        a, b = _root(leader, int(i)), _root(leader, int(j))
        leader[max(a, b)] = min(a, b)
    roots = np.array([_root(leader, i) for i in range(len(unique))], np.uint64)
    # Rows of one hash stand together in this order, the first of them at `starts`.
    order = np.argsort(members, kind="stable")
    starts = np.searchsorted(members[order], np.arange(len(unique)))
    same = np.flatnonzero(members[order[1:]] == members[order[:-1]])
    pairs = np.concatenate(
        [
            np.column_stack((order[same], order[same + 1])),
            np.column_stack((order[starts[first]], order[starts[second]])),
        ]
    )
    return Near(distance, roots[members], pairs, distances(hashes[pairs[:, 0]], hashes[pairs[:, 1]]))


def _root(leader: Indices, place: int) -> int:
    while leader[place] != place:
        leader[place] = leader[leader[place]]
        place = int(leader[place])
    return place


def _pairs_in_bands(hashes: Hashes, band: Hashes, distance: int) -> list[Indices]:
    """Pairs (M, 2) within the distance among those whose band is the same."""
    order = np.argsort(band, kind="stable")
    _, starts, counts = np.unique(band[order], return_index=True, return_counts=True)
    # Each place of the order is paired with all later places of its band.
    later = np.repeat(starts + counts, counts) - np.arange(len(order)) - 1
    ends, found = np.cumsum(later), []
    start = 0
    while start < len(order):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + _CHUNK, side="right")))
        number = later[start:stop]
        first = np.repeat(np.arange(start, stop), number)
        second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(number) - number, number)
        i, j = order[first], order[second]
        near = distances(hashes[i], hashes[j]) <= distance
        found.append(np.sort(np.column_stack((i[near], j[near])), axis=1))
        start = stop
    return found


def _cosines() -> npt.NDArray[np.float32]:
    """The cosines of frequency 1 to 8 as columns, (32, 8): a part of the orthonormal DCT-II matrix of side 32."""
    places = np.pi * (np.arange(_SIDE) + 0.5) / _SIDE
    columns = np.cos(places[:, None] * np.arange(1, _KEPT + 1)) * np.sqrt(2 / _SIDE)
    return np.asarray(columns, np.float32)


_POPCOUNT = np.array([bin(value).count("1") for value in range(256)], np.uint8)
