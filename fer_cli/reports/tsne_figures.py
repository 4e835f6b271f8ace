"""Embedded faces as a picture: points, centroids and a legend in two or three dimensions, or the faces themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from fer_cli.reports import style

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.uint8]

#: A shape a round of the colours, for sets of more than eight classes.
_MARKERS = ("o", "^", "s", "D")
#: Square points of ink for all faces together, between a dot that can be seen and one that hides its neighbours.
_INK, _SMALLEST, _LARGEST = 40_000, 2.0, 36.0
#: Faces along the longer side of the sheet.
_FACES = 36


def scatter(
    points: Floats, labels: Labels, centroids: Floats, class_names: Sequence[str], path: Path, title: str, seed: int = 0
) -> None:
    """A dot a face in the colour of its class, the name of each class at its centroid, and a legend with counts.

    points: (N, 2 or 3). labels: (N,) below K. centroids: (K, 2 or 3), NaN for a class without faces. seed: of the order
    in which dots are drawn, so that no class lies above all others.
    """
    dims = points.shape[1]
    with style.figure(path, 9.2, 7.0) as canvas:
        axes: Any = canvas.add_subplot(projection="3d") if dims == 3 else canvas.add_subplot()
        size = float(np.clip(_INK / len(points), _SMALLEST, _LARGEST))
        for some, color, marker in _strokes(labels, seed):
            axes.scatter(*points[some].T, s=size, c=color, marker=marker, alpha=0.75, linewidths=0)
        _name_centroids(axes, centroids, class_names)
        _legend(axes, labels, class_names)
        axes.set_title(title)
        _bare(axes, dims)


def face_map(
    points: Floats,
    labels: Labels,
    images: npt.NDArray[np.uint8],
    centroids: Floats,
    class_names: Sequence[str],
    path: Path,
    title: str,
) -> None:
    """The faces themselves as markers, framed in the colour of their class, at most one a cell of a grid.

    points: (N, 2). images: those of `faces_shown(points)`, uint8 (n, H, W, 1 or 3), in its order.
    """
    rows, side = faces_shown(points), _cell(points)
    with style.figure(path, 13.4, 11.6) as canvas:
        axes = canvas.add_subplot()
        # In the middles of the cells, where no face hides another.
        places = points.min(0) + side * (0.5 + np.floor((points[rows] - points.min(0)) / side))
        for row, (x, y), image in zip(rows, places, images, strict=True):
            pixels = np.repeat(image, 3 // image.shape[2], axis=2)
            half = side * 0.44
            axes.imshow(pixels, extent=(x - half, x + half, y - half, y + half), interpolation="antialiased")
            color = style.CLASSES[labels[row] % len(style.CLASSES)]
            axes.plot(*_frame(x, y, half), color=color, linewidth=1.8, solid_joinstyle="miter")
        _name_centroids(axes, centroids, class_names)
        _legend(axes, labels, class_names)
        axes.set_title(f"{title}; {len(rows):,} of {len(points):,} faces")
        low, high = points.min(0) - side, points.max(0) + side
        _bare(axes, 2)
        axes.set_aspect("equal", adjustable="box")
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))


def faces_shown(points: Floats) -> npt.NDArray[np.intp]:
    """The rows of (N, 2) that `face_map` shows: in each cell of a grid the one nearest to its centre, in order."""
    places = (points - points.min(0)) / _cell(points)
    cells = np.floor(places)
    from_centre = ((places - cells - 0.5) ** 2).sum(1)
    order = np.lexsort((from_centre, cells[:, 1], cells[:, 0]))
    _, first = np.unique(cells[order], axis=0, return_index=True)
    return np.sort(order[first])


def _cell(points: Floats) -> float:
    return float(np.ptp(points, axis=0).max()) / _FACES


def _frame(x: float, y: float, half: float) -> tuple[list[float], list[float]]:
    return [x - half, x + half, x + half, x - half, x - half], [y - half, y - half, y + half, y + half, y - half]


def _strokes(labels: Labels, seed: int) -> Iterator[tuple[npt.NDArray[np.intp], list[str], str]]:
    """Rows in random order with their colours, all that share a marker together."""
    order = np.random.default_rng(seed).permutation(len(labels))
    rounds = labels[order] // len(style.CLASSES) % len(_MARKERS)
    for number in np.unique(rounds):
        some = order[rounds == number]
        yield some, [style.CLASSES[label % len(style.CLASSES)] for label in labels[some]], _MARKERS[number]


def _name_centroids(axes: Any, centroids: Floats, class_names: Sequence[str]) -> None:
    for label, (place, name) in enumerate(zip(centroids, class_names, strict=True)):
        if np.isfinite(place).all():
            color, marker = _look(label)
            edge = {"markeredgecolor": "white", "markeredgewidth": 1.6, "zorder": 9}
            axes.plot(*place[:, None], marker, color=color, markersize=11, **edge)
            text = axes.text(*place, f"  {name}", size=11, weight="bold", va="center", zorder=10)
            text.set_path_effects([withStroke(linewidth=3, foreground="white")])


def _legend(axes: Axes, labels: Labels, class_names: Sequence[str]) -> None:
    counts = np.bincount(labels, minlength=len(class_names))
    handles = []
    for label, name in enumerate(class_names):
        if counts[label]:
            color, marker = _look(label)
            text = f"{name} ({counts[label]:,})"
            edge = style.GREY if color == style.YELLOW else color
            handles.append(Line2D([], [], ls="", marker=marker, color=color, ms=8, markeredgecolor=edge, label=text))
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), title="given class")


def _look(label: int) -> tuple[str, str]:
    turn, color = divmod(label, len(style.CLASSES))
    return style.CLASSES[color], _MARKERS[turn % len(_MARKERS)]


def _bare(axes: Any, dims: int) -> None:
    """Axes without numbers, which mean nothing here; equal scales, since only distances do."""
    if dims == 2:
        style.bare(axes)
        axes.set_aspect("equal", adjustable="datalim")
        return
    axes.set(xticklabels=[], yticklabels=[], zticklabels=[])
    axes.tick_params(length=0)
    axes.set_aspect("equal")
