"""`fer attack`: how a network stands images that are made to mislead it."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import catalog, files, options, provenance
from fer_cli.errors import UsageError

if TYPE_CHECKING:
    from fer_cli.analysis.attack.examples import Examples
    from fer_cli.analysis.attack.experiment import Experiment, Observer, Point, Probabilities
    from fer_cli.analysis.attack.plan import Task
    from fer_cli.analysis.attack.published import Published
    from fer_cli.analysis.attack.save import Saver
    from fer_cli.analysis.attack.versus import Versus
    from fer_cli.reports.terminal import Terminal
    from fer_cli.store.reader import Dataset

#: Stands for every method.
ALL = "all"


@click.command()
@options.model_and_dataset_arg
@click.option(
    "--method",
    "methods",
    multiple=True,
    default=("pgd",),
    show_default=True,
    type=click.Choice((*catalog.ATTACKS, ALL)),
    help="The attack; may be repeated. `all` leaves out what cannot do as asked.",
)
@click.option(
    "--norm",
    type=click.Choice(("inf", "2", "0")),
    help="What epsilon bounds: the largest change of a pixel, the Euclidean length of the change, or the part of the "
    "area that may change in any way.  [default: inf, or the method's own]",
)
@click.option(
    "--epsilon",
    "epsilons",
    multiple=True,
    metavar="E",
    type=options.Fraction(math.inf),
    help="Bound of the change, for pixels of 0..1: 4/255 or 0.01; may be repeated.  [default: nine from 0.001 to 0.05 "
    "for inf, six from 0.05 to 2 for 2, four from 0.01 to 0.1 for 0]",
)
@click.option(
    "--target",
    metavar="CLASS",
    shell_complete=options.suggest_class,
    help="The class that faces of all others are to be taken for.",
)
@click.option(
    "--restarts", type=click.IntRange(1), default=1, show_default=True, help="Tries of a method that draws by chance."
)
@click.option("--steps", type=click.IntRange(1), help="Steps of a method that makes several.  [default: its own]")
@click.option(
    "--craft-on",
    metavar="OTHER.keras",
    type=click.Path(path_type=Path),
    help="Black-box transfer: make the images with this network, and show them to MODEL, which may be no network.",
)
@click.option(
    "--checks/--no-checks",
    default=True,
    show_default=True,
    help="Run FGSM, PGD and Square on 100 rows, where they were not asked for, to see whether the gradient misleads.",
)
@click.option(
    "--save",
    metavar="NAME.h5",
    type=click.Path(path_type=Path),
    help="Write the attacked images of the largest epsilon, rounded to 8 bits, as a dataset file.",
)
@click.option(
    "--published",
    metavar="CSV",
    type=click.Path(path_type=Path),
    help="Others' figures for the graph: a table with the columns epsilon, accuracy and source, and norm.",
)
@click.option(
    "--versus",
    multiple=True,
    metavar="RESULT",
    type=click.Path(path_type=Path),
    help="Result of fer attack on the same rows, such as another network's, for the graph; may be repeated.",
)
@options.split_opt()
@options.limit_opt
@options.classes_opt
@options.batch_size_opt
@options.output_opt("Folder for the results.  [default: results/attack-MODEL-SPLIT]", required=False)
@options.common
def command(
    model: Path, dataset: Path, output: Path | None, overwrite: bool, as_json: bool, quiet: bool, **asked: Any
) -> None:
    """Attack MODEL with the faces of DATASET, changed so little that an eye would not see it.

    The folder holds result.json, attack.csv, the accuracy against epsilon, the confusion matrix under the strongest
    attack, and for each method a sheet of faces: clean, their change, attacked.
    """
    from fer_cli.reports import attack_view
    from fer_cli.reports.terminal import Terminal

    output = output or Path("results", f"attack-{model.stem}-{asked['split']}")
    _check_outputs(output, asked, overwrite)
    terminal = Terminal(as_json, quiet)
    record = _attack(model, dataset, asked, output, terminal)
    attack_view.show(terminal, record["results"])
    terminal.log(f"results in {output}")
    terminal.finish(record)


def _check_outputs(output: Path, asked: dict[str, Any], overwrite: bool) -> None:
    options.claim(output, overwrite)
    if save := asked["save"]:
        if len(asked["methods"]) > 1 or ALL in asked["methods"]:
            raise UsageError(f"--save: expected one --method. Received: {', '.join(asked['methods'])}")
        if save.suffix not in options.DATASET_ENDINGS:
            endings = " or ".join(sorted(options.DATASET_ENDINGS))
            raise UsageError(f"--save {save}: expected a name that ends in {endings}")
        options.claim(save, overwrite)


def _attack(model: Path, path: Path, asked: dict[str, Any], output: Path, terminal: Terminal) -> dict[str, Any]:
    """Open what is named, attack, and write the results; the record."""
    from fer_cli import framework
    from fer_cli.store.reader import open_dataset

    framework.load()
    from fer_cli.analysis.attack.plan import plan
    from fer_cli.analysis.attack.published import read_published
    from fer_cli.analysis.attack.save import saving
    from fer_cli.analysis.attack.versus import read_versus

    targeted = asked["target"] is not None
    tasks = plan(asked["methods"], asked["norm"], asked["epsilons"], targeted, asked["steps"])
    published = read_published(asked["published"]) if asked["published"] else []
    beside = [provenance.result_file(other) for other in asked["versus"]]
    inputs = [path_ for path_ in (model, path, asked["craft_on"], asked["published"], *beside) if path_]
    with open_dataset(path) as dataset, contextlib.ExitStack() as stack:
        dataset.require(asked["split"])
        experiment = _experiment(model, dataset, asked)
        versus = read_versus(asked["versus"], asked["split"], len(experiment.rows))
        saver = stack.enter_context(saving(asked["save"], tasks[0], experiment)) if asked["save"] else None
        points, clean, examples = _run(experiment, tasks, saver, terminal)
        results = _results(experiment, points, clean, asked["checks"])
        results["saved"] = saver.results() if saver else None
        with files.atomic_folder(output) as folder:
            results["files"] = _write(results, examples, published, versus, folder)
            record = provenance.record("attack", inputs, _parameters(asked, tasks), results)
            files.write_json(folder / provenance.RESULT, record)
        if saver:
            saver.finish(record)
    return record


def _experiment(model: Path, dataset: Dataset, asked: dict[str, Any]) -> Experiment:
    from fer_cli.analysis.attack.experiment import Experiment
    from fer_cli.analysis.attack.plan import Settings
    from fer_cli.models import load_model
    from fer_cli.scorers import load_scorer

    classes = asked["classes"].split(",") if asked["classes"] else None
    settings = Settings(**{field.name: asked[field.name] for field in dataclasses.fields(Settings)})
    crafted_on = load_model(asked["craft_on"], classes) if asked["craft_on"] else None
    return Experiment(load_scorer(model, classes), dataset, asked["split"], settings, crafted_on)


def _parameters(asked: dict[str, Any], tasks: list[Task]) -> dict[str, Any]:
    paths: dict[str, Any] = {
        name: str(asked[name]) if asked[name] else None for name in ("save", "craft_on", "published")
    }
    paths["versus"] = [str(path) for path in asked["versus"]]
    return {**asked, **paths, "tasks": [dataclasses.asdict(task) for task in tasks]}


def _run(
    experiment: Experiment, tasks: list[Task], saver: Saver | None, terminal: Terminal
) -> tuple[list[Point], Probabilities, Examples]:
    """Every task's points, the answers before any attack, and faces to show."""
    from fer_cli.analysis.attack.examples import choose

    clean = experiment.clean()
    examples = choose(experiment, clean)
    observers: list[Observer] = [examples, saver] if saver else [examples]
    points = []
    with terminal.progress("attacks on images", len(clean) * sum(len(task.epsilons) for task in tasks)) as advance:
        for task in tasks:
            points += experiment.run(task, observers=observers, advance=advance)
    return points, clean, examples


def _results(experiment: Experiment, points: list[Point], clean: Probabilities, run: bool) -> dict[str, Any]:
    from fer_cli.analysis.attack.checks import check
    from fer_cli.analysis.attack.results import results

    return results(experiment, points, clean, check(experiment, points, run))


def _write(
    results: dict[str, Any], examples: Examples, published: list[Published], versus: list[Versus], folder: Path
) -> list[str]:
    """Table and figures; their names."""
    import numpy as np

    from fer_cli.reports import attack_figures, attack_view, figures, tables

    names, rows = results["class_names"], results["attacks"]
    tables.write_csv(folder / "attack.csv", attack_view.csv_rows(rows))
    title = f"{Path(results['model']).name}: {results['protocol']}, {results['split']}, n = {results['n']:,}"
    attack_figures.accuracy_against_epsilon(
        rows, results["clean"]["accuracy"], folder / "accuracy_against_epsilon.png", title, published, versus
    )
    strongest = np.array(results["strongest"]["confusion_matrix"])
    figures.confusion_matrix(strongest, names, folder / "confusion_under_attack.png")
    for method, faces in examples.found.items():
        if faces:
            attack_figures.example_sheet(faces, names, folder / f"examples-{method}.png")
    return sorted(path.name for path in folder.iterdir())
