"""Figures of saliency maps: sheets of faces under them, and what the tests of the methods found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import PercentFormatter

from fer_cli.analysis.saliency.means import ClassMeans
from fer_cli.analysis.saliency.perturb import RANDOM
from fer_cli.analysis.saliency.sanity import LIMIT
from fer_cli.reports import style

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.floating]
#: Levels of 0..255, whole or not.
Faces = npt.NDArray[np.uint8] | npt.NDArray[np.floating]

#: Colours of what speaks for the class, and against it.
FOR, AGAINST = style.VERMILION, style.BLUE
#: Inches of a face, of the gap between two, of the heading, of the text at a row's left, and of the legend.
_FACE, _GAP, _HEADING, _LABEL, _LEGEND = 1.0, 0.06, 0.3, 1.0, 0.25
#: What hides a face most where its map is strongest.
_OPACITY = 0.85
#: Strengths above this percentile look alike, lest one pixel make all others pale.
_PERCENTILE = 99.5
_MARKERS, _LINES = "osD^v", ("-", "--")
#: Of the points of a curve every so many bears a marker, each curve its own; what is between two dodging points.
_EVERY, _DODGE = 5, 0.05


def overlay(face: Faces, strength: Floats) -> Pixels:
    """A face (H, W, C) in 0..255 under its map (H, W), uint8 (H, W, 3): `FOR` above 0, `AGAINST` below."""
    grey = np.repeat(np.asarray(face, np.float64).mean(-1, keepdims=True), 3, axis=2)
    most = np.percentile(np.abs(strength), _PERCENTILE) or np.abs(strength).max() or 1.0
    shade = _OPACITY * np.clip(np.abs(strength) / most, 0, 1)[..., None]
    ink = 255 * np.where(strength[..., None] > 0, to_rgb(FOR), to_rgb(AGAINST))
    blended: Pixels = np.rint((1 - shade) * grey + shade * ink).astype(np.uint8)
    return blended


def sheet(faces: Faces, labels: Sequence[str], maps: Mapping[str, Floats], path: Path, first: str = "face") -> None:
    """A row a face: the face, then the map of each method over it.

    faces: (N, H, W, C) in 0..255. labels: N texts of one line or more at the rows' left. maps: method -> (N, H, W).
    first: heading of the faces.
    """
    step, columns = _FACE + _GAP, 1 + len(maps)
    width, height = _LABEL + columns * step, _HEADING + len(faces) * step + _LEGEND
    with style.figure(path, width, height) as canvas:
        canvas.set_layout_engine("none")
        axes = canvas.add_axes((0, 0, 1, 1))
        for column, name in enumerate((first, *maps)):
            axes.text(_LABEL + column * step + _FACE / 2, _HEADING - 0.08, name, ha="center", va="baseline", size=7)
        for row, (face, label) in enumerate(zip(faces, labels, strict=True)):
            top = _HEADING + row * step
            axes.text(_LABEL - _GAP, top + _FACE / 2, label, ha="right", va="center", size=8)
            shown = [_colors(face), *(overlay(face, found[row]) for found in maps.values())]
            for column, image in enumerate(shown):
                left = _LABEL + column * step
                axes.imshow(image, interpolation="nearest", extent=(left, left + _FACE, top + _FACE, top))
        _explain_colors(axes, any((found < 0).any() for found in maps.values()), height - _LEGEND / 2)
        style.bare(axes)
        # imshow fits the axes to its own image; the sheet is measured in inches, downwards.
        axes.set(xlim=(0, width), ylim=(height, 0))


def label(face: Mapping[str, Any]) -> str:
    """What stands at the left of a face. face: of `Explained.faces`."""
    lines = [face["given"] or Path(face["source"]).name, f"→ {face['predicted']} {face['probability']:.2f}"]
    if face["explained"] != face["predicted"]:
        lines.append(f"({face['explained']} {face['probability_explained']:.2f})")
    return "\n".join(lines)


def class_means(found: ClassMeans, path: Path) -> None:
    """A row a class that was predicted: the mean of its faces, and the mean map of each method over it."""
    rows = np.flatnonzero(found.counts)
    labels = [f"→ {found.class_names[row]}\nn = {found.counts[row]:,}" for row in rows]
    sheet(found.faces[rows], labels, {name: maps[rows] for name, maps in found.maps.items()}, path, "mean face")


def tests(evidence: Mapping[str, Any], folder: Path) -> None:
    """All figures of the tests, into `folder`. evidence: the results of `Evidence`."""
    curves(evidence, folder / "deletion_insertion.png")
    if evidence["pointing"]:
        pointing(evidence["pointing"], folder / "pointing.png")
    sanity(evidence["sanity"], evidence["sanity_n"], folder / "sanity.png")


def curves(evidence: Mapping[str, Any], path: Path) -> None:
    """Probability of the class while cells are deleted, and inserted, a line a method; chance is dashed.

    evidence: the results of `Evidence`.
    """
    with style.figure(path, 10.5, 4.2) as canvas:
        panels = canvas.subplots(1, 2, sharey=True)
        for axes, side, better in zip(panels, ("deletion", "insertion"), ("lower", "higher"), strict=True):
            for number, (name, sides) in enumerate(evidence["curves"].items()):
                look: dict[str, Any] = {"color": style.INK, "ls": ":", "lw": 2.2}
                if name != RANDOM:
                    look = {**_line(number), "markevery": (number % _EVERY, _EVERY)}
                axes.plot(evidence["fractions"], sides[side], label=name, **look)
            axes.set_title(f"{side} (n = {evidence['n']}): {better} is better")
            axes.set_xlabel("part of the face " + ("blurred" if side == "deletion" else "shown"))
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        panels[0].set_ylabel("probability of the class")
        panels[0].set_ylim(bottom=0)
        canvas.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", fontsize=9)


def pointing(found: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Share of each method's map inside the parts that make the expression, and how often its highest pixel is there.

    found: of `Pointing`, one a method.
    """
    with style.figure(path, 8, 1.5 + 0.36 * len(found)) as canvas:
        axes = canvas.subplots()
        axes.axvline(found[0]["area"], color=style.INK, ls=":", label="a map without sense")
        for place, one in enumerate(found):
            axes.plot(one["mass_interval"], (place, place), color=style.BLUE, lw=3, alpha=0.45, solid_capstyle="butt")
            axes.plot(one["mass"], place, "o", color=style.BLUE, label=None if place else "mass of the map inside")
            name = None if place else "highest pixel inside"
            axes.plot(one["hits"], place, "D", mfc="none", mec=style.VERMILION, clip_on=False, label=name)
        axes.set_yticks(range(len(found)), [one["method"] for one in found])
        axes.set(xlim=(0, 1), ylim=(len(found) - 0.5, -0.5))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlabel(f"inside the parts that the action units move (n = {found[0]['n']}, 95 % interval)")
        canvas.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=3, fontsize=9)


def sanity(found: Sequence[Mapping[str, Any]], n: int, path: Path) -> None:
    """Rank correlation of each method's maps with the trained network's, while its layers are drawn anew.

    found: of `Sanity`, one a method, on n faces.
    """
    with style.figure(path, 8.4, 4.2) as canvas:
        axes = canvas.subplots()
        axes.axhline(LIMIT, color=style.INK, ls=":", label=f"fails above {LIMIT:g}")
        for number, one in enumerate(found):
            _with_intervals(axes, one, number, _DODGE * (number - (len(found) - 1) / 2))
        stages = found[0]["stages"]
        ticks = [f"{stage['layers']}\n{stage['down_to']}" for stage in stages]
        axes.set_xticks(range(1 + len(stages)), ["0", *ticks], fontsize=9)
        axes.set(ylabel=f"rank correlation with the trained network (n = {n})", xlabel="layers drawn anew, down to")
        axes.set_ylim(top=1.02)
        canvas.legend(*axes.get_legend_handles_labels(), loc="outside right center", fontsize=9)


def _explain_colors(axes: Axes, signed: bool, place: float) -> None:
    """A legend below a sheet, as far down as `place`. signed: whether anything speaks against the class."""
    for number, (color, text) in enumerate(((FOR, "for the class"), (AGAINST, "against it"))[: 1 + signed]):
        left = _LABEL + _GAP + number * (_FACE + _GAP)
        axes.text(left, place, text, color="white", backgroundcolor=color, size=7, va="center")


def _with_intervals(axes: Axes, one: Mapping[str, Any], number: int, aside: float) -> None:
    """A line from the trained network's own maps on; its points stand aside, so that all intervals can be seen."""
    stages = one["stages"]
    values = np.array([stage["similarity"] for stage in stages])
    low, high = np.array([stage["similarity_interval"] for stage in stages]).T
    look, places = _line(number), aside + np.arange(1, 1 + len(stages))
    axes.plot((0, places[0]), (1, values[0]), ls=look["ls"], color=look["color"], lw=look["linewidth"])
    name = one["method"] + ("" if one["passed"] else " (fails)")
    axes.errorbar(places, values, (values - low, high - values), elinewidth=1, label=name, **look)


def _line(number: int) -> dict[str, Any]:
    """Colours, markers and lines that tell some thirty methods apart."""
    return {
        "color": style.PALETTE[number % len(style.PALETTE)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "ls": _LINES[number // len(style.PALETTE) % len(_LINES)],
        "markersize": 4,
        "linewidth": 1.5,
    }


def _colors(face: Faces) -> Pixels:
    """Three channels, which are drawn as they are; one would go through a colour map."""
    colors: Pixels = np.rint(np.repeat(face, 3 // face.shape[2], axis=2)).astype(np.uint8)
    return colors
