"""What a report begins with: the scores of all results, as a chart and as tables, and published figures beside them."""

from __future__ import annotations

import dataclasses
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_cli import provenance
from fer_cli.analysis import published, results
from fer_cli.errors import InputError
from fer_cli.reports import figures, sections, tables
from fer_cli.reports.sections import Figure, Record, Section, Summary, Table

#: The most models that the chart shows; a longer one would be harder to read than the table.
CHARTED = 120
_CAPTION = "Accuracy of the models on each data set, the best one coloured, with 95 % bootstrap intervals."


@dataclass(frozen=True)
class Part:
    """What was found below one folder, such as the folder of a study; title: "" where it is the only one."""

    title: str
    records: dict[Path, Record]
    datasets: list[Path]


@dataclass(frozen=True)
class Score:
    """A row of the summary, with the part it is of and the published accuracies that stand beside it."""

    part: str
    row: results.Row
    published: list[float]


def find(folders: Sequence[Path]) -> list[Part]:
    """The results and datasets below each of `folders` as a part; of a single one, or of mere files, as one in all.

    What is found twice belongs to the first. Raises `InputError` as `sections.find` does, and where nothing is found.
    """
    if sum(folder.is_dir() for folder in folders) > 1:
        parts = list(_parts(folders))
    else:
        parts = [Part("", *sections.find(folders))]
    if not any(part.records or part.datasets for part in parts):
        raise InputError(f"{', '.join(map(str, folders))}: no {provenance.RESULT} and no dataset file below")
    return parts


def _parts(folders: Sequence[Path]) -> Iterator[Part]:
    names = Counter(folder.resolve().name for folder in folders)
    seen: set[Path] = set()
    for folder in folders:
        records, datasets = sections.find([folder])
        new = {path: record for path, record in records.items() if path.resolve() not in seen}
        others = [path for path in datasets if path.resolve() not in seen]
        seen.update(path.resolve() for path in (*new, *others))
        name = folder.resolve().name
        if new or others:
            yield Part(str(folder) if names[name] > 1 else name, new, others)


def sections_of(parts: Iterable[Part]) -> Iterator[Section]:
    """The sections of all parts: of each its datasets, then its results."""
    number = 0
    for part in parts:
        for path in part.datasets:
            number += 1
            yield dataclasses.replace(sections.dataset_section(f"section-{number}", path), part=part.title)
        for path, record in part.records.items():
            number += 1
            yield dataclasses.replace(sections.result_section(f"section-{number}", path, record), part=part.title)


def summary(parts: Sequence[Part]) -> Summary | None:
    """Chart, models × data sets, all scores and published figures; None where no result has an accuracy."""
    scores = _scores(parts)
    if not scores:
        return None
    shown = [*_matrix(scores), _score_table(scores), *_published_tables(parts)]
    return Summary(shown, [_chart(scores)] if 1 < len(scores) <= CHARTED else [])


def _scores(parts: Sequence[Part]) -> list[Score]:
    """All results with an accuracy; a training lends its time to a score of any part."""
    of_part = {path: part for part in parts for path in part.records}
    scored = {
        path: of_part[path].records[path] for path in of_part if results.has_accuracy(of_part[path].records[path])
    }
    figures_of = {id(part): [published.Published(**entry["published"]) for entry in _beside(part)] for part in parts}
    found = []
    for row in results.rows(scored):
        part = of_part[row.result]
        theirs = published.of_row(list(dict.fromkeys(figures_of[id(part)])), row)
        found.append(Score(part.title, row, [figure.accuracy for figure in theirs]))
    return found


def _beside(part: Part) -> list[Mapping[str, Any]]:
    """The published figures, each with ours, of a part's comparisons."""
    compared = [record["results"] for record in part.records.values() if record["command"] == "compare"]
    return [entry for found in compared for entry in found.get("published") or ()]


def _labels(scores: Sequence[Score]) -> list[str]:
    """A name for each score: its model's, with its part and protocol as far as they are needed to tell it apart."""
    labels = [score.row.model for score in scores]
    for more in ([score.part for score in scores], [score.row.protocol for score in scores]):
        count = Counter(labels)
        pairs = zip(labels, more, strict=True)
        labels = [f"{label}, {text}" if count[label] > 1 and text else label for label, text in pairs]
    return labels


def _by_conditions(scores: Iterable[Score]) -> dict[tuple[str, str, int], list[Score]]:
    groups: dict[tuple[str, str, int], list[Score]] = {}
    for score in scores:
        groups.setdefault((score.row.dataset, score.row.split, score.row.n), []).append(score)
    return groups


def _chart(scores: Sequence[Score]) -> Figure:
    groups = []
    for (dataset, split, n), found in _by_conditions(scores).items():
        bars = zip(_labels(found), found, strict=True)
        shown = [(label, score.row.accuracy, score.row.accuracy_interval, score.published) for label, score in bars]
        groups.append((f"{dataset} {split} (n = {n:,})", sorted(shown, key=lambda bar: -bar[1])))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "summary.png"
        figures.models_by_dataset(groups, file)
        return sections.figure_of(file, "Summary", _CAPTION)


def _matrix(scores: Sequence[Score]) -> list[Table]:
    """Models × data sets, where a model was scored on more than one."""
    columns = dict.fromkeys((score.row.dataset, score.row.split) for score in scores)
    first: dict[tuple[str, str, str], Score] = {}
    cells: dict[tuple[str, str, str], dict[tuple[str, str], float]] = {}
    for score in scores:
        key = (score.part, score.row.model, score.row.protocol)
        first.setdefault(key, score)
        cells.setdefault(key, {})[score.row.dataset, score.row.split] = score.row.accuracy
    if max(map(len, cells.values())) < 2:
        return []
    rows = [
        [label, *(found.get(column) for column in columns)]
        for label, found in zip(_labels(list(first.values())), cells.values(), strict=True)
    ]
    return [Table("Accuracy of each model on each data set", ["model", *map(" ".join, columns)], rows)]


def _score_table(scores: Sequence[Score]) -> Table:
    shared, header, cells = tables.comparison_rows([dataclasses.asdict(score.row) for score in scores])
    header, cells = _with_parts(header, cells, [score.part for score in scores])
    return Table(f"Scores ({shared})" if shared else "Scores", header, cells)


def _published_tables(parts: Sequence[Part]) -> list[Table]:
    entries = [(entry, part.title) for part in parts for entry in _beside(part)]
    if not entries:
        return []
    header, cells = tables.published_rows([entry for entry, _ in entries])
    return [
        Table("Published figures, and ours beside them", *_with_parts(header, cells, [part for _, part in entries]))
    ]


def _with_parts(
    header: Sequence[str], rows: Sequence[Sequence[Any]], parts: Sequence[str]
) -> tuple[list[str], list[list[Any]]]:
    """The table with the part of each row before it, where there are parts."""
    if not any(parts):
        return list(header), [list(row) for row in rows]
    return ["study", *header], [[part, *row] for part, row in zip(parts, rows, strict=True)]
