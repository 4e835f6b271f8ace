"""Figures of accuracy under corruption: curves, boxes of the repeats, errors by kind, and what the faces look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fer_cli.analysis.noise.levels import CLEAN, VARIANCE
from fer_cli.reports import eda_figures, noise_view, style

Pixels = npt.NDArray[np.uint8]
Score = Mapping[str, Any]

#: Panels side by side on a figure of many kinds.
_COLUMNS = 4
#: Line styles and markers, so that models can be told apart without colours.
_MARKERS = "osD^vP"


def variance_curves(
    results: Mapping[str, Any], published: Sequence[tuple[float, float]], source: str, path: Path
) -> None:
    """Accuracy against the variance of Gaussian noise, a line a model with its interval.

    published: variance and accuracy of figures by others, drawn beside ours as what they are, `source`.
    """
    with style.figure(path, 7, 4.8) as canvas:
        axes = canvas.subplots()
        for number, (name, scores) in enumerate(_by_model(results, VARIANCE).items()):
            _curve(axes, scores, number, name)
        if published:
            axes.plot(*zip(*published, strict=True), "--D", color=style.GREY, mfc="none", mec=style.INK, label=source)
        axes.set(xlabel="variance of the Gaussian noise (full scale 1)", ylabel=f"accuracy ({_conditions(results)})")
        _accuracy_axis(axes)
        canvas.legend(*axes.get_legend_handles_labels(), loc="outside lower left", fontsize=9)


def severity_curves(results: Mapping[str, Any], path: Path) -> None:
    """Accuracy against severity, a panel a kind; severity 0 are the images as they are."""
    kinds = noise_view.kinds(results)
    columns = min(_COLUMNS, len(kinds))
    rows = -(-len(kinds) // columns)
    with style.figure(path, 0.8 + 2.3 * columns, 0.9 + 1.7 * rows) as canvas:
        panels = canvas.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes, kind in zip(panels.flat, kinds, strict=False):
            for number, (name, scores) in enumerate(_by_model(results, kind).items()):
                _curve(axes, scores, number, name)
            axes.set_title(kind, fontsize=10)
            axes.tick_params(labelbottom=True)
        for axes in list(panels.flat)[len(kinds) :]:
            axes.set_visible(False)
        panels[0, 0].xaxis.set_major_locator(MaxNLocator(integer=True))
        _accuracy_axis(panels[0, 0])
        canvas.supxlabel("severity", fontsize=10)
        canvas.supylabel(f"accuracy ({_conditions(results)})", fontsize=10)
        handles, names = panels[0, 0].get_legend_handles_labels()
        canvas.legend(handles, names, loc="outside upper left", ncols=len(names), fontsize=9)


def repeat_boxes(results: Mapping[str, Any], path: Path) -> None:
    """A box of the repeats' accuracies at each variance, a row of panels a model.

    Panels have their own place on the axis of accuracy but one scale, since repeats lie far closer than variances.
    """
    models = {name: [s for s in found if s["level"]] for name, found in _by_model(results, VARIANCE).items()}
    columns = max(len(found) for found in models.values())
    half = 0.6 * max(max(s["accuracies"]) - min(s["accuracies"]) for found in models.values() for s in found) + 1e-3
    with style.figure(path, 1 + 1.25 * columns, 0.7 + 2.2 * len(models)) as canvas:
        panels = canvas.subplots(len(models), columns, squeeze=False)
        for row, (name, found) in zip(panels, models.items(), strict=True):
            for axes, score in zip(row, found, strict=True):
                _box(axes, score, half)
            row[0].set_ylabel(f"{name}\naccuracy in %")
        repeats = models[next(iter(models))][0]["repeats"]
        canvas.supxlabel(f"variance; {repeats} repeats each, {_conditions(results)}", fontsize=10)


def errors_by_kind(results: Mapping[str, Any], path: Path) -> None:
    """The corruption error of each kind, a row a kind, a mark a model; without a reference the mean error."""
    kinds, measure = noise_view.kinds(results), "error" if results["reference"] is None else "ce"
    names = noise_view.names(results)
    with style.figure(path, 7.2, 1.4 + 0.26 * len(kinds)) as canvas:
        axes = canvas.subplots()
        for number, entry in enumerate(results["corruptions"]):
            values = [np.nan if entry[measure][kind] is None else entry[measure][kind] for kind in kinds]
            color, marker = style.PALETTE[number % len(style.PALETTE)], _MARKERS[number % len(_MARKERS)]
            axes.plot(values, range(len(kinds)), marker, color=color, label=names[entry["model"]])
            mean = entry["mean_error"] if measure == "error" else entry["mce"]
            if mean is not None:
                axes.axvline(mean, color=color, linewidth=1, linestyle="--")
        axes.set_yticks(range(len(kinds)), kinds)
        axes.set_ylim(len(kinds) - 0.5, -0.5)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlabel(
            "mean error over five severities (dashed: mean of all)"
            if measure == "error"
            else f"error over five severities, {names[results['reference']]} = 100 % (dashed: mCE)"
        )
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def samples(rows: Sequence[tuple[str, Sequence[Pixels], Sequence[str]]], path: Path) -> None:
    """A sheet of faces, one row after another: what it shows, faces (H, W, C), and the level of each."""
    eda_figures.sheet([(faces, [f"{what} {level}" for level in levels]) for what, faces, levels in rows], path)


def _by_model(results: Mapping[str, Any], kind: str) -> dict[str, list[Score]]:
    """Name of a model -> its scores at the levels of a kind, clean images first."""
    names = noise_view.names(results)
    found: dict[str, list[Score]] = {name: [] for name in names.values()}
    for score in results["levels"]:
        if score["kind"] in (CLEAN, kind):
            found[names[score["model"]]].append(score)
    return found


def _curve(axes: Axes, scores: Sequence[Score], number: int, name: str) -> None:
    color, marker = style.PALETTE[number % len(style.PALETTE)], _MARKERS[number % len(_MARKERS)]
    places, values = [s["level"] for s in scores], [s["accuracy"] for s in scores]
    low, high = zip(*(s["accuracy_interval"] for s in scores), strict=True)
    axes.fill_between(places, low, high, color=color, alpha=0.2, linewidth=0)
    axes.plot(places, values, marker=marker, color=color, markersize=5, label=name)


def _box(axes: Axes, score: Score, half: float) -> None:
    outliers = {"marker": "o", "markersize": 4, "markerfacecolor": "none", "markeredgecolor": style.VERMILION}
    lines = {"color": style.BLUE, "linewidth": 1.4}
    axes.boxplot(
        [score["accuracies"]], widths=0.5, flierprops=outliers, boxprops=lines, whiskerprops=lines, capprops=lines,
        medianprops={"color": style.VERMILION, "linewidth": 1.8},
    )  # fmt: skip
    middle = (score["spread"]["minimum"] + score["spread"]["maximum"]) / 2
    axes.set_ylim(middle - half, middle + half)
    axes.grid(visible=False, axis="x")
    axes.set_xticks([1], [f"{score['level']:g}"])
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1, symbol=""))
    axes.tick_params(labelsize=8, length=0)


def _accuracy_axis(axes: Axes) -> None:
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _conditions(results: Mapping[str, Any]) -> str:
    return f"{Path(results['dataset']).stem} {results['split']}, n = {results['n']:,}"
