"""Figures of a network's inside: learned filters, the maps of its layers, images that excite its classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from fer_cli.reports import figures, style

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

#: Filters and channels of a layer on a sheet, at most, and tiles in a row.
FILTERS, CHANNELS, COLUMNS = 64, 16, 16
#: Maps of a layer on a sheet.
MAPS = 12
#: Inches of a map and the face, of the gap between two, of the number above a map, and of the text at a row's left.
_TILE, _GAP, _NUMBER, _LABEL = 0.8, 0.05, 0.15, 1.3
#: Negative, zero and positive weights: orange, white, purple differ for colour-blind readers, too.
_SIGNED = "PuOr"
_ACTIVATION = "gray"
#: Points a weight, so that the gap between two filters may be half a weight.
_FINER = 4


def filter_sheet(filters: Floats, path: Path, title: str) -> None:
    """The filters of a layer: each as one tile where it sees one channel or colours, else a row of its channels.

    filters: (F, h, w, c), as `saliency.filters` gives them. All tiles have one scale around zero, except colours,
    which are stretched from -limit to limit a layer. Of more than fit, those with the largest weights are shown.
    """
    shown = filters[_strongest((filters**2).sum((1, 2, 3)), FILTERS if filters.shape[3] in (1, 3) else CHANNELS)]
    limit = max(float(np.abs(shown).max()), float(np.finfo(np.float32).tiny))
    if filters.shape[3] == 3:
        tiles, columns = np.clip(0.5 + shown / (2 * limit), 0, 1), min(COLUMNS, len(shown))
    elif filters.shape[3] == 1:
        tiles, columns = shown, min(COLUMNS, len(shown))
    else:
        strongest = _strongest((shown**2).sum((0, 1, 2)), CHANNELS)
        tiles = np.moveaxis(shown[..., strongest], 3, 1).reshape(-1, *shown.shape[1:3], 1)
        columns = len(strongest)
    texts = [f"{title}: {_some(len(shown), len(filters), 'filters')}"]
    if tiles.shape[3] == 1 < filters.shape[3]:
        texts.append(f"a row each, {_some(columns, filters.shape[3], 'input channels')}")
    if len(shown) < len(filters):
        texts.append("those with the largest weights")
    _sheet(tiles, columns, path, "\n".join(texts), limit)


def feature_map_sheet(face: Pixels, maps: Mapping[str, Floats], path: Path, title: str = "") -> None:
    """A face and, a row a layer, its maps: the channels that vary most over the face, each stretched by itself.

    face: uint8 (H, W, 1 or 3). maps: layer -> (h, w, F), as `saliency.feature_maps` gives them for one image.
    """
    columns, step = min(MAPS, max(int(found.shape[2]) for found in maps.values())), _TILE + _GAP
    width, height = _LABEL + max(columns, 3) * step, _GAP + (len(maps) + 1) * (_TILE + _NUMBER)
    # One pair of axes in inches: as many as there are maps would take seconds a sheet.
    with style.figure(path, width, height) as canvas:
        canvas.set_layout_engine("none")
        axes = canvas.add_axes((0, 0, 1, 1))
        _tile(axes, np.repeat(face, 3 // face.shape[2], axis=2), _LABEL, _GAP)
        axes.text(_LABEL + step, _GAP + _TILE / 2, title, va="center", size=10)
        for row, (layer, found) in enumerate(maps.items(), 1):
            top, (high, wide, channels) = _GAP + row * (_TILE + _NUMBER), found.shape
            label = f"{layer}\n{high}×{wide}×{channels}"
            axes.text(_LABEL - _GAP, top + _TILE / 2, label, ha="right", va="center", size=7)
            for place, channel in enumerate(_strongest(found.reshape(-1, channels).std(0), columns)):
                left = _LABEL + place * step
                _tile(axes, found[..., channel], left, top)
                axes.text(left, top - 0.03, f"{channel}", size=6)
        style.bare(axes)
        axes.set(xlim=(0, width), ylim=(height, 0))


def _tile(axes: Axes, image: npt.NDArray[Any], left: float, top: float) -> None:
    """An image at a place in inches; one without colours from its darkest to its brightest value."""
    axes.imshow(image, cmap=_ACTIVATION, interpolation="nearest", extent=(left, left + _TILE, top + _TILE, top))


def excitation_sheet(images: Pixels, captions: Sequence[str], path: Path) -> None:
    """Images that excite a class each, as `saliency.maximize` gives them: uint8 (n, H, W, 1 or 3)."""
    figures.face_sheet(images, captions, path, columns=max(1, min(8, len(images))))


def _sheet(tiles: npt.NDArray[np.floating], columns: int, path: Path, title: str, limit: float) -> None:
    """Tiles (n, h, w, 1 or 3) side by side with a gap, and for one channel the scale of its colours."""
    rows, side = -(-len(tiles) // columns), 0.45
    width, height = max(4.6, columns * side + 1.2), rows * side + 0.4 + 0.17 * (1 + title.count("\n"))
    with style.figure(path, width, height) as canvas:
        axes = canvas.add_subplot()
        style.bare(axes)
        axes.set_title(title, size=9)
        picture = axes.imshow(_mosaic(tiles, columns), interpolation="nearest", **_scale(tiles, limit))
        if tiles.shape[3] == 1:
            bar = canvas.colorbar(picture, ax=axes, shrink=min(1.0, 3 / height), aspect=12, ticks=(-limit, 0, limit))
            bar.ax.set_yticklabels([f"{-limit:.2g}", "0", f"{limit:.2g}"], size=8)
            bar.outline.set_visible(False)


def _scale(tiles: npt.NDArray[np.floating], limit: float) -> dict[str, Any]:
    return {"cmap": _SIGNED, "vmin": -limit, "vmax": limit} if tiles.shape[3] == 1 else {}


def _mosaic(tiles: npt.NDArray[np.floating], columns: int) -> Any:
    """One array of all tiles, with a masked gap between them: (rows, columns), or with three channels (…, 3)."""
    tiles = tiles.repeat(_FINER, 1).repeat(_FINER, 2)
    count, height, width, channels = tiles.shape
    rows, down, right = -(-count // columns), height + _FINER // 2, width + _FINER // 2
    grid = np.full((rows * columns, down, right, channels), np.nan, np.float32)
    grid[:count, :height, :width] = tiles
    whole = grid.reshape(rows, columns, down, right, channels).swapaxes(1, 2)
    whole = whole.reshape(rows * down, columns * right, channels)[: -(_FINER // 2), : -(_FINER // 2)]
    if channels == 1:
        return np.ma.masked_invalid(whole[..., 0])
    return np.nan_to_num(whole, nan=1.0)


def _strongest(sizes: npt.NDArray[np.floating], count: int) -> npt.NDArray[np.intp]:
    """Indices of the largest, at most `count`, in their own order."""
    return np.sort(np.argsort(-sizes, kind="stable")[:count])


def _some(shown: int, count: int, what: str) -> str:
    return f"{count:,} {what}" if shown == count else f"{shown:,} of {count:,} {what}"
