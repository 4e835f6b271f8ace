"""Figures of scores by group: accuracy with its intervals, and the recall of each class in each group."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from fer_cli.analysis.bias.scores import GroupBias
from fer_cli.reports import style

#: Where white reads better than ink on the sequential colours.
_DARK = 0.68


def accuracy_bars(bias: GroupBias, accuracy: float, path: Path) -> None:
    """The accuracy of each group with its 95 % interval, beside that of all; the lowest in another colour.

    accuracy: of all rows, 0..1. Groups too small to count are grey.
    """
    with style.figure(path, 7.6, 1.5 + 0.42 * len(bias.groups)) as canvas:
        axes = canvas.subplots()
        axes.axvline(accuracy, color=style.INK, linestyle="--", linewidth=1, label=f"all: {100 * accuracy:.1f} %")
        for place, group in enumerate(bias.groups):
            share = group.accuracy
            value, interval = share.value or 0.0, share.interval or (0.0, 0.0)
            color = style.VERMILION if group.name == bias.accuracy.lowest else style.BLUE
            axes.barh(place, value, height=0.6, color=color if group.counted else style.GREY, alpha=0.8)
            axes.plot(interval, (place, place), color=style.INK, linewidth=1.5, marker="|", markersize=8)
            text = f"{100 * value:.1f} % (n = {share.n:,})"
            axes.text(1.02, place, text, va="center", size=9)
        axes.set_yticks(range(len(bias.groups)), [group.name for group in bias.groups])
        axes.set_ylim(len(bias.groups) - 0.4, -0.6)
        # Right of the bars is room for their numbers.
        axes.set_xlim(0, 1.3)
        axes.set_xticks(np.linspace(0, 1, 6))
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("accuracy and its 95 % bootstrap interval")
        gap = bias.accuracy
        axes.set_title(f"by {bias.by}: gap {100 * gap.gap:.1f} points, p = {gap.p_value:.2g}")
        # Above the axes, since the bars begin at 0 and the numbers stand at their ends.
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), borderpad=0)


def recall_map(bias: GroupBias, path: Path) -> None:
    """Recall of each class (rows) in each group (columns) in percent, with its rows below; too small cells are grey."""
    groups = [group.name for group in bias.groups]
    classes = list(dict.fromkeys(cell.class_name for cell in bias.cells))
    with style.figure(path, 2.2 + 0.95 * len(groups), 1.6 + 0.52 * len(classes)) as canvas:
        axes = canvas.subplots()
        shares = np.full((len(classes), len(groups)), np.nan)
        for cell in bias.cells:
            row, column = classes.index(cell.class_name), groups.index(cell.group)
            if cell.counted and cell.recall.value is not None:
                shares[row, column] = cell.recall.value
            _cell_text(axes, row, column, cell.recall.value, cell.recall.n, cell.counted)
        axes.set_facecolor("#EEEEEE")
        axes.imshow(shares, cmap=style.SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(groups)), groups, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(classes)), classes)
        axes.grid(visible=False)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_title(f"recall by {bias.by}, %")


def _cell_text(axes: Axes, row: int, column: int, value: float | None, n: int, counted: bool) -> None:
    color = style.GREY if not counted else "white" if (value or 0) > _DARK else style.INK
    text = "–" if value is None else f"{100 * value:.0f}"
    axes.text(column, row - 0.04, text, ha="center", va="bottom", color=color, size=10)
    axes.text(column, row + 0.08, f"n = {n:,}", ha="center", va="top", color=color, size=7)
