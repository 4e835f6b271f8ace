"""One look for all figures: a palette that colour-blind readers can tell apart, one font size, one way to save."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fer_cli import files

#: Okabe and Ito, "Color Universal Design" (2008), the darker colours first.
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
PALETTE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
#: The same and the two that are left, for up to eight classes side by side; yellow needs an outline on white.
YELLOW, BLACK = "#F0E442", "#000000"
CLASSES = (*PALETTE, BLACK, YELLOW)
#: Text, and lines that are not data.
INK, GREY = "#222222", "#8A8A8A"
#: A single hue from white, so that lightness alone carries the order.
SEQUENTIAL = "Blues"

_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "text.color": INK,
    "text.parse_math": False,  # class names and file names may hold a dollar sign
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": "white",
    "savefig.dpi": 150,
}


@contextlib.contextmanager
def figure(path: Path, width: float, height: float) -> Iterator[Figure]:
    """An empty figure in the project's style; it is written to `path` as PNG when the block ends well.

    width, height: inches. The figure belongs to no window and to no global state, so it may be drawn in any thread.
    Raises `OutputError` where the file cannot be written.
    """
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A class or a file may be called by signs that the font lacks: a box shows so.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        matplotlib.rcdefaults()  # a user's own settings would make figures of two machines differ
        matplotlib.rcParams.update(_STYLE)
        canvas = Figure(figsize=(width, height), layout="constrained")
        yield canvas
        with files.atomic_path(path) as temporary:
            canvas.savefig(temporary, format="png")


def bare(axes: Axes) -> None:
    """Take grid, ticks and frame away, for images."""
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
