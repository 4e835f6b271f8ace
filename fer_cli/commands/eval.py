"""`fer eval`: score one model, or several as an ensemble."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import catalog, files, options, provenance

if TYPE_CHECKING:
    from fer_cli.analysis.evaluate import Evaluation
    from fer_cli.reports.terminal import Terminal
    from fer_cli.store.reader import Dataset

#: Faces on the sheet of mistakes.
MISTAKES = 40


def _weights(ctx: click.Context, param: click.Parameter, value: str | None) -> list[float] | None:
    try:
        return None if value is None else [float(part) for part in value.split(",")]
    except ValueError:
        raise click.BadParameter(f"expected numbers separated by commas, not {value!r}", ctx, param) from None


@click.command()
@options.models_and_dataset_arg
@options.split_opt()
@click.option(
    "--tta",
    type=click.Choice(tuple(catalog.TEST_TIME)),
    default="none",
    show_default=True,
    help="Test-time augmentation: average over mirror images, or over crops and their mirror images.",
)
@click.option(
    "--weights",
    metavar="W,W,...",
    callback=_weights,
    help="Weight of each model in the ensemble's average.  [default: all the same]",
)
@click.option(
    "--search-weights", "search", is_flag=True, help="Find the weights that fit the val rows best, and use them."
)
@options.classes_opt
@options.batch_size_opt
@options.output_opt("Folder for the results.  [default: results/MODEL-SPLIT]", required=False)
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
    """Score one MODEL on DATASET, or several as an ensemble that averages their probabilities.

    The folder holds result.json, predictions.csv, per_class.csv, the confusion matrix, a reliability diagram and the
    most confident mistakes.
    """
    from fer_cli.reports.terminal import Terminal

    output = output or _default_folder(models, settings["split"], settings["tta"])
    options.claim(output, overwrite)
    terminal = Terminal(as_json, quiet)
    record = _evaluate(models, dataset, settings, output, terminal)
    _show(record["results"], terminal)
    terminal.log(f"results in {output}")
    terminal.finish(record)


def _default_folder(models: tuple[Path, ...], split: str, tta: str) -> Path:
    parts = [*(path.stem for path in models), split, *([] if tta == "none" else [tta])]
    return Path("results") / "-".join(parts)


def _evaluate(
    models: tuple[Path, ...], path: Path, settings: dict[str, Any], output: Path, terminal: Terminal
) -> dict[str, Any]:
    from fer_cli import framework
    from fer_cli.datasets.splits import known_leaks
    from fer_cli.store.reader import open_dataset

    framework.load()
    from fer_cli.analysis.evaluate import choose_weights, evaluate, passes
    from fer_cli.scorers import load_scorer

    choose_weights(settings["weights"], settings["search"], len(models))
    classes = settings["classes"].split(",") if settings["classes"] else None
    with open_dataset(path) as dataset:
        dataset.require(settings["split"])
        loaded = [load_scorer(model, classes) for model in models]
        options_ = {name: settings[name] for name in ("split", "tta", "weights", "search", "batch_size", "seed")}
        total = passes(dataset, settings["split"], settings["search"], len(models))
        with terminal.progress("images", total) as advance:
            evaluation = evaluate(loaded, dataset, **options_, advance=advance)
        with files.atomic_folder(output) as folder:
            names = _write(evaluation, dataset, folder)
            results = {
                "dataset": str(path),
                "leaks": known_leaks(dataset.provenance),
                **evaluation.results(),
                "files": names,
            }
            record = provenance.record("eval", [*models, path], settings, results)
            files.write_json(folder / provenance.RESULT, record)
    return record


def _write(evaluation: Evaluation, dataset: Dataset, folder: Path) -> list[str]:
    """Tables and figures; their names."""
    import numpy as np

    from fer_cli.analysis import scores
    from fer_cli.analysis.predictions import FILE, write_predictions
    from fer_cli.reports import figures, tables

    labels, probabilities = evaluation.labels, evaluation.probabilities
    write_predictions(folder / FILE, evaluation.class_names, evaluation.sources, labels, probabilities)
    tables.write_csv(folder / "per_class.csv", evaluation.per_class())
    figures.confusion_matrix(evaluation.counts, evaluation.class_names, folder / "confusion_matrix.png")
    bins = scores.calibration(labels, probabilities)
    figures.reliability(bins.confidence, bins.accuracy, bins.counts, bins.error, folder / "reliability.png")
    rows = evaluation.confident_mistakes(MISTAKES)
    if len(rows):
        names = np.array(evaluation.class_names)
        given, predicted = names[labels[rows]], names[evaluation.predictions[rows]]
        captions = [f"{g} →\n{p} {c:.2f}" for g, p, c in zip(given, predicted, probabilities[rows].max(1), strict=True)]
        figures.face_sheet(dataset.images(evaluation.split).take(rows), captions, folder / "mistakes.png")
    return sorted(path.name for path in folder.iterdir())


def _show(results: dict[str, Any], terminal: Terminal) -> None:
    """Two tables: the scores, and the scores of each class."""
    from fer_cli.reports import tables

    title = f"{Path(results['dataset']).name}, {results['split']}, n = {results['n']:,}, {results['protocol']}"
    terminal.table(title, ("score", "value", "95 % interval"), tables.score_rows(results))
    for line in results["leaks"]:
        terminal.warn(f"these scores may be too good: {line}")
    for member in results["members"]:
        if member["adapted"]:
            terminal.log(f"{member['path']}: images adapted from {member['adapted']}")
        if member["illumination"]:
            terminal.log(
                f"{member['path']}: illumination corrected as in training: {', '.join(member['illumination'])}"
            )
    for warning in results["warnings"]:
        terminal.warn(warning)
    if search := results.get("weight_search"):
        terminal.log(
            f"weights found on {search['split']} (n = {search['n']:,}): mean log-loss {search['log_loss']:.4f}, "
            f"with equal weights {search['log_loss_equal']:.4f}"
        )
    if len(results["members"]) > 1:
        terminal.table("members", ("model", "weight", "accuracy", "macro F1"), tables.member_rows(results["members"]))
    header = ("class", "support", "precision", "recall", "F1")
    terminal.table("by class", header, [list(row.values()) for row in results["per_class"]])
