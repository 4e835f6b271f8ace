"""`fer noise`: accuracy under corruption."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import catalog, files, options, provenance
from fer_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fer_cli.analysis.noise.images import Subject
    from fer_cli.analysis.noise.levels import Level
    from fer_cli.analysis.noise.sweep import Sweep
    from fer_cli.analysis.published import Published
    from fer_cli.models import Scorer
    from fer_cli.reports.terminal import Terminal
    from fer_cli.store.reader import Dataset

#: Of the study that this command repeats; on the scale 0..1.
VARIANCES = "0,0.01,0.05,0.07,0.1,0.15,0.2"


def _variances(ctx: click.Context, param: click.Parameter, value: str | None) -> list[float] | None:
    try:
        found = None if value is None else [float(part) for part in value.split(",")]
    except ValueError:
        found = [math.nan]
    if found is not None and not all(0 <= variance <= 1 for variance in found):
        raise click.BadParameter(f"expected numbers from 0 to 1 separated by commas, not {value!r}", ctx, param)
    return found


@click.command()
@options.models_and_dataset_arg
@options.split_opt()
@click.option(
    "--variances",
    metavar="V,V,...",
    callback=_variances,
    help=f"Variances of Gaussian noise on the scale 0..1.  [default: {VARIANCES}, or none with --kind]",
)
@click.option(
    "--kind",
    "kinds",
    type=click.Choice([*catalog.CORRUPTIONS, "all"]),
    multiple=True,
    metavar="NAME",
    help=f"A corruption in severities 1 to 5, or all; may be given again. One of {', '.join(catalog.CORRUPTIONS)}.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1),
    metavar="N",
    help="How often the noise of a level is drawn.  [default: 10 for variances, 1 for severities]",
)
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    metavar="MODEL",
    help="Divide the errors of each --kind by this model's: mCE and relative mCE.",
)
@click.option(
    "--published",
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="Table as for fer compare, of figures to stand beside ours; named clean, variance-0.05, fog-3 and so on.",
)
@options.limit_opt
@options.classes_opt
@options.batch_size_opt
@options.output_opt("Folder for the results.  [default: results/noise-MODEL-SPLIT]", required=False)
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
    """Score MODELs on DATASET while its images get worse: Gaussian noise, or the corruptions named by --kind.

    Images are corrupted in their own size, clipped to 0..255, and then brought to what a network takes. Each accuracy
    is the mean over all repeats; its interval is a bootstrap over the rows, each with all its repeats. Several MODELs
    see the same pixels, and each is tested against the first.
    """
    from fer_cli.reports import noise_view
    from fer_cli.reports.terminal import Terminal

    names = [path.stem for path in models]
    output = output or Path("results", "-".join(["noise", *names, settings["split"]]))
    options.claim(output, overwrite)
    terminal = Terminal(as_json, quiet)
    record = _measure(models, dataset, settings, output, terminal)
    noise_view.show(terminal, record["results"])
    terminal.log(f"results in {output}")
    terminal.finish(record)


def _measure(
    models: tuple[Path, ...], path: Path, settings: dict[str, Any], output: Path, terminal: Terminal
) -> dict[str, Any]:
    from fer_cli import framework
    from fer_cli.analysis.published import read_published
    from fer_cli.store.reader import open_dataset

    published = read_published(settings["published"]) if settings["published"] else []
    with open_dataset(path) as dataset:
        levels, subject = _levels(settings, dataset), _subject(dataset, settings)
        framework.load()
        from fer_cli.analysis.noise.sweep import passes, sweep

        loaded, reference = _load(models, settings)
        images = len({id(model) for model in (*loaded, reference or loaded[0])}) * passes(levels) * len(subject.labels)
        with terminal.progress("images", images) as advance:
            found = sweep(loaded, subject, levels, reference, settings["batch_size"], settings["seed"], advance)
        results = _results(found, loaded, dataset, subject, published, settings)
        parameters = {key: str(value) if isinstance(value, Path) else value for key, value in settings.items()}
        inputs = [*models, path, *(file for file in (settings["reference"], settings["published"]) if file)]
        with files.atomic_folder(output) as folder:
            _write(results, published, subject, levels, settings["seed"], folder)
            results["files"] = sorted(file.name for file in folder.iterdir())
            record = provenance.record("noise", inputs, parameters, results)
            files.write_json(folder / provenance.RESULT, record)
    return record


def _levels(settings: dict[str, Any], dataset: Dataset) -> list[Level]:
    from fer_cli.analysis.noise.levels import levels
    from fer_cli.transform.corrupt import choose

    if settings["reference"] and not settings["kinds"]:
        raise UsageError("--reference divides the errors of corruptions: expected a --kind as well. Received: none")
    kinds = choose(settings["kinds"], dataset.image_shape[2])
    variances = settings["variances"]
    if variances is None:
        variances = [] if kinds else [float(part) for part in VARIANCES.split(",")]
    return levels(variances, kinds, settings["repeats"])


def _subject(dataset: Dataset, settings: dict[str, Any]) -> Subject:
    """The rows of the split, or those that --limit leaves."""
    from fer_cli.analysis.noise.images import Chosen, Subject, chosen_rows

    split, limit = settings["split"], settings["limit"]
    dataset.require(split)
    images, labels = dataset.images(split), dataset.labels(split)
    if limit is None:
        return Subject(images, labels, dataset.class_names, dataset.transforms)
    rows = chosen_rows(labels, limit, settings["seed"])
    return Subject(Chosen(images, rows), labels[rows], dataset.class_names, dataset.transforms)


def _load(models: tuple[Path, ...], settings: dict[str, Any]) -> tuple[list[Scorer], Scorer | None]:
    """The MODELs, and the reference, which may be one of them."""
    from fer_cli.scorers import load_scorer

    classes = settings["classes"].split(",") if settings["classes"] else None
    loaded: dict[Path, Scorer] = {path: load_scorer(path, classes) for path in dict.fromkeys(models)}
    path = settings["reference"]
    if path is None:
        return list(loaded.values()), None
    return list(loaded.values()), loaded[path] if path in loaded else load_scorer(path, classes)


def _results(
    found: Sweep,
    models: Sequence[Scorer],
    dataset: Dataset,
    subject: Subject,
    published: Sequence[Published],
    settings: dict[str, Any],
) -> dict[str, Any]:
    from fer_cli.analysis.noise.published import beside_levels
    from fer_cli.analysis.predict import adaptation, correction_warning
    from fer_cli.datasets.splits import known_leaks

    warnings = [correction_warning(model, dataset.transforms, str(dataset.path)) for model in models]
    adapted = {str(model.path): adaptation(model, dataset.image_shape) for model in models}
    return {
        "models": [str(model.path) for model in models],
        "dataset": str(dataset.path),
        "split": settings["split"],
        "n": len(subject.labels),
        "limit": settings["limit"],
        **found.results(),
        "published": beside_levels(published, found.scores, dataset.path, settings["split"]),
        "warnings": [
            *(warning for warning in warnings if warning),
            *(f"these scores may be too good: {leak}" for leak in known_leaks(dataset.provenance)),
        ],
        "notes": [
            f"{path}: images adapted from {how}, after they were corrupted" for path, how in adapted.items() if how
        ],
    }


def _write(
    results: dict[str, Any],
    published: Sequence[Published],
    subject: Subject,
    levels: Sequence[Level],
    seed: int,
    folder: Path,
) -> None:
    """Tables and figures."""
    from fer_cli.analysis.noise.levels import VARIANCE
    from fer_cli.analysis.noise.published import label, variance_points
    from fer_cli.analysis.noise.samples import samples
    from fer_cli.reports import noise_figures, noise_view, tables

    csvs = {
        "levels": noise_view.level_rows(results),
        "repeats": noise_view.repeat_rows(results),
        "paired": noise_view.paired_rows(results),
        "corruptions": noise_view.corruption_rows(results),
    }
    for name, rows in csvs.items():
        if rows:
            tables.write_csv(folder / f"{name}.csv", rows)
    if any(level.kind == VARIANCE for level in levels):
        points = variance_points(published)
        noise_figures.variance_curves(results, points, label(published), folder / "accuracy_against_variance.png")
        if any(level.repeats > 1 for level in levels if level.kind == VARIANCE):
            noise_figures.repeat_boxes(results, folder / "repeats.png")
    if noise_view.kinds(results):
        noise_figures.severity_curves(results, folder / "severity.png")
        noise_figures.errors_by_kind(results, folder / "corruption_errors.png")
    noise_figures.samples(samples(subject, levels, seed), folder / "corrupted_faces.png")
