"""Published accuracies under corruption beside ours, by the names of levels: clean, variance-0.05, fog-3."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fer_cli.analysis.noise.levels import CLEAN, VARIANCE, level_name
from fer_cli.analysis.noise.scores import LevelScore
from fer_cli.analysis.noise.sweep import PROTOCOL
from fer_cli.analysis.published import Published, beside
from fer_cli.analysis.results import Row


def beside_levels(
    published: Sequence[Published], scores: Sequence[LevelScore], dataset: Path, split: str
) -> dict[str, list[dict[str, Any]]]:
    """Each model's path -> published figures with its own of the same level, as `published.Beside.as_dict`."""
    if not published:
        return {}
    models = dict.fromkeys(score.model for score in scores)
    rows = {model: [_row(score, dataset, split) for score in scores if score.model == model] for model in models}
    return {model: [entry.as_dict() for entry in beside(published, own)] for model, own in rows.items()}


def variance_points(published: Sequence[Published]) -> list[tuple[float, float]]:
    """(variance, accuracy) of the figures that are of Gaussian noise by its variance, in ascending order."""
    found = []
    for figure in published:
        kind, _, number = figure.name.rpartition("-")
        if figure.name == CLEAN:
            found.append((0.0, figure.accuracy))
        elif kind == VARIANCE and number.replace(".", "", 1).isdecimal():
            found.append((float(number), figure.accuracy))
    return sorted(found)


def label(published: Sequence[Published]) -> str:
    """What a legend says of the figures: that they are not ours, of which data set, and whose."""
    parts = {", ".join(part for part in (figure.dataset, figure.source) if part) for figure in published}
    return f"published: {'; '.join(sorted(parts))}"


def _row(score: LevelScore, dataset: Path, split: str) -> Row:
    return Row(
        result=Path(score.model),
        name=level_name(score.kind, score.level),
        model=Path(score.model).stem,
        dataset=dataset.stem,
        split=split,
        n=score.n,
        protocol=PROTOCOL,
        accuracy=score.accuracy,
        accuracy_interval=score.accuracy_interval,
        top3=None,
        macro_f1=None,
        balanced_accuracy=None,
        ece=None,
        without_duplicates=None,
        parameters=None,
        train_rows=None,
        seconds=None,
    )
