"""The files of `fer worst-labels`: tables, a contact sheet, and a page to decide about the suspects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_cli import files
from fer_cli.analysis import predictions
from fer_cli.analysis.labels.ranking import FILE, Ranking, write_suspects
from fer_cli.reports import figures, labels_page, labels_view
from fer_cli.store.reader import ImageRows

#: Faces in a row of the contact sheet.
_COLUMNS = 8


def write(
    folder: Path,
    ranking: Ranking,
    majority: Sequence[str | None] | None,
    images: ImageRows,
    results: Mapping[str, Any],
    command_line: str | None,
) -> list[str]:
    """Fill a folder; the names of its files.

    majority: as of `write_suspects`. images: of the split. results: of the ranking (`fer_cli.analysis.labels.results`)
    with the dataset's path; its `worst` are shown. command_line: that the page is said to be made with; None for no
    page.
    """
    answers, rows = ranking.answers, ranking.rows[: len(results["worst"])]
    write_suspects(folder / FILE, ranking, majority)
    predictions.write_predictions(
        folder / predictions.FILE, answers.class_names, answers.sources, answers.labels, answers.probabilities
    )
    if len(rows):
        faces = images.take(rows)
        figures.face_sheet(faces, labels_view.captions(results["worst"]), folder / "suspects.png", _COLUMNS)
        if command_line:
            text = labels_page.review_page(results, faces, answers.probabilities[rows], command_line)
            files.write_text(folder / labels_page.FILE, text)
    return sorted(path.name for path in folder.iterdir())
