"""Results and dataset files as sections of a report: tables, figures, and where they came from."""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fer_cli import provenance
from fer_cli.errors import InputError
from fer_cli.reports import (
    attack_view,
    bias_view,
    eda_view,
    export_view,
    figures,
    labels_view,
    lecture_view,
    noise_view,
    prepare_view,
    saliency_view,
    svm_view,
    tables,
    translation_view,
    tsne_view,
)
from fer_cli.store.reader import Dataset, open_dataset
from fer_cli.store.schema import is_dataset

#: Faces of each class on a dataset's sheet.
FACES = 10
#: Lines about files that were passed over, of which there may be thousands.
NOTES = 10
#: The order of a study; results of other commands follow.
_ORDER = ("prepare", "eda", "train", "eval", "noise", "attack", "compare")
#: Figures by the name of their file, in the order in which a section shows them.
_CAPTIONS = {
    "confusion_matrix": "Confusion matrix: counts, and percent of each given class.",
    "reliability": "Reliability: accuracy against confidence, and how many predictions each bin holds.",
    "mistakes": "The most confident mistakes: given class → predicted class and its probability.",
    "curves": "Training: loss, accuracy and top-3 accuracy by epoch.",
    "distribution": "Share and number of the images of each class, by split.",
    "samples": "Faces drawn from each class.",
    "mean_faces": "Mean face of all and of each class; below, how each class's differs, mid-grey being no difference.",
    "eigenfaces": "The first eigenfaces of all and of each class, with the share of the variance that each holds.",
    "variance": "Variance that the first principal components of the pixels hold.",
    "histograms": "Brightness and contrast of the images of each class, beside all images.",
    "accuracy_against_epsilon": "Accuracy under attack with its 95 % interval, against the size of the change.",
    "confusion_under_attack": "Confusion matrix under the strongest attack: counts, and percent of each given class.",
    "examples": "Faces under attack: clean, their change enlarged (mid-grey is none), attacked; what the model sees.",
    "comparison": "Accuracy with its 95 % bootstrap interval.",
    "against": "Accuracy with its 95 % bootstrap interval, against what sets the results apart.",
    "accuracy_against_variance": "Accuracy against the variance of Gaussian noise, with its 95 % interval.",
    "repeats": "Accuracy of the repeats at each variance: quartiles, ends, outliers as circles; all on one scale.",
    "severity": "Accuracy against the severity of each corruption, with its 95 % interval; 0 is the image as it is.",
    "corruption_errors": "Error of each corruption over its severities; the dashed lines are means.",
    "corrupted_faces": "Faces as they are, at the left, and corrupted.",
    "scatter": "Faces as points, in the colour of their given class; each class is named at its centroid.",
    "faces": "Faces at their points, framed in the colour of their given class; at most one a cell of a grid.",
    "neighbours": "Each face named by its neighbours among the features: counts, and percent of each given class.",
    "sheet": "Faces and, over each, what speaks for the class explained (orange) and against it (blue).",
    "class_means": "Mean face and mean maps of all faces that the network gives a class.",
    "deletion_insertion": "Probability of the class while the parts that a method ranks first are blurred, and shown.",
    "pointing": "How much of each map is inside the parts that make the expression.",
    "sanity": "Likeness of each method's maps to those of a network whose last layers are drawn anew.",
    "filters": "Learned filters.",
    "feature_maps": "What layers make of a face.",
    "excitation": "Images that excite a class, with its probability.",
    "suspects": "Probable label errors, the worst first: given label → what the model says, and its suspicion.",
    "timeline": "The lecture over time; intervals are over viewers, and the moments that stand out are shaded.",
    "translated_faces": "Faces as they are, at the left, and translated; below each, what the judge takes it for.",
    "translated": "Held-out faces, one of each class at the left, translated to every class after that epoch.",
    "fit_curves": "Training of a generator, by epoch: wanted emotions found, real ones named, pixels not kept.",
    "hit_rates": "How often the judge takes a face for the wanted emotion: translated, untouched, and real ones of it.",
    "tuning": "Accuracy with the classifier's defaults and with the parameters found, with 95 % bootstrap intervals.",
}

#: What a section tells outside its tables.
_ELSEWHERE = frozenset({"files", "notes", "leaks", "warnings"})

Record = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows below a heading; the first column names the row."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Figure:
    """A PNG as a data URI, with its size in pixels, its caption and the text for those who cannot see it."""

    uri: str
    width: int
    height: int
    caption: str
    alt: str


@dataclass(frozen=True)
class Summary:
    """What stands at the head of a page: scores of all results, a chart of them, published figures beside ours."""

    tables: list[Table]
    figures: list[Figure]


@dataclass(frozen=True)
class Section:
    """One result or one dataset. origin: facts such as seed, date, hashes and versions. part: what it belongs to."""

    anchor: str
    kind: str
    title: str
    command_line: str
    tables: list[Table]
    figures: list[Figure]
    parameters: list[tuple[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    origin: list[tuple[str, Any]] = field(default_factory=list)
    part: str = ""


def find(folders: Iterable[Path]) -> tuple[dict[Path, Record], list[Path]]:
    """All results (by their file) and all dataset files below `folders`, or named there, in the order of a study.

    Hidden folders are passed over. Raises `InputError` for what is named and is none of these, and for a `result.json`
    that is no result.
    """
    found = sorted({path for folder in folders for path in _walk(folder)})
    records = {path: provenance.read_record(path) for path in found if path.name == provenance.RESULT}
    datasets = [path for path in found if path.suffix == ".h5" and is_dataset(path)]
    return dict(sorted(records.items(), key=lambda item: _place(item[1]["command"]))), datasets


def _place(command: str) -> int:
    return _ORDER.index(command) if command in _ORDER else len(_ORDER)


def _walk(folder: Path) -> Iterable[Path]:
    if folder.name == provenance.RESULT or is_dataset(folder):
        yield folder
        return
    if not folder.is_dir():
        what = "expected a folder, a dataset file or a result.json" if folder.is_file() else "no such folder"
        raise InputError(f"{folder}: {what}")
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place) / name for name in names)


def result_section(anchor: str, path: Path, record: Record) -> Section:
    """The section of a result and of the figures that lie beside it."""
    results, command = record["results"], record["command"]
    title = _title(path, record)
    return Section(
        anchor=anchor,
        kind=command,
        title=title,
        command_line=record.get("command_line", ""),
        tables=_TABLES.get(command, _plain_tables)(results),
        figures=[figure_of(file, title) for file in _pngs(path, results)],
        parameters=_parameters(record),
        notes=_notes(results),
        origin=_origin(path, record),
    )


def dataset_section(anchor: str, path: Path) -> Section:
    """The section of a dataset file: its class × split table and faces of each class."""
    # Without a memory budget only the faces that are shown are read.
    with open_dataset(path, budget=0) as dataset:
        table, size = dataset.table(), "×".join(map(str, dataset.image_shape))
        rows: list[list[Any]] = [
            [name, *map(int, counts), int(counts.sum())]
            for name, counts in zip(dataset.class_names, table, strict=True)
        ]
        rows.append(["all", *map(int, table.sum(0)), int(table.sum())])
        made = dataset.provenance
        found = made.get("results", {})
        return Section(
            anchor=anchor,
            kind="dataset",
            title=path.stem,
            command_line=made.get("command_line") or "",
            tables=[
                Table("Images by class and split", ["class", *dataset.split_names, "all"], rows),
                *_duplicates(found),
            ],
            figures=[_face_figure(dataset)],
            parameters=[("size", size), *_parameters(made)],
            notes=[*_notes(found), *(str(note) for note in found.get("passed_over", ())[:NOTES])],
            origin=_origin(path, made),
        )


def _duplicates(found: Mapping[str, Any]) -> list[Table]:
    """What `fer prepare` found of identical images, when it made the file."""
    rows = prepare_view.duplicate_rows(found["duplicates"]) if "duplicates" in found else []
    return [Table("Images with identical pixels", prepare_view.DUPLICATES_HEADER, rows)] if rows else []


def _notes(results: Mapping[str, Any]) -> list[str]:
    """What must be known to read the figures: notes, leaks between the splits, warnings."""
    lines = [line for key in ("notes", "leaks", "warnings") for line in results.get(key, ())]
    return list(dict.fromkeys(map(str, lines)))


def _parameters(record: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What a command was asked; its seed stands with the origin."""
    asked = record.get("parameters", {})
    return list(tables.flatten({key: value for key, value in asked.items() if key != "seed"}))


def _origin(path: Path, record: Mapping[str, Any]) -> list[tuple[str, Any]]:
    inputs = [(entry["path"], f"SHA-256 {entry['sha256']}") for entry in record.get("inputs", ())]
    versions = ", ".join(f"{name} {version}" for name, version in record.get("versions", {}).items())
    seed = record.get("parameters", {}).get("seed")
    return [("file", path), ("seed", seed), ("date", record.get("date")), *inputs, ("versions", versions or None)]


def _face_figure(dataset: Dataset) -> Figure:
    labels, images = dataset.labels(None), dataset.images(None)
    chosen = []
    for label in range(len(dataset.class_names)):
        rows = np.flatnonzero(labels == label)
        chosen.extend(rows[np.linspace(0, len(rows) - 1, min(FACES, len(rows))).astype(int)])
    captions = [dataset.class_names[labels[row]] for row in chosen]
    with tempfile.TemporaryDirectory() as folder:
        sheet = Path(folder) / "faces.png"
        figures.face_sheet(images.take(chosen), captions, sheet, columns=FACES)
        caption = f"Up to {FACES} faces of each class, taken at even distances from all rows."
        return figure_of(sheet, dataset.path.stem, caption)


def _title(path: Path, record: Record) -> str:
    """What tells this result from others of its command: models, dataset, split, test-time augmentation."""
    results, parameters = record["results"], record["parameters"]
    models = results.get("models") or [results[key] for key in ("model",) if key in results]
    title = " + ".join(Path(model).stem for model in models) or path.parent.name
    if {"split", "dataset"} <= results.keys():
        rows = f"{Path(results['dataset']).stem} {results['split']}"
        title = f"{title} on {rows}" if models else rows
    tta = parameters.get("tta", "none")
    return title if tta == "none" else f"{title}, {tta} TTA"


def _pngs(path: Path, results: Mapping[str, Any]) -> list[Path]:
    """The figures that the result names, else those in its folder; none that lies elsewhere."""
    named = results.get("files")
    found = [path.parent / name for name in named] if isinstance(named, list) else sorted(path.parent.iterdir())
    within = path.parent.resolve()
    pngs = [
        file for file in found if file.suffix == ".png" and file.is_file() and file.resolve().is_relative_to(within)
    ]
    known = list(_CAPTIONS)
    return sorted(pngs, key=lambda file: known.index(file.stem) if file.stem in known else len(known))


def figure_of(path: Path, title: str, caption: str | None = None) -> Figure:
    """A PNG for a page. title: what it belongs to. caption: by default that of figures with the file's name."""
    data = path.read_bytes()
    # A PNG's header holds width and height as big-endian numbers after the signature and the chunk's name.
    width, height = (int.from_bytes(data[start : start + 4], "big") for start in (16, 20))
    # One figure of several of a kind is NAME-WHICH.
    name, _, which = path.stem.partition("-")
    known = f"{which}: {_CAPTIONS[name]}" if which and name in _CAPTIONS else _CAPTIONS.get(path.stem)
    text = caption or known or path.stem.replace("_", " ").capitalize()
    uri = "data:image/png;base64," + base64.b64encode(data).decode("ascii")
    return Figure(uri, width, height, text, f"{title}: {text}")


def _eval_tables(results: Mapping[str, Any]) -> list[Table]:
    conditions = f"Scores (n = {results['n']:,}, {results['protocol']})"
    found = [Table(conditions, ("score", "value", "95 % interval"), tables.score_rows(results))]
    if len(results["members"]) > 1:
        header = ("model", "weight", "accuracy", "macro F1")
        found.append(Table("Members of the ensemble", header, tables.member_rows(results["members"])))
    classes = [list(row.values()) for row in results["per_class"]]
    return [*found, Table("By class", ("class", "support", "precision", "recall", "F1"), classes)]


def _compare_tables(results: Mapping[str, Any]) -> list[Table]:
    title, header, cells = tables.comparison_rows(results["rows"])
    found = [Table(title or "Results", header, cells)]
    if published := results.get("published"):
        found.append(Table("Published figures, and ours beside them", *tables.published_rows(published)))
    header, cells = tables.paired_rows(results["rows"])
    return [*found, Table("Against the first, on the same rows", header, cells)] if cells else found


def _plain_tables(results: Mapping[str, Any]) -> list[Table]:
    shown = {key: value for key, value in results.items() if key not in _ELSEWHERE}
    return [Table("Results", ("result", "value"), list(tables.flatten(shown)))]


def _svm_tables(results: Mapping[str, Any]) -> list[Table]:
    return [Table(title[0].upper() + title[1:], header, rows) for title, header, rows in svm_view.tables_of(results)]


def _shown(view: Callable[[Mapping[str, Any]], Iterable[Sequence[Any]]]) -> Callable[[Mapping[str, Any]], list[Table]]:
    """The tables of a view that gives title, header and rows of each."""
    return lambda results: [Table(*shown) for shown in view(results)]


_TABLES: dict[str, Callable[[Mapping[str, Any]], list[Table]]] = {
    "aggregate": _shown(lecture_view.shown),
    "attack": _shown(attack_view.shown),
    "bias": _shown(bias_view.shown),
    "compare": _compare_tables,
    "eda": _shown(eda_view.tables),
    "eval": _eval_tables,
    "export": _shown(export_view.shown),
    "noise": _shown(noise_view.overview),
    "saliency": _shown(saliency_view.shown),
    "svm": _svm_tables,
    "transfer apply": _shown(translation_view.shown),
    "tsne": _shown(tsne_view.shown),
    "worst-labels": _shown(labels_view.shown),
}
