"""`fer worst-labels`: labels that are probably wrong, a page to decide about them, and a dataset without them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import files, label_options, options, provenance, training_options
from fer_cli.training.settings import Settings

if TYPE_CHECKING:
    from fer_cli.analysis.labels.answers import Answers
    from fer_cli.analysis.labels.judges import Known
    from fer_cli.analysis.labels.ranking import Ranking
    from fer_cli.datasets.relabel import Decision
    from fer_cli.reports.terminal import Terminal
    from fer_cli.store.reader import Dataset


@dataclass(frozen=True)
class _Task:
    """A ranking that is asked for: by `model`, or by cross-validation where that is None.

    cleaned: the dataset file to write without the worst, or None. own: what `label_options` pass.
    """

    model: Path | None
    folder: Path
    cleaned: Path | None
    overwrite: bool
    own: dict[str, Any]
    settings: Settings

    @property
    def split(self) -> str:
        return label_options.TRAIN if self.model is None else str(self.own["split"])


@click.command(cls=training_options.Sectioned)
@options.optional_model_and_dataset_arg
@training_options.training
@label_options.labels
@options.common
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: Path | None,
    dataset: Path,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **asked: Any,
) -> None:
    """Find the labels of DATASET that are probably wrong: faces that MODEL names otherwise, the worst first.

    The folder holds result.json, suspects.csv with all suspects, predictions.csv, and the first --top as a contact
    sheet (given → suggested) and, with --html, as a page. There each one is accepted, rejected or corrected with the
    keyboard, and the decisions are saved as a table; --apply makes a dataset of them that remembers the labels it had.
    Where the dataset has votes, those of a relabelled row become the one class that was decided for.

    A model knows the labels that it was trained on. For train rows use --cross-validate, whose folds never divide the
    pictures of a person or identical images; the options in the sections above are those of fer train, for it alone.

    On faces with known truth (fer prepare synthetic --label-noise 0.05) the precision among as many suspects as there
    are wrong labels is told, too.
    """
    from fer_cli.reports import labels_view
    from fer_cli.reports.terminal import Terminal

    own = {name: asked[name] for name in label_options.NAMES}
    label_options.check(ctx, model, output, own)
    terminal = Terminal(as_json, quiet)
    if output is not None and (own["decisions"] or own["ranking"]):
        record = _clean(dataset, output, overwrite, own, terminal)
    else:
        of_training = {name: value for name, value in asked.items() if name == "batch_size" or name not in own}
        settings = training_options.settings_asked(**of_training)
        record = _rank(_task(model, output, overwrite, own, settings), dataset, terminal)
    labels_view.show(terminal, record["results"])
    terminal.finish(record)


def _clean(path: Path, output: Path, overwrite: bool, own: dict[str, Any], terminal: Terminal) -> dict[str, Any]:
    """Write the dataset that earlier decisions, or an earlier ranking, make of this one; the record."""
    from fer_cli.analysis.labels.ranking import read_suspects
    from fer_cli.datasets import relabel
    from fer_cli.store.reader import open_dataset

    options.claim(output, overwrite)
    if own["decisions"]:
        decisions = relabel.read_decisions(own["decisions"])
    else:
        decisions = read_suspects(own["ranking"], own["drop"] or own["correct"], _decision(own))
    parameters = {name: own[name] and str(own[name]) for name in ("decisions", "ranking")}
    parameters |= {name: own[name] for name in ("drop", "correct")}
    record = provenance.record("worst-labels", [path, own["decisions"] or own["ranking"]], parameters, {})
    # Without a memory budget the rows are streamed.
    with open_dataset(path, budget=0) as dataset, terminal.progress("writing images", len(dataset)) as advance:
        record["results"] = relabel.clean(dataset, output, decisions, record, advance)
    return record


def _decision(own: dict[str, Any]) -> str:
    from fer_cli.datasets.relabel import ACCEPT, DROP

    return DROP if own["drop"] else ACCEPT


def _task(model: Path | None, output: Path | None, overwrite: bool, own: dict[str, Any], settings: Settings) -> _Task:
    """Where the ranking goes; what is there is refused."""
    if own["folds"] is None:
        model = model or options.default_model()
    who = model.stem if model else f"{settings.architecture.replace(':', '-')}-{own['folds']}-folds"
    cleaned = output if own["drop"] or own["correct"] else None
    default = Path("results", f"worst-labels-{who}-{own['split'] if model else label_options.TRAIN}")
    folder = cleaned.with_suffix(".suspects") if cleaned else output or default
    for place in (cleaned, folder):
        if place is not None:
            options.claim(place, overwrite)
    return _Task(model, folder, cleaned, overwrite, own, settings)


def _rank(task: _Task, path: Path, terminal: Terminal) -> dict[str, Any]:
    """Ask, rank, and write what was asked for; the record."""
    from fer_cli import framework
    from fer_cli.analysis.labels import judges, methods
    from fer_cli.analysis.labels.ranking import rank
    from fer_cli.store.reader import open_dataset

    methods.require(task.own["method"])
    framework.load()
    with open_dataset(path) as dataset:
        dataset.require(task.split)
        # Before any model answers: a wrong table should not cost a minute, or hours.
        known = judges.known(dataset, task.split, task.own["votes"])
        answers = _ask(task.model, task, dataset, terminal) if task.model else _cross_validate(task, dataset, terminal)
        record = _write(task, rank(answers, task.own["method"]), known, dataset, terminal)
    if not task.model:
        from fer_cli.training.cross_validate import remove

        remove(_work(task))
    terminal.log(f"results in {task.folder}")
    return record


def _ask(model: Path, task: _Task, dataset: Dataset, terminal: Terminal) -> Answers:
    from fer_cli.analysis.labels.answers import answers_of
    from fer_cli.scorers import load_scorer

    loaded = load_scorer(model, task.own["classes"].split(",") if task.own["classes"] else None)
    with terminal.progress("images", dataset.count(task.split)) as advance:
        return answers_of(loaded, dataset, task.split, task.own["batch_size"], advance)


def _work(task: _Task) -> Path:
    """The folder of the runs of a cross-validation."""
    return task.folder.with_name(f"{task.folder.name}.folds")


def _cross_validate(task: _Task, dataset: Dataset, terminal: Terminal) -> Answers:
    from fer_cli.reports.training_view import training_view
    from fer_cli.training.cross_validate import cross_validate, remove

    resume = task.own["resume"]
    if task.overwrite and not resume:
        remove(_work(task))
    folds, settings = task.own["folds"], task.settings
    return cross_validate(
        dataset, settings, folds, _work(task), lambda: training_view(terminal), resume, terminal.log, terminal.warn
    )


def _write(task: _Task, ranking: Ranking, known: Known, dataset: Dataset, terminal: Terminal) -> dict[str, Any]:
    """Fill the folder, and write the cleaned dataset where one is asked for; the record."""
    from fer_cli.analysis.labels.results import results
    from fer_cli.datasets import relabel
    from fer_cli.datasets.splits import known_leaks
    from fer_cli.reports import labels_files

    own, votes = task.own, task.own["votes"]
    inputs = [each for each in (task.model, dataset.path, votes) if each]
    training = None if task.model else task.settings.as_dict()
    parameters = {**own, "votes": votes and str(votes), "seed": task.settings.seed, "training": training}
    record = provenance.record("worst-labels", inputs, parameters, {})
    found = {
        "dataset": str(dataset.path),
        **results(ranking, known, own["top"], task.settings.seed),
        "leaks": known_leaks(dataset.provenance),
        "cleaned": None,
        "notes": [],
    }
    if task.cleaned:
        decisions: list[Decision] = ranking.worst(own["drop"] or own["correct"], _decision(own))
        with terminal.progress("writing images", len(dataset)) as advance:
            found["cleaned"] = relabel.clean(dataset, task.cleaned, decisions, record, advance)
        found["notes"] = found["cleaned"]["notes"]
    with files.atomic_folder(task.folder) as folder:
        page = provenance.command_line() if own["html"] else None
        found["files"] = labels_files.write(folder, ranking, known.majority, dataset.images(task.split), found, page)
        record["results"] = found
        files.write_json(folder / provenance.RESULT, record)
    return record
