"""Whether a translated face is still the same person's.

Faces are compared by the cosine of their embeddings. Where the persons are known, the gallery has one entry a person,
the mean of the embeddings of the person's real pictures, and never the picture that was translated: a translation that
merely resembles its own picture gains nothing. The same question asked of the real pictures themselves is the most that
can be expected. Where persons are not known, the question is whether the nearest of the real pictures is the one that
was translated: that says that it can be told from the others, not that it is the same person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.scores import Interval
from fer_cli.analysis.translation.bootstrap import mean_interval

#: Numbers of a block of cosines.
_BLOCK = 1 << 24
_TINY = 1e-12

Floats = npt.NDArray[np.floating]
Codes = npt.NDArray[np.integer]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Identity:
    """Shares are 0..1, high is good; distances are 1 - cosine, 0..2, means over translations or pairs.

    match: translations whose nearest person is the right one, and ceiling the same of the real pictures that were
    translated; None where persons are not known. persons: entries of the gallery. n: translations counted there, of
    persons with another picture. source_match: translations whose nearest real picture is their own source, among
    `pictures`. to_source: translation to its source. within: two real pictures of a person. across: of two persons, or
    of any two where persons are not known.
    """

    match: float | None
    match_interval: Interval | None
    ceiling: float | None
    ceiling_interval: Interval | None
    persons: int | None
    n: int
    source_match: float
    source_match_interval: Interval
    pictures: int
    to_source: float
    within: float | None
    across: float | None


@dataclass(frozen=True, eq=False)
class Gallery:
    """The persons that faces are compared with: sums (P, D) of the unit embeddings of `counts` (P,) real pictures."""

    sums: npt.NDArray[np.float64]
    counts: Codes

    @classmethod
    def of(cls, blocks: Iterable[tuple[Floats, Codes]]) -> Gallery:
        """From embeddings (n, D) and the codes (n,) of their persons, from 0, block by block."""
        embeddings, persons = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        counts = np.bincount(persons)
        sums = np.zeros((len(counts), embeddings.shape[1]))
        np.add.at(sums, persons, _unit(embeddings))
        return cls(sums, counts)

    def distances(self) -> tuple[float | None, float | None]:
        """Mean distance of two pictures of a person, and of two persons, over all pairs, from sums alone."""
        squares, total = float(np.sum(self.sums**2)), float(np.sum(self.sums.sum(0) ** 2))
        pictures, same = int(self.counts.sum()), int((self.counts**2).sum())
        pairs, others = same - pictures, pictures**2 - same
        within = 1 - (squares - pictures) / pairs if pairs else None
        return within, 1 - (total - squares) / others if others else None


def identity(
    real: Floats,
    translated: Floats,
    persons: Codes | None,
    groups: Codes,
    seed: int,
    gallery: Gallery | None = None,
) -> Identity:
    """What became of the persons in N pictures.

    real: (N, D) embeddings of the pictures. translated: (N, T, D) those of their translations. persons: (N,) codes from
    0, or None. groups: (N,) codes of what the bootstrap draws as a whole. gallery: of the same codes, made of the N
    pictures and any others of their persons and of other persons; None for the N pictures alone.
    """
    own, made = _unit(real), _unit(translated)
    drawn_with = np.repeat(groups, translated.shape[1])
    found = source_matches(own, made)
    unknown = Identity(
        match=None,
        match_interval=None,
        ceiling=None,
        ceiling_interval=None,
        persons=None,
        n=0,
        source_match=float(found.mean()),
        source_match_interval=mean_interval(found, drawn_with, seed),
        pictures=len(own),
        to_source=float(1 - np.einsum("nd,ntd->nt", own, made).mean()),
        within=None,
        across=Gallery.of([(own, np.arange(len(own)))]).distances()[1],
    )
    if persons is None:
        return unknown
    gallery = gallery or Gallery.of([(own, persons)])
    counted = gallery.counts[persons] > 1
    if not counted.any():
        return unknown
    matches = person_matches(own, made, persons, gallery)[counted]
    expected = person_matches(own, own[:, None], persons, gallery)[counted]
    within, across = gallery.distances()
    return replace(
        unknown,
        match=float(matches.mean()),
        match_interval=mean_interval(matches, np.repeat(groups[counted], translated.shape[1]), seed),
        ceiling=float(expected.mean()),
        ceiling_interval=mean_interval(expected, groups[counted], seed),
        persons=int(np.count_nonzero(gallery.counts)),
        n=matches.size,
        within=within,
        across=across,
    )


def person_matches(real: Floats, probes: Floats, persons: Codes, gallery: Gallery) -> Mask:
    """(N, T): whether the nearest person of the gallery is the right one.

    real: unit embeddings (N, D), which are in the gallery. probes: unit embeddings (N, T, D) of what was made of each,
    which leave its own real picture out of the gallery. persons: (N,) codes from 0. A person with one picture only is
    never found.
    """
    entries, out = _unit(gallery.sums), np.empty(probes.shape[:2], np.bool_)
    rows = np.arange(len(real))
    others = _unit(gallery.sums[persons] - real)
    alone = gallery.counts[persons] < 2
    for target in range(probes.shape[1]):
        cosines = probes[:, target] @ entries.T
        cosines[rows, persons] = -np.inf
        best = cosines.max(1)
        out[:, target] = (np.einsum("nd,nd->n", probes[:, target], others) > best) & ~alone
    return out


def source_matches(real: Floats, made: Floats) -> Mask:
    """(N, T): whether no real picture is nearer to a translation than its source; unit vectors (N, D), (N, T, D)."""
    out = np.empty(made.shape[:2], np.bool_)
    step = max(1, _BLOCK // (len(real) * made.shape[1]))
    for start in range(0, len(real), step):
        block = made[start : start + step]
        cosines = np.einsum("ntd,md->ntm", block, real, optimize=True)
        own = cosines[np.arange(len(block)), :, start + np.arange(len(block))]
        out[start : start + step] = own >= cosines.max(2)
    return out


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, _TINY))
