"""Figures of translated faces: sheets, and the hit rate of each wanted emotion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import PercentFormatter

from fer_cli.analysis.translation.base import Target
from fer_cli.reports import figures, style

if TYPE_CHECKING:  # they need Keras, and pictures of results do not
    from fer_cli.analysis.translation.save import Examples
    from fer_cli.analysis.translation.trial import Faces
    from fer_cli.translation.media import Seen

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def example_sheet(
    examples: Examples, faces: Faces, targets: Sequence[Target], answers: Floats | None, path: Path
) -> None:
    """A row a face of a dataset: as it is, then what it becomes for each of T targets.

    answers: the judge's probabilities (N, T, K) of all translations, or None.
    """
    names = faces.class_names
    rows = []
    for place in examples.places:
        said = [""] * len(targets) if answers is None else [_said(answer, names) for answer in answers[place]]
        after = [examples.after[place, number] for number in range(len(targets))]
        first = (examples.before[place], names[faces.labels[place]])
        rows.append([first, *zip(after, map(_caption, targets, said), strict=True)])
    _sheet(rows, path)


def media_sheet(seen: Sequence[Seen], targets: Sequence[Target], class_names: Sequence[str], path: Path) -> None:
    """The same of faces found in pictures and videos; below the first is what the judge takes it for."""
    rows = []
    for one in seen:
        said = [""] * (1 + len(targets)) if one.answers is None else [_said(each, class_names) for each in one.answers]
        texts = [f"as it is{said[0]}", *map(_caption, targets, said[1:])]
        rows.append(list(zip([one.before, *one.after], texts, strict=True)))
    _sheet(rows, path)


def _caption(target: Target, said: str) -> str:
    return f"{target.name}{said}"


def _said(answer: Floats, names: Sequence[str]) -> str:
    return f"\n→ {names[int(answer.argmax())]} {answer.max():.2f}"


def _sheet(rows: Sequence[Sequence[tuple[Pixels, str]]], path: Path) -> None:
    cells = [cell for row in rows for cell in row]
    images = np.stack([image for image, _ in cells])
    figures.face_sheet(images, [text for _, text in cells], path, columns=len(rows[0]))


def hit_rates(hits: Sequence[Mapping[str, Any]], path: Path, title: str = "") -> None:
    """How often the judge takes translations for their target, beside the same faces untouched and real ones.

    hits: of `analysis.translation.judge.Hits`.
    """
    places = np.arange(len(hits))
    rates = np.array([one["hit_rate"] for one in hits])
    low, high = np.array([one["hit_interval"] for one in hits]).T
    with style.figure(path, max(5.5, 2 + len(hits)), 4.2) as canvas:
        axes = canvas.subplots()
        axes.bar(places, rates, 0.62, color=style.BLUE, label="translated, with its 95 % interval")
        axes.vlines(places, low, high, color=style.INK, linewidth=1.5)
        known = [(place, one["recall"]) for place, one in zip(places, hits, strict=True) if one["recall"] is not None]
        if known:
            axes.plot(
                *zip(*known, strict=True),
                "D",
                mfc="white",
                mec=style.INK,
                ms=7,
                clip_on=False,
                label="real faces of the class",
            )
        axes.plot(
            places,
            [one["before"] for one in hits],
            "o",
            color=style.ORANGE,
            ms=7,
            clip_on=False,
            label="the same, untouched",
        )
        axes.set_xticks(places, [one["target"] for one in hits])
        axes.set(ylim=(0, 1), ylabel="taken for the target by the judge", title=title)
        axes.grid(visible=False, axis="x")
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.06), ncols=3, fontsize=8)
