"""What is found of a lecture as rows of tables: its pieces, its minutes, its moments, its viewers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.lecture import measures
from fer_cli.analysis.lecture.moments import Moment, moments
from fer_cli.analysis.lecture.timeline import Timeline, interval_over_viewers, over_viewers, timeline
from fer_cli.analysis.lecture.viewer import Viewer
from fer_cli.labels import ATTENTION

Floats = npt.NDArray[np.float64]

MINUTE = 60.0
#: What is told of a piece without an interval.
_PLAIN = ("joy", "confusion")

Row = dict[str, Any]


@dataclass(frozen=True)
class Lecture:
    """What `describe` finds; rows are JSON-able, None where nothing is known.

    pieces: one row a step. minutes: the same for each minute. moments: as `moments` tells them. viewers: one row each.
    overall: the whole lecture, every viewer alike.
    """

    class_names: tuple[str, ...]
    pieces: list[Row]
    minutes: list[Row]
    moments: list[Moment]
    viewers: list[Row]
    overall: Row


def describe(
    viewers: Sequence[Viewer], class_names: Sequence[str], step: float, window: float, most: int, seed: int
) -> Lecture:
    """Put viewers on one time axis.

    class_names: the emotions that the viewers' probabilities are of. step: seconds of a piece. window: seconds of a
    moment, a multiple of `step`. most: moments of a kind. seed: of the bootstrap over viewers.
    """
    names = tuple(class_names)
    return Lecture(
        class_names=names,
        pieces=_rows(timeline(viewers, names, step), seed),
        minutes=_rows(timeline(viewers, names, MINUTE), seed),
        moments=moments(viewers, names, step, window, most, seed),
        viewers=[_viewer_row(viewer, names) for viewer in viewers],
        overall=_overall(viewers, names, seed),
    )


def _rows(pieces: Timeline, seed: int) -> list[Row]:
    """One row a piece: how many viewers, the states of attention, the mix of emotions, and what is derived of it."""
    columns: dict[str, Any] = {
        "start_s": pieces.starts,
        "end_s": pieces.starts + pieces.length,
        "viewers": over_viewers(pieces.measure("screen"))[1],
        **_with_interval("attentive", pieces.measure("screen"), seed),
        **{_key(state): over_viewers(pieces.measure(state))[0] for state in ATTENTION[1:]},
        "faces": over_viewers(pieces.measure("valence"))[1],
        **{f"p_{name}": over_viewers(pieces.measure(name))[0] for name in pieces.class_names},
        **_with_interval("valence", pieces.measure("valence"), seed),
        **{name: over_viewers(pieces.measure(name))[0] for name in _PLAIN},
    }
    rows = [dict(zip(columns, map(_plain, values), strict=True)) for values in zip(*columns.values(), strict=True)]
    return [{**row, "emotion": _top(row, pieces.class_names)} for row in rows]


def _key(state: str) -> str:
    return state.replace(" ", "_")


def _with_interval(name: str, values: Floats, seed: int) -> dict[str, Floats]:
    low, high = interval_over_viewers(values, seed)
    return {name: over_viewers(values)[0], f"{name}_low": low, f"{name}_high": high}


def _plain(value: Any) -> Any:
    """A number of numpy's as one of Python's with six decimals, NaN as None."""
    number = value.item()
    if isinstance(number, float):
        return None if math.isnan(number) else round(number, 6)
    return number


def _top(row: Row, class_names: Sequence[str]) -> str | None:
    known = {name: row[f"p_{name}"] for name in class_names if row[f"p_{name}"] is not None}
    return max(known, key=lambda name: known[name]) if known else None


def _viewer_row(viewer: Viewer, class_names: Sequence[str]) -> Row:
    states, emotions, gaps = viewer.mean_states(), viewer.mean_probabilities(), viewer.gaps()
    return {
        "viewer": viewer.name,
        "rows": len(viewer.seconds),
        "start_s": float(viewer.seconds[0]),
        "end_s": viewer.end,
        "interval_s": viewer.interval,
        "gaps": len(gaps),
        "gap_s": float(gaps.sum()),
        "attentive": float(states[0]),
        **{_key(state): float(share) for state, share in zip(ATTENTION[1:], states[1:], strict=True)},
        "emotion": None if np.isnan(emotions[0]) else class_names[int(emotions.argmax())],
        "valence": _plain(measures.mix(emotions, class_names, measures.VALENCE)),
    }


def _overall(viewers: Sequence[Viewer], class_names: Sequence[str], seed: int) -> Row:
    """Means over viewers of their own means, with intervals over viewers."""
    states = np.stack([viewer.mean_states() for viewer in viewers])
    emotions = np.stack([viewer.mean_probabilities() for viewer in viewers])
    by_name = {
        "attentive": states[:, 0],
        **{_key(state): states[:, i] for i, state in enumerate(ATTENTION) if i},
        **{f"p_{name}": emotions[:, i] for i, name in enumerate(class_names)},
        "valence": measures.mix(emotions, class_names, measures.VALENCE),
        "joy": measures.mix(emotions, class_names, measures.JOY),
        "confusion": measures.mix(emotions, class_names, measures.CONFUSION),
    }
    found: Row = {}
    for name, values in by_name.items():
        found[name] = _plain(over_viewers(values[:, None])[0][0])
        ends = [_plain(end[0]) for end in interval_over_viewers(values[:, None], seed)]
        found[f"{name}_interval"] = None if None in ends else ends
    return found
