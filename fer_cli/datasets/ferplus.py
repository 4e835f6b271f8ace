"""FER+: ten votes for each row of fer2013.csv, joined by row position.

Barsoum, Zhang, Canton Ferrer, Zhang, "Training deep networks for facial expression recognition with crowd-sourced label
distribution", ICMI 2016.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError, UsageError
from fer_cli.labels import EMOTIONS_8, FER2013_USAGES, FERPLUS_COLUMNS, SPLITS, VOTES_MODES, canonical
from fer_cli.records import Records

#: Columns before the votes: Usage, Image name.
_NAMES = 2
#: A number of votes; Python alone would also take other alphabets' digits.
_COUNT = re.compile(r"[0-9]{1,9}")
#: The first line of votes in the file, and where a row of a dataset file came from, copies of it included.
_FIRST_LINE = 2
_LINE = re.compile(r":(\d+)(#\w+)?$")
#: Our code of each emotion column; the two columns after them, unknown and NF (not a face), are no emotions.
_CODES = np.array([EMOTIONS_8.index(canonical(name)) for name in FERPLUS_COLUMNS[: len(EMOTIONS_8)]], np.uint8)

Counts = npt.NDArray[np.float32]


class VoteJoin:
    """Gives rows their votes: the k-th Training row of the one file belongs to the k-th Training row of the other.

    The image names of FER+ are no help, since rows with a blank name are not counted in them. Counting by usage is
    counting by row, and also serves a file that lacks a usage.
    """

    def __init__(self, path: Path, mode: str) -> None:
        self._path, self._mode = path, mode
        self._counts = read_votes(path)
        self._seen = [0] * len(SPLITS)
        self._kept = [0] * len(SPLITS)
        self._agreeing = 0

    def join(self, records: Records) -> Records:
        """The records that the mode keeps, with labels and `votes` over the eight emotions; rows come in file order."""
        keep, labels, votes = decide(self._next(records.split), self._mode)
        joined = replace(
            records, labels=labels, votes=votes, attributes={**records.attributes, "fer2013_label": records.labels}
        ).take(keep)
        self._agreeing += int(np.count_nonzero(joined.labels == joined.attributes["fer2013_label"]))
        for code in range(len(SPLITS)):
            self._kept[code] += int(np.count_nonzero(joined.split == code))
        return joined

    def finish(self, source: Path) -> list[str]:
        """What was kept, one line a usage; raises `InputError` where the votes go on after the rows have ended."""
        notes = []
        for usage, split in FER2013_USAGES.items():
            code = SPLITS.index(split)
            if not self._seen[code]:
                continue
            if self._seen[code] != len(self._counts[code]):
                raise InputError(
                    f"{self._path}: expected {self._seen[code]} {usage} rows, as in {source}. "
                    f"Received: {len(self._counts[code])}"
                )
            notes.append(f"FER+ {self._mode}: {self._kept[code]:,} of {self._seen[code]:,} {usage} rows are kept")
        if total := sum(self._kept):
            notes.append(f"FER+ {self._mode}: {self._agreeing / total:.1%} of the rows kept have FER2013's own label")
        return notes

    def _next(self, split: npt.NDArray[np.uint8]) -> Counts:
        counts = np.empty((len(split), len(FERPLUS_COLUMNS)), np.float32)
        for code in np.unique(split):
            rows = np.flatnonzero(split == code)
            start = self._seen[code]
            part = self._counts[code][start : start + len(rows)]
            if len(part) < len(rows):
                raise InputError(
                    f"{self._path}: expected votes for every {_usage(code)} row. "
                    f"Received: votes for the first {len(self._counts[code])}"
                )
            counts[rows] = part
            self._seen[code] += len(rows)
        return counts


def decide(counts: Counts, mode: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint8], Counts]:
    """What votes say. counts: float32 (N, 10) in the order of `FERPLUS_COLUMNS`.

    Returns a mask of the rows kept, labels uint8 (N,) and distributions float32 (N, 8) over `EMOTIONS_8`; both are
    without meaning where a row is not kept. Single votes are dropped first, as in the paper. Then
    majority: the peak must be an emotion and exceed half of the votes (the paper's majority voting);
    argmax: the peak must be an emotion, the first of equal ones counts;
    soft: the emotions together must exceed half of the votes, to learn from the distribution.
    """
    votes = np.where(counts > 1, counts, 0)
    emotions, total, peak = votes[:, : len(_CODES)], votes.sum(1), votes.argmax(1)
    is_emotion = (peak < len(_CODES)) & (total > 0)
    if mode == "majority":
        keep = is_emotion & (votes.max(1) > total / 2)
    elif mode == "argmax":
        keep = is_emotion
    elif mode == "soft":
        keep = emotions.sum(1) > total / 2
    else:
        raise UsageError(f"unknown votes mode {mode!r}: known are {', '.join(VOTES_MODES)}")
    distribution = np.empty_like(emotions)
    distribution[:, _CODES] = emotions / np.maximum(emotions.sum(1, keepdims=True), 1)
    return keep, _CODES[emotions.argmax(1)], distribution


def read_votes(path: Path) -> list[Counts]:
    """The votes of fer2013new.csv: for each split float32 (n, 10), in file order.

    Raises `InputError` for another header, an unknown Usage or a count that is no number.
    """
    rows: list[list[list[int]]] = [[] for _ in SPLITS]
    for split, votes in _read(path):
        rows[split].append(votes)
    return [np.array(part, np.float32).reshape(-1, len(FERPLUS_COLUMNS)) for part in rows]


def majority_by_source(path: Path, sources: Sequence[str], split: npt.NDArray[np.uint8]) -> list[str | None]:
    """The emotion that the majority of the FER+ votes names for each of N rows, None where there is no such majority.

    sources: `FILE:LINE` of fer2013.csv, as a dataset file has them; `#aug1` and the like may follow. Both files have
    the same rows in the same order, so a line of the one is that line of the other, whatever rows a dataset file leaves
    out. split: uint8 (N,), which must be that of the Usage there. Raises `InputError` for a source without a line, and
    for a line that is not there or is of another Usage.
    """
    rows = _read(path)
    counts = np.array([votes for _, votes in rows], np.float32).reshape(-1, len(FERPLUS_COLUMNS))
    keep, labels, _ = decide(counts, "majority")
    found: list[str | None] = []
    for source, code in zip(sources, split, strict=True):
        match = _LINE.search(source)
        row = int(match[1]) - _FIRST_LINE if match else -1
        if not 0 <= row < len(counts):
            raise InputError(
                f"{path}: expected rows whose source is FILE:LINE of fer2013.csv, up to line "
                f"{len(counts) + _FIRST_LINE - 1}. Received: {source}"
            )
        if rows[row][0] != code:
            raise InputError(
                f"{path}: line {row + _FIRST_LINE}: expected the Usage {_usage(int(code))} of {source}. "
                f"Received: {_usage(rows[row][0])}"
            )
        found.append(EMOTIONS_8[labels[row]] if keep[row] else None)
    return found


def _read(path: Path) -> list[tuple[int, list[int]]]:
    """Split and votes of each row, in file order; raises as `read_votes`."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            return list(_parse(path, csv.reader(stream)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = os.strerror(error.errno or 0) if isinstance(error, OSError) else f"not a csv file ({error})"
        raise InputError(f"{path}: {reason}") from error


def _parse(path: Path, lines: Iterator[list[str]]) -> Iterator[tuple[int, list[int]]]:
    header = [name.strip() for name in next(lines, [])]
    if tuple(header[_NAMES:]) != FERPLUS_COLUMNS:
        raise InputError(
            f"{path}: expected the header Usage,Image name,{','.join(FERPLUS_COLUMNS)}. "
            f"Received: {','.join(header)[:80] or 'an empty file'}"
        )
    for number, line in enumerate(lines, _FIRST_LINE):
        if line:
            yield _parse_line(f"{path}: line {number}", line)


def _parse_line(where: str, line: Sequence[str]) -> tuple[int, list[int]]:
    usage, votes = line[0].strip(), line[_NAMES:]
    if usage not in FER2013_USAGES:
        raise InputError(f"{where}: expected a Usage of {', '.join(FER2013_USAGES)}. Received: {usage!r}")
    if len(votes) != len(FERPLUS_COLUMNS) or not all(_COUNT.fullmatch(vote.strip()) for vote in votes):
        raise InputError(f"{where}: expected {len(FERPLUS_COLUMNS)} vote counts. Received: {','.join(votes)[:60]}")
    return SPLITS.index(FER2013_USAGES[usage]), [int(vote) for vote in votes]


def _usage(code: int) -> str:
    return next(usage for usage, split in FER2013_USAGES.items() if split == SPLITS[code])
