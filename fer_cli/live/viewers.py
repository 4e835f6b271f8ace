"""From logs to viewers of a lecture: each log is one, or each person in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.lecture.viewer import Viewer
from fer_cli.errors import InputError, UsageError
from fer_cli.labels import ATTENTION, class_order
from fer_cli.live.log import Log, LogRow

Floats = npt.NDArray[np.float64]

#: A row stands until the next one, but no longer than so many of the log's usual intervals; what follows is a gap.
HOLD = 2.0
#: Seconds between rows where a log has one row only.
_LONE = 1.0


def viewers_of(logs: Sequence[Log], each_face: bool) -> list[Viewer]:
    """The viewers, in the order of the logs; probabilities are in the order of the first log's classes.

    each_face: every person of every log is a viewer, from the first row to the last, and has no face where others of
    the log have one; a person who is given a new number counts anew. Otherwise a log is one viewer, whatever number its
    faces have; several at one time are averaged.
    Raises `UsageError` for a log that is named twice, and `InputError` for logs of other classes, and where each face
    is to be a viewer and there is none.
    """
    paths = [log.path.resolve() for log in logs]
    for log, path in zip(logs, paths, strict=True):
        if paths.count(path) > 1:
            raise UsageError(f"{log.path}: named twice; each log is a viewer")
    names, found = _names(logs), list[Viewer]()
    for log, name in zip(logs, names, strict=True):
        order = class_order(logs[0].class_names, log.class_names, str(log.path))
        wanted = list(range(len(log.class_names))) if order is None else order
        found += _each_face(name, log, wanted) if each_face else [_viewer(name, log.rows, wanted)]
    if not found:
        raise InputError(f"{', '.join(str(log.path) for log in logs)}: expected a face. Received: rows without one")
    return found


def _names(logs: Sequence[Log]) -> list[str]:
    """The stems of the logs, or their paths where two stems are alike."""
    stems = [log.path.stem for log in logs]
    return stems if len(set(stems)) == len(stems) else [str(log.path) for log in logs]


def _each_face(name: str, log: Log, wanted: Sequence[int]) -> list[Viewer]:
    found = []
    for face in sorted({row.face for row in log.rows if row.face is not None}):
        own = {row.seconds: row for row in log.rows if row.face == face}
        first, last = min(own), max(own)
        times = sorted({row.seconds for row in log.rows if first <= row.seconds <= last})
        found.append(_viewer(f"{name} face {face}", [own.get(time) or LogRow(time) for time in times], wanted))
    return found


def _viewer(name: str, rows: Iterable[LogRow], wanted: Sequence[int]) -> Viewer:
    """Rows of a log, the classes in the order `wanted`; several of one time are averaged."""
    listed = list(rows)
    seconds, place = np.unique([row.seconds for row in listed], return_inverse=True)
    states = np.zeros((len(seconds), len(ATTENTION)))
    np.add.at(states, (place, np.array([ATTENTION.index(row.attention) for row in listed])), 1.0)
    sums, known = np.zeros((len(seconds), len(wanted))), np.zeros((len(seconds), 1))
    for at, row in zip(place, listed, strict=True):
        if row.probabilities is not None:
            sums[at] += [row.probabilities[i] for i in wanted]
            known[at] += 1
    probabilities = np.divide(sums, known, out=np.full_like(sums, np.nan), where=known > 0)
    usual = float(np.median(np.diff(seconds))) if len(seconds) > 1 else _LONE
    lasting = np.minimum(np.append(np.diff(seconds), usual), HOLD * usual)
    return Viewer(name, seconds, lasting, states / states.sum(axis=1, keepdims=True), probabilities, usual)
