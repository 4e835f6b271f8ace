"""The tables and pictures of `fer transfer apply`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_cli.analysis.translation.base import Target
from fer_cli.reports import tables, translation_figures, translation_view
from fer_cli.translation.media import Seen, examples, rows

if TYPE_CHECKING:  # they need Keras, and pictures of results do not
    from fer_cli.analysis.translation.judge import Verdict
    from fer_cli.analysis.translation.save import Examples
    from fer_cli.analysis.translation.trial import Faces


SHEET = "translated_faces.png"


def write_rows(
    faces: Faces,
    targets: Sequence[Target],
    examples: Examples,
    verdict: Verdict | None,
    results: Mapping[str, Any],
    folder: Path,
) -> None:
    """Of a dataset: the sheet, and with a judge its tables and figure. results: of the record."""
    answers = None if verdict is None else verdict.trial.answers
    translation_figures.example_sheet(examples, faces, targets, answers, folder / SHEET)
    if verdict is None:
        return
    tables.write_csv(folder / "translations.csv", verdict.rows())
    if hits := results["verdict"]["hits"]:
        tables.write_csv(folder / "hits.csv", translation_view.csv_rows(hits))
        translation_figures.hit_rates(hits, folder / "hit_rates.png", translation_view.title(results["verdict"]))


def write_media(seen: Sequence[Seen], targets: Sequence[Target], class_names: Sequence[str], folder: Path) -> None:
    """Of pictures and videos: the sheet and a table of the faces; targets, class_names: in the translator's order."""
    tables.write_csv(folder / "faces.csv", rows(seen, targets, class_names))
    translation_figures.media_sheet(examples(seen), targets, class_names, folder / SHEET)
