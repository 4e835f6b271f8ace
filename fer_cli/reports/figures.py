"""PNG figures from arrays: training curves, face sheets, confusion matrices, reliability and comparison charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullLocator, PercentFormatter

from fer_cli.reports import style

#: Inches of a face and of a line of its caption on a sheet, and the room between two faces.
_FACE, _LINE, _GAP = 1.0, 0.14, 0.08
#: Where white reads better than ink on the sequential colours.
_DARK = 0.68

Floats = npt.NDArray[np.floating]
#: Name, accuracy, its interval and the published accuracies of a model on a data set.
Scored = tuple[str, float, tuple[float, float] | None, Sequence[float]]


def training_curves(history: Mapping[str, Sequence[float]], path: Path) -> None:
    """Loss, accuracy and top-3 accuracy by epoch, training and validation in one panel each, the best epoch marked.

    history: columns of equal length: `epoch`, and any of `loss`, `accuracy`, `top3` with their `val_` twins; and
    `val_robust`, the accuracy under attack that adversarial training chooses its epoch by.
    """
    panels = {"loss": "loss", "accuracy": "accuracy", "top3": "top-3 accuracy"}
    present = [name for name in panels if name in history or f"val_{name}" in history]
    with style.figure(path, 4.2 * max(1, len(present)), 3.4) as canvas:
        for number, name in enumerate(present, start=1):
            axes = canvas.add_subplot(1, len(present), number)
            _curve_pair(axes, history, name)
            axes.set_title(panels[name])
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _curve_pair(axes: Axes, history: Mapping[str, Sequence[float]], name: str) -> None:
    epochs = np.asarray(history["epoch"], float)
    marker = "o" if len(epochs) < 3 else None
    for column, label, color, line in ((name, "train", style.GREY, "--"), (f"val_{name}", "val", style.BLUE, "-")):
        if column in history:
            axes.plot(epochs, history[column], line, color=color, label=label, marker=marker)
    if name == "accuracy" and "val_robust" in history:
        axes.plot(epochs, history["val_robust"], "-.", color=style.ORANGE, label="val, attacked", marker=marker)
    best = _best_epoch(history)
    if best is not None and f"val_{name}" in history:
        value = history[f"val_{name}"][best]
        axes.plot(epochs[best], value, "o", color=style.VERMILION, label=f"epoch {epochs[best]:g}: {value:.3f}")
    if name != "loss":
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend()


def _best_epoch(history: Mapping[str, Sequence[float]]) -> int | None:
    """Position of the highest validation accuracy, that under attack where there is one; the first of equals."""
    values = np.asarray(history.get("val_robust", history.get("val_accuracy", ())), float)
    return int(np.nanargmax(values)) if np.isfinite(values).any() else None


def face_sheet(images: npt.NDArray[np.uint8], captions: Sequence[str], path: Path, columns: int = 10) -> None:
    """A contact sheet: faces row by row, each with its caption below.

    images: uint8 (N, H, W, 1 or 3), N at least 1. captions: N strings of one or more lines, or "" for none.
    """
    count, columns = len(images), min(columns, len(images))
    lines = max(caption.count("\n") + 1 if caption else 0 for caption in captions)
    rows, step_x, step_y = -(-count // columns), _FACE + _GAP, _FACE + _GAP + lines * _LINE
    width, height = columns * step_x + _GAP, rows * step_y + _GAP
    with style.figure(path, width, height) as canvas:
        canvas.set_layout_engine("none")
        axes = canvas.add_axes((0, 0, 1, 1))
        for number, (image, caption) in enumerate(zip(images, captions, strict=True)):
            left, top = _GAP + number % columns * step_x, _GAP + number // columns * step_y
            # Three channels are drawn as they are; one would go through a colour map, which rounds.
            pixels = np.repeat(image, 3 // image.shape[2], axis=2)
            axes.imshow(pixels, interpolation="nearest", extent=(left, left + _FACE, top + _FACE, top))
            for line, text in enumerate(caption.splitlines()):
                # By the baseline, else captions with and without tall letters stand at different heights.
                baseline = top + _FACE + (line + 0.85) * _LINE
                axes.text(left + _FACE / 2, baseline, text, ha="center", va="baseline", size=7)
        style.bare(axes)
        # imshow fits the axes to its own image; the sheet is measured in inches, downwards.
        axes.set(xlim=(0, width), ylim=(height, 0))


def confusion_matrix(counts: npt.NDArray[np.integer], class_names: Sequence[str], path: Path) -> None:
    """Counts, and beside them the same in percent of each row.

    counts: (K, K), row = given class, column = predicted class.
    """
    totals = counts.sum(1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    side = 1.6 + 0.55 * len(class_names)
    with style.figure(path, 2 * side + 0.4, side) as canvas:
        left, right = canvas.subplots(1, 2)
        _matrix(left, shares, [[f"{c}" for c in row] for row in counts], class_names)
        percent = [[f"{100 * s:.1f}" if n else "–" for s in row] for row, n in zip(shares, totals[:, 0], strict=True)]
        _matrix(right, shares, percent, class_names)
        left.set_title(f"counts (n = {int(totals.sum()):,})")
        right.set_title("percent of the given class")


def _matrix(axes: Axes, shares: Floats, texts: Sequence[Sequence[str]], names: Sequence[str]) -> None:
    axes.imshow(shares, cmap=style.SEQUENTIAL, vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        color = "white" if share > _DARK else style.INK
        axes.text(column, row, texts[row][column], ha="center", va="center", color=color, size=9)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted", ylabel="given")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def reliability(confidence: Floats, accuracy: Floats, counts: npt.NDArray[np.integer], ece: float, path: Path) -> None:
    """Accuracy against confidence in equal-width bins over 0..1, and how many predictions each bin has.

    confidence, accuracy: (B,) means of each bin, NaN where it is empty. counts: (B,). ece: 0..1, for the title.
    """
    bins = len(counts)
    centres = (np.arange(bins) + 0.5) / bins
    with style.figure(path, 4.6, 5.2) as canvas:
        top, bottom = canvas.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        top.bar(centres, accuracy, 1 / bins, color=style.SKY, edgecolor="white", label="accuracy of the bin")
        top.plot(confidence, accuracy, "o", color=style.BLUE, clip_on=False, label="mean confidence of the bin")
        top.plot((0, 1), (0, 1), "--", color=style.GREY, label="perfectly calibrated")
        top.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy", title=f"expected calibration error {ece:.3f}")
        top.legend(loc="upper left", fontsize=8)
        bottom.bar(centres, counts, 1 / bins, color=style.GREY, edgecolor="white")
        bottom.set(xlabel="confidence (highest probability)", ylabel="predictions")


def comparison(
    names: Sequence[str],
    values: Sequence[float],
    intervals: Sequence[tuple[float, float] | None],
    path: Path,
    title: str = "",
    published: Sequence[Sequence[float]] = (),
) -> None:
    """A dot and an interval a row, the best value coloured; the first name is at the top.

    values: 0..1. intervals: (low, high) or None where unknown. title: what all rows share. published: the figures that
    stand beside each row, hollow diamonds.
    """
    with style.figure(path, 8, 1.3 + 0.38 * len(names)) as canvas:
        axes = canvas.subplots()
        best = max(values)
        for place, (value, interval) in enumerate(zip(values, intervals, strict=True)):
            _accuracy(axes, place, value, interval, value == best)
            axes.annotate(f"{100 * value:.1f}", (value, place), (0, 7), textcoords="offset points", ha="center", size=9)
        _published(axes, [(value, place) for place, figures in enumerate(published) for value in figures])
        axes.set_title(title)
        _accuracy_axes(axes, range(len(names)), names)


def models_by_dataset(groups: Sequence[tuple[str, Sequence[Scored]]], path: Path) -> None:
    """Accuracies as in `comparison`, below a heading for each data set, of each of which the best is coloured.

    groups: heading and rows of each data set, from the top.
    """
    tops, labels, given, place = [], [], [], 0
    with style.figure(path, 8, 1.0 + 0.32 * sum(1 + len(rows) for _, rows in groups)) as canvas:
        axes = canvas.subplots()
        for heading, rows in groups:
            tops.append(place)
            labels.append(heading)
            best = max(value for _, value, _, _ in rows)
            for number, (name, value, interval, published) in enumerate(rows, place + 1):
                _accuracy(axes, number, value, interval, value == best)
                # In a column of their own, since rows are close and published figures may lie anywhere.
                axes.text(1.01, number, f"{100 * value:.1f}", va="center", size=9, transform=axes.get_yaxis_transform())
                labels.append(name)
                given += [(figure, number) for figure in published]
            place += 1 + len(rows)
        _published(axes, given)
        _accuracy_axes(axes, range(place), labels)
        for top in tops:
            axes.get_yticklabels()[top].set_fontweight("bold")
            axes.axhline(top - 0.5, color=style.GREY, linewidth=0.6)


def _accuracy(axes: Axes, place: float, value: float, interval: tuple[float, float] | None, best: bool) -> None:
    color = style.VERMILION if best else style.BLUE
    if interval is not None:
        axes.plot(interval, (place, place), color=color, solid_capstyle="butt", linewidth=3, alpha=0.45)
    axes.plot(value, place, "o", color=color, markersize=8)


def _published(axes: Axes, given: Sequence[tuple[float, float]]) -> None:
    if given:
        axes.plot(*zip(*given, strict=True), "D", mfc="none", mec=style.INK, ms=7, label="published")
        # Above the axes: a diamond between the rows would look like one more figure.
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), borderpad=0)


def _accuracy_axes(axes: Axes, places: Sequence[int], names: Sequence[str]) -> None:
    axes.set_yticks(places, names)
    axes.set_ylim(len(names) - 0.4, -0.7)
    axes.margins(x=0.08)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("accuracy (dot) and its 95 % bootstrap interval (bar)")


def accuracy_against(
    names: Sequence[str],
    places: Sequence[float],
    values: Sequence[float],
    intervals: Sequence[tuple[float, float] | None],
    path: Path,
    label: str,
    title: str = "",
    joined: bool = False,
) -> None:
    """Accuracy with its intervals against another number on a logarithmic axis.

    places: above 0, label says of what. values, intervals: as in `comparison`. title: what all rows share. joined:
    draw a line from each to the next higher one.
    """
    order = np.argsort(places, kind="stable")
    with style.figure(path, 7, 4.4) as canvas:
        axes = canvas.subplots()
        if joined:
            axes.plot(np.asarray(places)[order], np.asarray(values)[order], "--", color=style.GREY, linewidth=1)
        for name, place, value, interval in zip(names, places, values, intervals, strict=True):
            if interval is not None:
                axes.plot((place, place), interval, color=style.BLUE, solid_capstyle="butt", linewidth=3, alpha=0.45)
            axes.plot(place, value, "o", color=style.BLUE, markersize=8)
            text = f"{name} {100 * value:.1f}"
            axes.annotate(text, (place, value), (7, -12), textcoords="offset points", size=9)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.margins(x=0.25, y=0.15)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set(title=title, xlabel=label, ylabel="accuracy and its 95 % bootstrap interval")
