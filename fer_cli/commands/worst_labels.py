"""`fer worst-labels`: labels that are probably wrong, a page to decide about them, and a dataset without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from fer_cli import catalog, files, options, provenance, training_options
from fer_cli.errors import UsageError
from fer_cli.training.settings import Settings

if TYPE_CHECKING:
    from fer_cli.analysis.labels.answers import Answers
    from fer_cli.analysis.labels.judges import Known
    from fer_cli.analysis.labels.ranking import Ranking
    from fer_cli.datasets.relabel import Decision
    from fer_cli.reports.terminal import Terminal
    from fer_cli.store.reader import Dataset

#: Options of the command's own; all others but the common ones are of the training of --cross-validate.
_OWN = (
    "split", "top", "method", "votes", "html", "folds", "resume", "decisions", "ranking", "drop", "correct", "classes",
    "batch_size",
)  # fmt: skip
_COMMON = {"model", "dataset", "output", "overwrite", "seed", "as_json", "quiet"}
#: Those that have a meaning where the decisions are there already.
_CLEANING = {"decisions", "ranking", "drop", "correct", *_COMMON}
#: The split that can be cross-validated.
_TRAIN = "train"


@dataclass(frozen=True)
class _Task:
    """A ranking that is asked for: by `model`, or by cross-validation where that is None.

    cleaned: the dataset file to write without the worst, or None. own: options of `_OWN`.
    """

    model: Path | None
    folder: Path
    cleaned: Path | None
    overwrite: bool
    own: dict[str, Any]
    settings: Settings

    @property
    def split(self) -> str:
        return _TRAIN if self.model is None else str(self.own["split"])


@click.command(cls=training_options.Sectioned)
@options.optional_model_and_dataset_arg
@training_options.training
@options.split_opt()
@click.option("--top", type=click.IntRange(1), default=24, show_default=True, metavar="N", help="Suspects to show.")
@click.option(
    "--method",
    type=click.Choice(tuple(catalog.LABEL_METHODS)),
    default="mistakes",
    show_default=True,
    help="How suspects are ranked: by the probability of the wrong class, or by cleanlab (the extra labels).",
)
@click.option(
    "--votes",
    metavar="CSV",
    type=click.Path(path_type=Path),
    help="FER+ votes (fer2013new.csv): tell whether their majority sides with the label or with the model.",
)
@click.option("--html", is_flag=True, help="Write review.html, a page to decide about the suspects shown.")
@click.option(
    "--cross-validate",
    "folds",
    type=click.IntRange(2, 255),
    metavar="K",
    help="Instead of MODEL: train K networks (--arch and all other options of fer train), each of which answers for "
    "the train rows that it has not seen.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted --cross-validate.")
@click.option(
    "--apply",
    "decisions",
    metavar="CSV",
    type=click.Path(path_type=Path),
    help="Write DATASET with what was decided on the page; -o names the new file.",
)
@click.option("--drop-worst", "drop", type=click.IntRange(1), metavar="N", help="Write DATASET without the N worst.")
@click.option(
    "--correct-worst",
    "correct",
    type=click.IntRange(1),
    metavar="N",
    help="Write DATASET in which the N worst have the suggested labels.",
)
@click.option(
    "--ranking",
    metavar="CSV",
    type=click.Path(path_type=Path),
    help="The suspects.csv of an earlier run, for --drop-worst and --correct-worst, instead of a new ranking.",
)
@options.classes_opt
@options.output_opt(
    "Folder for the results; for --apply, --drop-worst and --correct-worst the new dataset file, and a ranking goes to "
    "NAME.suspects beside it.  [default: results/worst-labels-MODEL-SPLIT]",
    required=False,
)
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

    A model knows the labels that it was trained on. For train rows use --cross-validate, whose folds never divide the
    pictures of a person or identical images; the options in the sections above are those of fer train, for it alone.

    On faces with known truth (fer prepare synthetic --label-noise 0.05) the precision among as many suspects as there
    are wrong labels is told, too.
    """
    from fer_cli.reports import labels_view
    from fer_cli.reports.terminal import Terminal

    own = {name: asked[name] for name in _OWN}
    _check(ctx, model, output, own)
    terminal = Terminal(as_json, quiet)
    if output is not None and (own["decisions"] or own["ranking"]):
        record = _clean(dataset, output, overwrite, own, terminal)
    else:
        settings = training_options.settings_from(
            **{n: v for n, v in asked.items() if n not in own}, batch_size=own["batch_size"]
        )
        record = _rank(_task(model, output, overwrite, own, settings), dataset, terminal)
    labels_view.show(terminal, record["results"])
    terminal.finish(record)


def _check(ctx: click.Context, model: Path | None, output: Path | None, own: dict[str, Any]) -> None:
    """Raise `UsageError` for options that contradict each other or would have no effect."""
    given = {str(each.name): each.opts[0] for each in ctx.command.params if _is_given(ctx, str(each.name))}
    ways = [given[name] for name in ("decisions", "drop", "correct") if own[name]]
    if len(ways) > 1:
        raise UsageError(f"expected one of --apply, --drop-worst and --correct-worst. Received: {', '.join(ways)}")
    if own["ranking"] and ways not in (["--drop-worst"], ["--correct-worst"]):
        raise UsageError("--ranking needs --drop-worst or --correct-worst, which say what to do with it")
    _check_output(output, ways)
    if own["decisions"] or own["ranking"]:
        idle = [flag for name, flag in given.items() if name not in _CLEANING] + (["MODEL"] if model else [])
        if idle:
            raise UsageError(
                f"{'--ranking' if own['ranking'] else ways[0]}: nothing is ranked anew. Received: {idle[0]}"
            )
    elif own["folds"] is None:
        idle = [flag for name, flag in given.items() if name == "resume" or name not in {*_OWN, *_COMMON}]
        if idle:
            raise UsageError(f"{idle[0]} needs --cross-validate, which trains networks")
    elif model or ("split" in given and own["split"] != _TRAIN):
        wrong = "MODEL" if model else f"--split {own['split']}"
        raise UsageError(f"--cross-validate trains its own networks, for the rows of train. Received: {wrong}")


def _is_given(ctx: click.Context, name: str) -> bool:
    return name != "model" and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _check_output(output: Path | None, ways: Sequence[str]) -> None:
    is_dataset = output is not None and output.suffix in options.DATASET_ENDINGS
    if ways and not is_dataset:
        endings = " or ".join(sorted(options.DATASET_ENDINGS))
        raise UsageError(f"{ways[0]}: expected -o with a name that ends in {endings}. Received: {output or 'no -o'}")
    if is_dataset and not ways:
        raise UsageError(f"-o {output}: expected a folder; --apply, --drop-worst and --correct-worst write a dataset")


def _clean(path: Path, output: Path, overwrite: bool, own: dict[str, Any], terminal: Terminal) -> dict[str, Any]:
    """Write the dataset that earlier decisions, or an earlier ranking, make of this one; the record."""
    from fer_cli.analysis.labels.ranking import read_suspects
    from fer_cli.datasets import relabel
    from fer_cli.store.reader import open_dataset

    files.refuse_existing(output, overwrite)
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
    default = Path("results", f"worst-labels-{who}-{own['split'] if model else _TRAIN}")
    folder = cleaned.with_suffix(".suspects") if cleaned else output or default
    for place in (cleaned, folder):
        if place is not None:
            files.refuse_existing(place, overwrite)
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
    from fer_cli.classical.model import load_scorer

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
    return cross_validate(dataset, settings, folds, _work(task), lambda: training_view(terminal), resume, terminal.log)


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
