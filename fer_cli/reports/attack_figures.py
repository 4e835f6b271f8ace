"""Figures of an attacked network: accuracy against epsilon, and faces before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from fer_cli.analysis.attack.examples import Example
from fer_cli.analysis.attack.published import Published
from fer_cli.analysis.attack.versus import Versus
from fer_cli.reports import figures, style

#: How many times a perturbation is enlarged to be seen.
ENLARGED = 10
#: What each norm's epsilon is, on the axis.
NORMS = {
    "inf": "epsilon: largest change of a pixel (L∞, pixels 0..1)",
    "2": "epsilon: Euclidean length of the change (L2, pixels 0..1)",
    "0": "epsilon: part of the image's area",
}
_MARKERS = ("o", "s", "^", "D", "v")
#: Ratio of the places of two dots that belong to one.
_ASIDE = 1.02
#: Epsilons nearer to each other than this part of the axis share a tick.
_APART = 0.09


class Curve(NamedTuple):
    """Outcomes of one method; dashed: those of another result."""

    name: str
    dashed: bool
    rows: Sequence[Mapping[str, Any]]


def accuracy_against_epsilon(
    rows: Sequence[Mapping[str, Any]],
    clean: float,
    path: Path,
    title: str,
    published: Sequence[Published] = (),
    versus: Sequence[Versus] = (),
) -> None:
    """A line with its 95 % interval for each method, a panel for each norm, and the accuracy without an attack.

    rows: of `Outcome`, method by method. clean: 0..1. published: others' figures, hollow diamonds in their norm's
    panel. versus: other results, dashed, under their names.
    """
    norms = list(dict.fromkeys(row["norm"] for row in rows))
    curves = [*_curves("", rows), *(curve for other in versus for curve in _curves(f"{other.name}, ", other.attacks))]
    with style.figure(path, 1.2 + 6 * len(norms), 4.6) as canvas:
        panels = canvas.subplots(1, len(norms), sharey=True, squeeze=False)[0]
        for axes, norm in zip(panels, norms, strict=True):
            axes.axhline(clean, color=style.GREY, linestyle="--", linewidth=1.2, label=f"no attack: {clean:.1%}")
            places = _draw(axes, curves, norm)
            theirs = [(one.epsilon, one.accuracy) for one in published if one.norm == norm]
            if theirs:
                axes.plot(*zip(*theirs, strict=True), "D", mfc="none", mec=style.INK, ms=7, label="published")
            _axis(axes, sorted(places | {place for place, _ in theirs}), norm)
            axes.legend(loc="best", fontsize=9)
        panels[0].set(ylabel="accuracy and its 95 % interval", title=title, ylim=(0, None))
        panels[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _curves(prefix: str, rows: Sequence[Mapping[str, Any]]) -> list[Curve]:
    """One a method, of all norms."""
    names = dict.fromkeys(row["method"] for row in rows)
    return [Curve(prefix + name, prefix != "", [row for row in rows if row["method"] == name]) for name in names]


def _draw(axes: Axes, curves: Sequence[Curve], norm: str) -> set[float]:
    """A line a curve; where all have one place, a dot with its interval, side by side. The epsilons."""
    rows = [[row for row in curve.rows if row["norm"] == norm] for curve in curves]
    epsilons = {row["epsilon"] for own in rows for row in own}
    drawn = [number for number, own in enumerate(rows) if own]
    for rank, number in enumerate(drawn):
        own, single = rows[number], len(epsilons) == 1
        color, marker = style.PALETTE[number % len(style.PALETTE)], _MARKERS[number % len(_MARKERS)]
        aside = _ASIDE ** (rank - (len(drawn) - 1) / 2) if single else 1.0
        places, values = [row["epsilon"] * aside for row in own], [row["accuracy"] for row in own]
        low, high = zip(*(row["accuracy_interval"] for row in own), strict=True)
        line = "--" if curves[number].dashed else "-" if number < len(style.PALETTE) else ":"
        name = curves[number].name + (f": {values[0]:.1%}" if len(values) == 1 else "")
        axes.plot(places, values, line + marker, color=color, markersize=5, label=name, clip_on=False)
        if single:
            axes.vlines(places, low, high, color=color, linewidth=3, alpha=0.45)
        else:
            axes.fill_between(places, low, high, color=color, alpha=0.15, linewidth=0)
    return epsilons


def _axis(axes: Axes, epsilons: Sequence[float], norm: str) -> None:
    """A logarithmic axis with a tick at each epsilon, in levels where it is some; of two too near, at the first."""
    ticks, apart = [epsilons[0]], (epsilons[-1] / epsilons[0]) ** _APART
    for epsilon in epsilons[1:]:
        if epsilon / ticks[-1] > apart:
            ticks.append(epsilon)
    axes.set_xlabel(NORMS[norm])
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([epsilon_text(tick, norm) for tick in ticks])
    if len(epsilons) > 1:
        axes.margins(x=0.06)
    else:
        axes.set_xlim(epsilons[0] / 1.3, epsilons[0] * 1.3)


def epsilon_text(epsilon: float, norm: str) -> str:
    """A radius as "4/255" for whole levels of a pixel, else as the number."""
    levels = epsilon * 255
    whole = norm == "inf" and abs(levels - round(levels)) < 1e-6
    return f"{levels:.0f}/255" if whole else f"{epsilon:.3g}"


def example_sheet(examples: Sequence[Example], class_names: Sequence[str], path: Path) -> None:
    """Three rows: the clean faces, the perturbation enlarged (mid-grey is none), the attacked faces.

    Captions: the given class, and the class that the model sees with its probability.
    """
    clean = np.stack([example.clean for example in examples])
    attacked = np.stack([example.attacked for example in examples])
    enlarged = 127.5 + ENLARGED * (attacked - clean)
    sheet = np.rint(np.clip(np.concatenate([clean, enlarged, attacked]), 0, 255)).astype(np.uint8)
    given = [f"{class_names[example.label]}\n" for example in examples]
    captions = [name + _seen(e.before, class_names) for name, e in zip(given, examples, strict=True)]
    captions += [f"change ×{ENLARGED}\nε = {epsilon_text(example.epsilon, example.norm)}" for example in examples]
    captions += [name + _seen(e.after, class_names) for name, e in zip(given, examples, strict=True)]
    figures.face_sheet(sheet, captions, path, columns=len(examples))


def _seen(probabilities: Any, class_names: Sequence[str]) -> str:
    best = int(probabilities.argmax())
    return f"→ {class_names[best]} {probabilities[best]:.2f}"
