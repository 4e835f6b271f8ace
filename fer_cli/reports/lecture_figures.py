"""The timeline of a lecture: attention, emotions, valence and who was there, one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from fer_cli.analysis.lecture.results import Lecture
from fer_cli.reports import lecture_view, style

Floats = npt.NDArray[np.float64]

#: Colours of the columns.
_STATES = {"attentive": style.BLUE, "away": style.ORANGE, "eyes_closed": style.PURPLE, "no_face": "#DADADA"}
_KINDS = {"distraction": style.ORANGE, "confusion": style.VERMILION, "joy": style.GREEN}
#: Colours of the emotions; other classes take theirs by number.
_EMOTIONS = {
    "angry": style.VERMILION, "disgust": style.GREEN, "fear": style.PURPLE, "happy": style.ORANGE, "sad": style.BLUE,
    "surprise": style.SKY, "neutral": "#DADADA", "contempt": style.INK,
}  # fmt: skip


def timeline(found: Lecture, path: Path) -> None:
    """Panels over the time of the lecture: share attentive, states, mix of emotions, valence, number of viewers.

    The moments that stand out are shaded in the panel of what they are moments of.
    """
    times = _column(found.pieces, "start_s")
    edges = np.append(times, found.pieces[-1]["end_s"])
    heights = {"attentive": 2.2, "states": 1.6, "emotions": 2.2, "valence": 1.8, "joy": 1.8, "viewers": 0.8}
    with style.figure(path, 10, sum(heights.values()) + 0.6) as canvas:
        panels = dict(
            zip(
                heights,
                canvas.subplots(len(heights), 1, sharex=True, height_ratios=list(heights.values())),
                strict=True,
            )
        )
        _line(panels["attentive"], found, "attentive", style.BLUE, edges)
        _shade(panels["attentive"], found, "distraction")
        _stack(panels["states"], found, _STATES, edges)
        colors = {f"p_{name}": _color(name, number) for number, name in enumerate(found.class_names)}
        _stack(panels["emotions"], found, colors, edges)
        _line(panels["valence"], found, "valence", style.BLUE, edges)
        panels["valence"].axhline(0, color=style.GREY, linewidth=1)
        panels["valence"].use_sticky_edges = False  # steps would end on the frame
        for kind in ("joy", "confusion"):
            _steps(panels["joy"], edges, _column(found.pieces, kind), _KINDS[kind], kind)
            _shade(panels["joy"], found, kind)
        panels["viewers"].stairs(_column(found.pieces, "viewers"), edges, fill=True, color=style.GREY)
        _finish(panels, edges)


def _finish(panels: dict[str, Axes], edges: Floats) -> None:
    labels = {
        "attentive": "attentive", "states": "attention", "emotions": "emotions", "valence": "valence",
        "joy": "joy, confusion", "viewers": "viewers",
    }  # fmt: skip
    for name, axes in panels.items():
        axes.set_ylabel(labels[name])
        axes.margins(x=0, y=0.1)
        if name in ("attentive", "states", "emotions"):
            axes.set_ylim(0, 1)
        if name in ("attentive", "states", "emotions", "joy"):
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        if axes.get_legend_handles_labels()[1]:
            axes.legend(
                loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, reverse=name in ("states", "emotions")
            )
    for name in ("joy", "viewers"):
        panels[name].set_ylim(bottom=0)
    panels["viewers"].yaxis.set_major_locator(MaxNLocator(2, integer=True))
    last = panels["viewers"]
    last.set_xlim(edges[0], edges[-1])
    last.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 1.2, 3, 6, 10]))
    last.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: lecture_view.clock(max(seconds, 0.0))))
    last.set_xlabel("time of the lecture")


def _color(name: str, number: int) -> str:
    return _EMOTIONS.get(name, style.CLASSES[number % len(style.CLASSES)])


def _column(rows: Sequence[dict[str, Any]], name: str) -> Floats:
    return np.array([np.nan if row[name] is None else row[name] for row in rows], np.float64)


def _steps(axes: Axes, edges: Floats, values: Floats, color: str, label: str | None = None) -> None:
    axes.stairs(values, edges, color=color, label=label, baseline=None, linewidth=1.5)


def _line(axes: Axes, found: Lecture, name: str, color: str, edges: Floats) -> None:
    """A measure with its interval over viewers as a band."""
    low, high = (_column(found.pieces, f"{name}_{end}") for end in ("low", "high"))
    if not np.isnan(low).all():
        axes.stairs(high, edges, baseline=low, fill=True, color=color, alpha=0.22, label="95 % interval")
    _steps(axes, edges, _column(found.pieces, name), color, "mean")


def _stack(axes: Axes, found: Lecture, colors: dict[str, Any], edges: Floats) -> None:
    below = np.zeros(len(edges) - 1)
    for name, color in colors.items():
        above = below + _column(found.pieces, name)
        label = name.removeprefix("p_").replace("_", " ")
        axes.stairs(above, edges, baseline=below, fill=True, color=color, label=label)
        below = above


def _shade(axes: Axes, found: Lecture, kind: str) -> None:
    label: str | None = f"most {kind} (dark: clear)"
    for moment in found.moments:
        if moment.kind == kind:
            clear = 0.3 if moment.clear else 0.12
            axes.axvspan(moment.start, moment.end, color=_KINDS[kind], alpha=clear, linewidth=0, label=label)
            label = None
