"""`fer bias`: whether a model serves all groups alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import files, options, provenance
from fer_cli.errors import UsageError

if TYPE_CHECKING:
    from fer_cli.analysis.bias.groups import Grouping
    from fer_cli.analysis.bias.scores import GroupBias
    from fer_cli.analysis.evaluate import Evaluation
    from fer_cli.reports.terminal import Terminal
    from fer_cli.store.reader import Dataset

#: What `Evaluation.results` has that the result of this command repeats.
_SCORES = ("models", "split", "protocol", "n", "accuracy", "accuracy_interval", "class_names")


@click.command()
@options.models_and_dataset_arg
@click.option(
    "--by",
    multiple=True,
    metavar="NAME[,NAME...]",
    help="Attribute of DATASET that divides its rows into groups; several, joined by commas, for their intersections. "
    "May be repeated.",
)
@click.option(
    "--groups",
    "tables",
    multiple=True,
    metavar="CSV",
    type=click.Path(path_type=Path),
    help="Table of groups with the columns source and group. May be repeated.",
)
@click.option(
    "--quantiles",
    type=click.IntRange(2, 20),
    default=3,
    show_default=True,
    metavar="N",
    help="Cut an attribute that is a number into so many groups of about equal size.",
)
@click.option(
    "--edges",
    multiple=True,
    metavar="NAME=E,E,...",
    help="Cut the attribute NAME at these numbers instead. May be repeated.",
)
@click.option(
    "--min-rows",
    type=click.IntRange(1),
    default=25,
    show_default=True,
    metavar="N",
    help="Groups, and classes of a group, with fewer rows take no part in the gaps.",
)
@options.split_opt()
@options.classes_opt
@options.batch_size_opt
@options.output_opt("Folder for the results.  [default: results/bias-MODEL-SPLIT]", required=False)
@options.common
def command(
    models: tuple[Path, ...],
    dataset: Path,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Compare how MODEL, or several as an ensemble, scores the groups of DATASET.

    Accuracy and recall of each group, the largest gap and the min/max ratio with 95 % bootstrap intervals, and the
    equalised-odds gap. The largest gap is never 0: its p-value says how often a gap as large would be seen if the group
    made no difference. Where persons have several pictures, persons are drawn and not pictures.

    The folder holds result.json, predictions.csv, groups.csv, cells.csv (class × group), and for each grouping bars and
    a heat map.
    """
    from fer_cli.reports import bias_view
    from fer_cli.reports.terminal import Terminal

    output = output or Path("results", "-".join(["bias", *(path.stem for path in models), settings["split"]]))
    options.claim(output, overwrite)
    terminal = Terminal(as_json, quiet)
    record = _measure(models, dataset, settings, output, terminal)
    bias_view.show(terminal, record["results"])
    terminal.log(f"results in {output}")
    terminal.finish(record)


def _measure(
    models: tuple[Path, ...], path: Path, settings: dict[str, Any], output: Path, terminal: Terminal
) -> dict[str, Any]:
    from fer_cli import framework
    from fer_cli.analysis.bias.measure import measure
    from fer_cli.store.reader import open_dataset

    split, seed = settings["split"], settings["seed"]
    with open_dataset(path) as dataset:
        dataset.require(split)
        # Before the model answers: a misspelt attribute should not cost a minute.
        groupings = _groupings(dataset, settings)
        framework.load()
        evaluation = _evaluate(models, dataset, settings, terminal)
        found = measure(
            groupings,
            evaluation.labels,
            evaluation.predictions,
            evaluation.class_names,
            dataset.subjects(split),
            settings["min_rows"],
            seed,
        )
        with files.atomic_folder(output) as folder:
            names = _write(found, evaluation, folder)
            results = {"dataset": str(path), **_results(found, evaluation, dataset), "files": names}
            record = provenance.record("bias", [*models, *settings["tables"], path], _plain(settings), results)
            files.write_json(folder / provenance.RESULT, record)
    return record


def _groupings(dataset: Dataset, settings: dict[str, Any]) -> list[Grouping]:
    from fer_cli.analysis.bias import groups

    split, edges = settings["split"], groups.parse_edges(settings["edges"])
    if not settings["by"] and not settings["tables"]:
        known = ", ".join(dataset.attribute_names) or "no attributes"
        raise UsageError(f"expected groups: --by ATTRIBUTE or --groups CSV; {dataset.path} has {known}")
    if unused := sorted(edges.keys() - {name for by in settings["by"] for name in by.split(",")}):
        raise UsageError(f"--edges {unused[0]}: expected an attribute named by --by")
    found = [groups.from_dataset(dataset, split, by, settings["quantiles"], edges) for by in settings["by"]]
    found += [groups.from_table(table, dataset.sources(split)) for table in settings["tables"]]
    names = [files.plain_name(grouping.by) for grouping in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"--by, --groups: expected groupings of different names. Received twice: {twice[0]}")
    return found


def _evaluate(models: Sequence[Path], dataset: Dataset, settings: dict[str, Any], terminal: Terminal) -> Evaluation:
    from fer_cli.analysis.evaluate import evaluate
    from fer_cli.scorers import load_scorer

    classes = settings["classes"].split(",") if settings["classes"] else None
    loaded = [load_scorer(model, classes) for model in models]
    asked = {name: settings[name] for name in ("split", "batch_size", "seed")}
    with terminal.progress("images", len(models) * dataset.count(settings["split"])) as advance:
        return evaluate(loaded, dataset, **asked, advance=advance)


def _results(found: list[GroupBias], evaluation: Evaluation, dataset: Dataset) -> dict[str, Any]:
    from fer_cli.datasets.splits import known_leaks
    from fer_cli.datasets.thin import known_thinnings

    scored, thinned = evaluation.results(), known_thinnings(dataset.provenance)
    notes = [note for bias in found for note in bias.notes]
    notes += [f"{dataset.path}: of the train rows, {line} was kept" for line in thinned]
    notes.append(
        f"p (Holm) is raised for the number of gaps tested together: {len(found)} of accuracy, "
        "and of recall those of all classes of a grouping"
    )
    return {
        **{name: scored[name] for name in _SCORES},
        "leaks": known_leaks(dataset.provenance),
        "thinned": thinned,
        "groupings": [bias.results() for bias in found],
        "warnings": [*scored["warnings"], *(f"{bias.by}: {line}" for bias in found for line in bias.warnings)],
        "notes": notes,
    }


def _write(found: list[GroupBias], evaluation: Evaluation, folder: Path) -> list[str]:
    """Tables and figures; their names."""
    from fer_cli.analysis.predictions import FILE, write_predictions
    from fer_cli.reports import bias_figures, bias_view, tables

    accuracy = float((evaluation.predictions == evaluation.labels).mean())
    write_predictions(
        folder / FILE, evaluation.class_names, evaluation.sources, evaluation.labels, evaluation.probabilities
    )
    groupings = [bias.results() for bias in found]
    tables.write_csv(folder / "groups.csv", bias_view.group_rows(groupings))
    tables.write_csv(folder / "cells.csv", bias_view.cell_rows(groupings))
    for bias in found:
        bias_figures.accuracy_bars(bias, accuracy, folder / f"accuracy_by_{files.plain_name(bias.by)}.png")
        bias_figures.recall_map(bias, folder / f"recall_by_{files.plain_name(bias.by)}.png")
    return sorted(path.name for path in folder.iterdir())


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    return {**settings, "tables": [str(path) for path in settings["tables"]]}
