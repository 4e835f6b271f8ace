"""`fer svm`: classical baselines with a search for their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import catalog, files, options, provenance

if TYPE_CHECKING:
    from fer_cli.classical.outcome import Outcome
    from fer_cli.classical.search import Plan
    from fer_cli.classical.study import Bench
    from fer_cli.reports.terminal import Terminal
    from fer_cli.store.reader import Dataset

_BACKENDS = ("threads", "processes", "dask")


def _names(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(catalog.CLASSIFIERS) if "all" in values else tuple(dict.fromkeys(values))


@click.command()
@options.dataset_arg
@click.option(
    "--model", "names", multiple=True, type=click.Choice([*catalog.CLASSIFIERS, "all"]), default=["svm-rbf"],
    show_default=True, callback=_names, help="Classifier; several times for several.",
)  # fmt: skip
@click.option(
    "--features", default="pca:0.90", show_default=True, metavar="TEXT",
    shell_complete=options.suggest(*catalog.FEATURES, "pca:"),
    help="What the classifier sees: pixels, hog, lbp, keypoints, embedding:MODEL.keras, joined by +, and pca:SIZE.",
)  # fmt: skip
@click.option(
    "--grid", default="default", show_default=True, metavar="default|none|FILE",
    shell_complete=options.suggest("default", "none", paths=True), help="Parameters to try; see below.",
)  # fmt: skip
@click.option("--folds", type=click.IntRange(2, 100), default=10, show_default=True, help="Of the cross-validation.")
@click.option("--subsample", type=click.IntRange(1), metavar="N", help="Search on N train rows; fit on all of them.")
@click.option(
    "--halving", is_flag=True, help="Successive halving: few rows for all settings, more for the better ones."
)
@click.option("--accel", is_flag=True, help="Fit kernel machines with scikit-learn-intelex.")
@click.option("--backend", type=click.Choice(_BACKENDS), default="threads", show_default=True, help="Who fits.")
@click.option("--scheduler", metavar="ADDRESS", help="The scheduler of the cluster for --backend dask.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Fits at a time.  [default: one a core]")
@click.option(
    "--versus", type=click.Path(path_type=Path), metavar="RESULT", help="Result to stand beside, such as a network's."
)
@options.split_opt()
@options.output_opt("Folder for the results.  [default: results/MODEL]", required=False)
@options.common
def command(
    dataset: Path, names: tuple[str, ...], output: Path | None, overwrite: bool, as_json: bool, quiet: bool, **how: Any
) -> None:
    """Fit classical classifiers on the train rows of DATASET and score them on its val rows.

    Parameters are chosen by cross-validation on the train rows alone, in which no person, or where persons are not
    known no identical image, is in two folds. Then the classifier is fitted on all train rows. The folder holds
    NAME.skops, which `fer eval` scores like a network, cv.csv with every fit, predictions.csv, the confusion matrix,
    bars before and after tuning, and result.json; with several classifiers, a folder each.

    A --grid FILE is TOML or JSON: a list of values for each parameter of the scikit-learn classifier, in a table for
    each classifier where there are several, such as

    \b
      [svm-rbf]
      C = [1, 10, 100]
      gamma = ["auto", 0.01]
      kernel = ["rbf", "linear"]
    """
    from fer_cli.reports import svm_view
    from fer_cli.reports.terminal import Terminal

    output = output or Path("results", "-".join(names))
    options.claim(output, overwrite)
    terminal = Terminal(as_json, quiet)
    record = _study(dataset, names, how, output, terminal)
    svm_view.show(terminal, record["results"])
    terminal.log(f"results in {output}")
    terminal.finish(record)


def _study(path: Path, names: Sequence[str], how: dict[str, Any], output: Path, terminal: Terminal) -> dict[str, Any]:
    """Fit and write one classifier after the other; the record of all."""
    from fer_cli.classical.grids import read_grids
    from fer_cli.classical.versus import read_versus
    from fer_cli.store.reader import open_dataset

    grids = read_grids(how["grid"], names)
    versus = read_versus(how["versus"], path, how["split"])
    parameters = {**how, "versus": how["versus"] and str(how["versus"])}
    rows = []
    with open_dataset(path) as dataset:
        bench = _bench(dataset, how, terminal)
        for name in names:
            folder = output if len(names) == 1 else output / name
            with files.atomic_folder(folder) as temporary:
                outcome = _fit(name, grids[name], bench, temporary, folder, terminal)
                results = _write(outcome, dataset, versus, temporary)
                record = provenance.record("svm", [path], {"model": name, **parameters}, results)
                files.write_json(temporary / provenance.RESULT, record)
            rows.append(results)
    return record if len(names) == 1 else _summary(path, names, parameters, rows, versus, output)


def _bench(dataset: Dataset, how: dict[str, Any], terminal: Terminal) -> Bench:
    """What all classifiers share: features, folds, PCA."""
    from fer_cli import framework
    from fer_cli.classical import accelerate, study
    from fer_cli.classical.features import parse

    if how["accel"]:
        accelerate.load()
    if "embedding" in how["features"]:
        framework.load()
    features = parse(how["features"], transforms=dataset.transforms)
    for split in ("train", how["split"]):
        dataset.require(split)
    plan = _plan(how, features.pca)
    images = dataset.count("train") + dataset.count(how["split"])
    with terminal.progress("images", images) as advance:
        return study.bench(dataset, features, how["split"], (how["folds"], how["subsample"]), plan, advance)


def _plan(how: dict[str, Any], pca: float | None) -> Plan:
    from fer_cli.classical.search import Plan
    from fer_cli.datasets.parallel import check_backend

    check_backend(how["backend"], how["scheduler"])
    same = {name: how[name] for name in ("halving", "backend", "scheduler", "jobs", "seed")}
    return Plan(pca=pca, accelerated=how["accel"], **same)


def _fit(
    name: str, settings: list[dict[str, Any]], bench: Bench, temporary: Path, folder: Path, terminal: Terminal
) -> Outcome:
    from fer_cli.classical import study
    from fer_cli.classical.search import fits

    with terminal.progress(f"{name}: fits", fits(len(settings), bench.folds, bench.plan)) as advance:
        return study.study(name, settings, bench, temporary, folder, advance)


def _write(outcome: Outcome, dataset: Dataset, versus: dict[str, Any] | None, folder: Path) -> dict[str, Any]:
    """Tables and figures of one classifier; its results."""
    from fer_cli.analysis.predictions import FILE, write_predictions
    from fer_cli.datasets.splits import known_leaks
    from fer_cli.reports import figures, svm_figures, tables

    found = outcome.evaluation
    tables.write_csv(folder / "cv.csv", outcome.cells())
    tables.write_csv(folder / "per_class.csv", found.per_class())
    write_predictions(folder / FILE, found.class_names, found.sources, found.labels, found.probabilities)
    figures.confusion_matrix(found.counts, found.class_names, folder / "confusion_matrix.png")
    results = {"dataset": str(dataset.path), "leaks": known_leaks(dataset.provenance), **outcome.results()}
    svm_figures.tuning(**svm_figures.bars([results], versus), path=folder / "tuning.png")
    return {**results, "versus": versus, "files": sorted(path.name for path in folder.iterdir())}


def _summary(
    path: Path, names: Sequence[str], parameters: dict[str, Any], rows: list[dict[str, Any]],
    versus: dict[str, Any] | None, output: Path,
) -> dict[str, Any]:  # fmt: skip
    """The record of several classifiers, which holds what tells them apart, and their figure."""
    from fer_cli.reports import svm_figures

    svm_figures.tuning(**svm_figures.bars(rows, versus), path=output / "tuning.png")
    left_out = ("confusion_matrix", "per_class", "class_names", "members", "files", "versus")
    short = [{key: value for key, value in row.items() if key not in left_out} for row in rows]
    results = {"classifiers": short, "versus": versus, "files": ["tuning.png"]}
    record = provenance.record("svm", [path], {"model": list(names), **parameters}, results)
    files.write_json(output / provenance.RESULT, record)
    return record
