"""The page of embedded faces: one file in which hovering shows a face, its label and what the model says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fer_cli.reports import page, sprites, style, tsne_view
from fer_cli.reports.sections import Table

if TYPE_CHECKING:  # a page needs no Keras
    from fer_cli.analysis.embed.study import Embedded

#: Digits of a point, which is some hundred units from the next.
_DIGITS = 3


def render(
    embedded: Embedded,
    rows: npt.NDArray[np.intp],
    images: npt.NDArray[np.uint8],
    results: Mapping[str, Any],
    made_by: str,
) -> str:
    """The page as HTML.

    rows: (n,) of the embedded faces, those that the page shows. images: theirs, uint8 (n, H, W, C). results: of the
    record. made_by: the line at its end.
    """
    # The first one's title says what the page begins with.
    (_, header, measures), *others = tsne_view.shown(results)
    tables = [Table("all faces", header, measures), *(Table(*shown) for shown in others)]
    every = "" if len(rows) == results["n"] else f" This page shows {len(rows):,} of them, drawn by chance."
    intro = f"{tsne_view.title(results)}. Each point is a face, in the colour of its given class.{every}"
    data = _data(embedded, rows, images)
    return page.interactive("tsne.html.j2", f"Map of {results['layer']}", data, made_by, tables=tables, intro=intro)


def _data(embedded: Embedded, rows: npt.NDArray[np.intp], images: npt.NDArray[np.uint8]) -> dict[str, Any]:
    faces, points = embedded.faces, embedded.projection.points[rows].astype(float)
    names = faces.class_names
    colors = [style.CLASSES[label % len(style.CLASSES)] for label in range(len(names))]
    return {
        "classes": list(names),
        # Black is not seen on a dark page: the text's colour stands for it.
        "colors": [None if color == style.BLACK else color for color in colors],
        "dims": points.shape[1],
        "points": points.round(_DIGITS).tolist(),
        "labels": faces.labels[rows].tolist(),
        "predictions": faces.predictions[rows].tolist(),
        "confidence": faces.features.probabilities[rows].max(1).astype(float).round(_DIGITS).tolist(),
        "sources": [faces.sources[row] for row in rows],
        "sprites": sprites.sprite_sheet(images),
        "columns": sprites.COLUMNS,
        "height": images.shape[1],
        "width": images.shape[2],
    }
