"""Whether a translated face is still the same person's.

Faces are compared by the cosine of their embeddings. Where the persons are known, the gallery has one entry a person,
the mean of the embeddings of the real pictures, and never the picture that was translated: a translation that merely
resembles its own picture gains nothing. The same question asked of the real pictures themselves is the most that can be
expected. Where persons are not known, the gallery is all real pictures, and the question is whether the nearest one is
the picture that was translated: that says that it can be told from the others, not that it is the same person.
"""

from __future__ import annotations

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

    match: translations whose nearest person is the right one, and ceiling the same of real pictures; None where persons
    are not known. persons: entries of the gallery. n: translations counted there, of persons with another picture.
    source_match: translations whose nearest real picture is their own source, among `pictures`.
    to_source: translation to its source. within: two real pictures of a person. across: of two persons, or of any two
    where persons are not known.
    """

    match: float | None
    match_interval: Interval | None
    ceiling: float | None
    persons: int | None
    n: int
    source_match: float
    source_match_interval: Interval
    pictures: int
    to_source: float
    within: float | None
    across: float | None


def identity(real: Floats, translated: Floats, persons: Codes | None, groups: Codes, seed: int) -> Identity:
    """What became of the persons in N pictures.

    real: (N, D) embeddings of the pictures. translated: (N, T, D) those of their translations. persons: (N,) codes from
    0, or None. groups: (N,) codes of what the bootstrap draws as a whole.
    """
    own, made = _unit(real), _unit(translated)
    drawn_with = np.repeat(groups, translated.shape[1])
    found = source_matches(own, made)
    unknown = Identity(
        match=None,
        match_interval=None,
        ceiling=None,
        persons=None,
        n=0,
        source_match=float(found.mean()),
        source_match_interval=mean_interval(found, drawn_with, seed),
        pictures=len(own),
        to_source=float(1 - np.einsum("nd,ntd->nt", own, made).mean()),
        within=None,
        across=_distances(own, np.arange(len(own)))[1],
    )
    if persons is None or not (counted := _has_another(persons)).any():
        return unknown
    matches = person_matches(own, made, persons)[counted]
    within, across = _distances(own, persons)
    return replace(
        unknown,
        match=float(matches.mean()),
        match_interval=mean_interval(matches, np.repeat(groups[counted], translated.shape[1]), seed),
        ceiling=float(person_matches(own, own[:, None], persons)[counted].mean()),
        persons=int(persons.max()) + 1,
        n=matches.size,
        within=within,
        across=across,
    )


def person_matches(real: Floats, probes: Floats, persons: Codes) -> Mask:
    """(N, T): whether the nearest person of the gallery is the right one.

    real: unit embeddings (N, D). probes: unit embeddings (N, T, D) of what was made of each, which leave its own real
    picture out of the gallery. persons: (N,) codes from 0. A person with one picture only is never found.
    """
    sums = np.zeros((int(persons.max()) + 1, real.shape[1]))
    np.add.at(sums, persons, real)
    gallery, out = _unit(sums), np.empty(probes.shape[:2], np.bool_)
    rows = np.arange(len(real))
    others = _unit(sums[persons] - real)
    alone = ~_has_another(persons)
    for target in range(probes.shape[1]):
        cosines = probes[:, target] @ gallery.T
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


def _distances(unit: Floats, persons: Codes) -> tuple[float | None, float | None]:
    """Mean distance of two pictures of a person, and of two persons, over all pairs, from sums alone."""
    counts = np.bincount(persons)
    sums = np.zeros((len(counts), unit.shape[1]))
    np.add.at(sums, persons, unit)
    squares, total = float(np.sum(sums**2)), float(np.sum(sums.sum(0) ** 2))
    pairs, others = int((counts * (counts - 1)).sum()), int(len(unit) ** 2 - (counts**2).sum())
    within = 1 - (squares - len(unit)) / pairs if pairs else None
    return within, 1 - (total - squares) / others if others else None


def _has_another(persons: Codes) -> Mask:
    """Whose person has another picture."""
    return np.asarray(np.bincount(persons)[persons] > 1)


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, _TINY))
