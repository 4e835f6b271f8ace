"""PNG figures of a hyper-parameter search: its history, and the importance of its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fer_cli.reports import style


def history(
    numbers: Sequence[int], accuracies: Sequence[float], pruned: Sequence[bool], measure: str, path: Path
) -> None:
    """The accuracy of each trial in the order of their numbers, the best so far as a line, the best marked.

    accuracies: 0..1, of the best epoch. measure: what they are. pruned: which trials were stopped early; they do not
    count for the best.
    """
    number, accuracy, stopped = np.asarray(numbers), np.asarray(accuracies, float), np.asarray(pruned, bool)
    complete = ~stopped
    with style.figure(path, 7, 3.8) as canvas:
        axes = canvas.subplots()
        best = np.maximum.accumulate(np.where(complete, accuracy, -np.inf))
        axes.step(number, np.where(best < 0, np.nan, best), where="post", color=style.GREY, label="best so far")
        axes.plot(number[complete], accuracy[complete], "o", color=style.BLUE, label="complete")
        if stopped.any():
            axes.plot(number[stopped], accuracy[stopped], "x", color=style.ORANGE, label="pruned")
        top = number[complete][accuracy[complete].argmax()]
        axes.plot(top, best[-1], "o", color=style.VERMILION, markersize=8, label=f"trial {top}: {best[-1]:.3f}")
        axes.set(xlabel="trial", ylabel=f"{measure} (best epoch)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def importance(parts: Mapping[str, float], trials: int, path: Path) -> None:
    """A bar for each parameter, the most important at the top.

    parts: of the explained variance, summing to 1. trials: how many complete ones they were found on.
    """
    names, values = list(parts), list(parts.values())
    with style.figure(path, 6, 1.3 + 0.34 * len(names)) as canvas:
        axes = canvas.subplots()
        axes.barh(range(len(names)), values, color=style.BLUE, height=0.7)
        for place, value in enumerate(values):
            axes.annotate(f"{100 * value:.0f} %", (value, place), (4, 0), textcoords="offset points", va="center")
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlim(0, max(values) * 1.15)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set(xlabel=f"part of the accuracy's variance (fANOVA, {trials} complete trials)")
