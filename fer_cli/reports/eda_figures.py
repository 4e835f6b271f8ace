"""Figures that describe a data set: classes, mean faces, eigenfaces, variance, brightness and contrast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, PercentFormatter

from fer_cli.analysis import pca
from fer_cli.analysis.describe import BINS, LIMITS, Group
from fer_cli.reports import figures, style

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]


def class_distribution(
    table: npt.NDArray[np.int64], class_names: Sequence[str], split_names: Sequence[str], path: Path
) -> None:
    """Share of each class within each split that has rows, a panel a split, with the numbers of rows.

    table: (classes, splits).
    """
    filled = [i for i in range(len(split_names)) if table[:, i].any()]
    with style.figure(path, 1 + 3.6 * len(filled), 1.1 + 0.34 * len(class_names)) as canvas:
        panels = canvas.subplots(1, len(filled), sharex=True, sharey=True, squeeze=False)[0]
        for axes, split in zip(panels, filled, strict=True):
            counts = table[:, split]
            shares = counts / counts.sum()
            bars = axes.barh(range(len(class_names)), shares, color=style.BLUE, height=0.7)
            texts = [f"{count:,} ({share:.1%})" for count, share in zip(counts, shares, strict=True)]
            axes.bar_label(bars, texts, padding=4, fontsize=9)
            axes.set_title(f"{split_names[split]} (n = {counts.sum():,})")
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            axes.grid(visible=False)
            axes.tick_params(axis="y", length=0)
            # Room for the numbers right of the longest bar.
            axes.margins(x=0.45)
        panels[0].set_yticks(range(len(class_names)), class_names)
        panels[0].invert_yaxis()


def mean_faces(groups: Sequence[Group], path: Path) -> None:
    """The mean face of all and of each class; below, what each class's differs by from the mean of all.

    Differences are shown in one scale for all classes: mid-grey is none, white the largest.
    """
    everyone = groups[0].mean
    means = [np.rint(group.mean).astype(np.uint8) for group in groups]
    captions = [f"{group.name}\nn = {len(group):,}" for group in groups]
    # Channels are averaged: a difference of colour would not read as lighter or darker.
    differences = np.stack([(group.mean - everyone).mean(2) for group in groups[1:]])
    shown = [np.repeat(image, everyone.shape[2], axis=2) for image in _around_grey(differences)]
    below = [f"{group.name}\nminus all" for group in groups[1:]]
    blank = np.full_like(means[0], 255)
    sheet = [*means, blank, *shown]
    figures.face_sheet(np.stack(sheet), [*captions, "", *below], path, columns=len(groups))


def eigenfaces(groups: Sequence[Group], path: Path) -> None:
    """The first eigenfaces, a row a group, with the share of its variance; black is a face's least value.

    Where no group has any, because all its images are alike or there is one alone, nothing is written.
    """
    rows = [
        (
            [_stretched(face) for face in group.eigenfaces],
            [f"{group.name} {i}\n{share:.1%}" for i, share in enumerate(group.shares, start=1)],
        )
        for group in groups
        if len(group.eigenfaces)
    ]
    if rows:
        sheet(rows, path)


def samples(faces: Mapping[str, Pixels], path: Path) -> None:
    """A row of faces a class. faces: class name -> uint8 (n, H, W, C)."""
    sheet([(list(images), [name] * len(images)) for name, images in faces.items()], path)


def variance_curve(variances: Floats, shares: Sequence[float], path: Path) -> None:
    """The share of the variance that the first components hold, and where it reaches each of `shares` (0..1).

    variances: (D,), largest first.
    """
    curve = pca.cumulative(variances)
    with style.figure(path, 6.4, 4) as canvas:
        axes = canvas.subplots()
        axes.plot(np.arange(1, len(curve) + 1), curve, color=style.BLUE)
        for share in shares:
            count = pca.components_for(variances, share)
            if count:
                axes.plot((count, count, 1), (0, share, share), "--", color=style.GREY, linewidth=1)
                axes.plot(count, curve[count - 1], "o", color=style.VERMILION)
                axes.annotate(
                    f"{count:,} for {share:.0%}",
                    (count, share),
                    (-6, 1),
                    textcoords="offset points",
                    ha="right",
                    va="bottom",
                )
        axes.set(xscale="log", xlim=(1, len(curve)), ylim=(0, 1.02))
        axes.set(xlabel=f"components (of {len(curve):,})", ylabel="share of the variance")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,.0f}"))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def histograms(groups: Sequence[Group], path: Path) -> None:
    """Brightness and contrast of each class beside the outline of all, a row a class.

    groups: all faces first, as `describe` gives them.
    """
    everyone, classes = groups[0], groups[1:]
    with style.figure(path, 8.4, 0.9 + 0.72 * len(classes)) as canvas:
        panels = canvas.subplots(len(classes), len(LIMITS), sharex="col", sharey="col", squeeze=False)
        for row, group in zip(panels, classes, strict=True):
            for axes, measure in zip(row, LIMITS, strict=True):
                _histogram(axes, group, everyone, measure)
            row[0].set_ylabel(group.name, rotation=0, ha="right", va="center")
        titles = {"brightness": "brightness (mean of the pixels)", "contrast": "contrast (standard deviation)"}
        for axes, measure in zip(panels[0], LIMITS, strict=True):
            axes.set_title(titles[measure])
        for axes in panels[-1]:
            axes.set_xlabel("grey levels")
        handles, names = panels[0][0].get_legend_handles_labels()
        canvas.legend(handles, names, loc="outside lower right", ncols=len(names), fontsize=9)


def _histogram(axes: Axes, group: Group, everyone: Group, measure: str) -> None:
    edges = np.linspace(0, LIMITS[measure], BINS + 1)
    shares = [part.histogram(measure) / len(part) for part in (group, everyone)]
    axes.stairs(shares[0], edges, fill=True, color=style.SKY, label="class")
    axes.stairs(shares[1], edges, color=style.INK, linewidth=1, label="all")
    axes.axvline(getattr(group, measure).mean(), color=style.VERMILION, linewidth=1.5, label="mean of the class")
    axes.set_xlim(0, LIMITS[measure])
    axes.set_yticks([])
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)


def sheet(rows: Sequence[tuple[Sequence[Pixels], Sequence[str]]], path: Path) -> None:
    """Rows of faces with captions; a shorter row is filled with white."""
    columns = max(len(faces) for faces, _ in rows)
    blank = np.full_like(rows[0][0][0], 255)
    images = [face for faces, _ in rows for face in (*faces, *[blank] * (columns - len(faces)))]
    captions = [text for _, texts in rows for text in (*texts, *[""] * (columns - len(texts)))]
    figures.face_sheet(np.stack(images), captions, path, columns)


def _around_grey(values: Floats) -> Pixels:
    """Values (..., h, w) as pixels uint8 (..., h, w, 1): zero is mid-grey, the farthest from it black or white."""
    return _stretched(values, np.abs(values).max())


def _stretched(values: Floats, limit: float | None = None) -> Pixels:
    """Values (..., h, w) as pixels uint8 (..., h, w, 1), from -limit to limit, else from the least to the greatest."""
    low, high = (values.min(), values.max()) if limit is None else (-limit, limit)
    span = max(float(high - low), np.finfo(float).tiny)
    return np.rint(255 * (values - low) / span).astype(np.uint8)[..., None]
