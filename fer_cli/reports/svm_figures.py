"""Bars of classical classifiers before and after tuning, beside another model's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from fer_cli.reports import style

Interval = Sequence[float] | None
#: Bars of a group touch; groups do not.
_WIDTH = 0.38


def bars(rows: Sequence[Mapping[str, Any]], versus: Mapping[str, Any] | None) -> dict[str, Any]:
    """The arguments of `tuning` for results of `fer svm`."""
    first = rows[0]
    return {
        "names": [row["classifier"] for row in rows],
        "before": [(row["before_tuning"]["accuracy"], row["before_tuning"]["accuracy_interval"]) for row in rows],
        "after": [(row["accuracy"], row["accuracy_interval"]) for row in rows],
        "versus": versus and (versus["model"], versus["accuracy"], versus["accuracy_interval"]),
        "title": f"{Path(first['dataset']).stem}, {first['split']}, n = {first['n']:,}, {first['features']}",
    }


def tuning(
    names: Sequence[str],
    before: Sequence[tuple[float, Interval]],
    after: Sequence[tuple[float, Interval]],
    versus: tuple[str, float, Interval] | None,
    title: str,
    path: Path,
) -> None:
    """Two bars a classifier, its accuracy (0..1) with its defaults and with the parameters found, with 95 % intervals.

    versus: name, accuracy and interval of another model, whose bar stands at the right.
    """
    places = range(len(names))
    with style.figure(path, 2.4 + 1.25 * (len(names) + bool(versus)), 4) as canvas:
        axes = canvas.subplots()
        _bars(axes, [place - _WIDTH / 2 for place in places], before, style.GREY, "defaults")
        _bars(axes, [place + _WIDTH / 2 for place in places], after, style.BLUE, "tuned")
        ticks = list(names)
        if versus is not None:
            name, accuracy, interval = versus
            _bars(axes, [len(names)], [(accuracy, interval)], style.VERMILION, None)
            ticks.append(name)
        axes.set_xticks(range(len(ticks)), ticks)
        axes.grid(visible=False, axis="x")
        top = max(0.05, *(i[1] if i else value for value, i in [*before, *after, *_pair(versus)]))
        axes.set(ylim=(0, min(1.08, top * 1.12)), ylabel="accuracy and its 95 % interval")
        axes.set_title(title, pad=24)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0, fontsize=9)


def _bars(
    axes: Axes, places: Sequence[float], values: Sequence[tuple[float, Interval]], color: str, label: str | None
) -> None:
    axes.bar(places, [value for value, _ in values], _WIDTH, color=color, edgecolor="white", label=label)
    for place, (value, interval) in zip(places, values, strict=True):
        if interval is not None:
            axes.plot((place, place), interval, color=style.INK, linewidth=1.2)
        top = interval[1] if interval else value
        axes.annotate(f"{100 * value:.1f}", (place, top), (0, 3), textcoords="offset points", ha="center", size=9)


def _pair(versus: tuple[str, float, Interval] | None) -> list[tuple[float, Interval]]:
    return [] if versus is None else [versus[1:]]
