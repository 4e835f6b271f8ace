"""`fer tune`: search the parameters of a training run."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import claims, files, options, provenance, training_flags
from fer_cli.errors import OutputExistsError
from fer_cli.training.settings import Settings
from fer_cli.training_options import Sectioned, refuse_idle, settings_from, training
from fer_cli.tuning.plan import ROBUST, SAMPLERS, Plan
from fer_cli.tuning.space import DEFAULT, Choice, Space, read_space

if TYPE_CHECKING:
    from fer_cli.reports.terminal import Terminal
    from fer_cli.tuning.outcome import Outcome

_BACKENDS = ("processes", "dask")
#: Options that say how to search; all others fix what is not searched.
_SEARCH = ("space", "search", "trials", "prune", "storage", "study", "backend", "scheduler", "jobs")


def _show_space(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(DEFAULT, nl=False)
        ctx.exit()


@click.command(cls=Sectioned)
@options.dataset_arg
@training
@click.option(
    "--space", default="default", show_default=True, metavar="FILE.toml|default",
    shell_complete=options.suggest("default", paths=True), help="What is searched.",
)  # fmt: skip
@click.option(
    "--show-space", is_flag=True, is_eager=True, expose_value=False, callback=_show_space,
    help="Print the default space, to be changed and given to --space.",
)  # fmt: skip
@click.option("--sampler", "search", type=click.Choice(SAMPLERS), default="tpe", show_default=True, help="Who draws.")
@click.option("--trials", type=click.IntRange(1), default=20, show_default=True, help="How many to have in all.")
@click.option("--prune/--no-prune", default=True, show_default=True, help="Stop trials that fall behind.")
@click.option(
    "--storage", metavar="journal:FILE|URL",
    help="Where trials are kept; also sqlite:///FILE, or a database server's URL.  [default: journal:OUTPUT.journal]",
)  # fmt: skip
@click.option("--study", default="fer", show_default=True, metavar="NAME", help="Name of the search in the storage.")
@click.option("--backend", type=click.Choice(_BACKENDS), default="processes", show_default=True, help="Who trains.")
@click.option("--scheduler", metavar="ADDRESS", help="The scheduler of the cluster for --backend dask.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="Trials at a time.")
@options.output_opt("Folder for the results.  [default: results/tune-ARCH]", required=False)
@options.common
@click.pass_context
def command(
    ctx: click.Context, /, dataset: Path, output: Path | None, overwrite: bool, as_json: bool, quiet: bool, **asked: Any
) -> None:
    """Search the options of `fer train` for the best accuracy on the val rows of DATASET.

    Options that are not searched are fixed by the flags of `fer train`; with --adversarial the accuracy under attack
    counts, by which `fer train` chooses its epoch too. The folder holds result.json, trials.csv,
    best.txt with the command that trains the best network, history.png and importance.png. A space is a TOML file with
    a line for each flag, such as

    \b
      lr = { low = 1e-4, high = 0.5, log = true }
      widths = { choices = [[16, 32], [32, 64]] }

    The default space has --lr, --batch-size, --optimizer, --augment, --dropout, --activation and --width, without what
    is fixed by a flag or unknown to the architecture; --show-space prints it. The --sampler of `fer train` is fixed
    or searched in a space, too: sampler = { choices = ["balanced"] }.

    tpe draws more of what went well, random does not look. Both stop trials whose val accuracy is below the median at
    the same epoch; hyperband draws as tpe does, and lets the best third go on, from one epoch up.

    Trials are kept in the storage, so the same command goes on after any interruption, and the same command in several
    terminals, or on several machines that see DATASET and the storage, shares the work. A trial whose process died is
    drawn anew. A storage is never deleted; --overwrite replaces the folder only.
    """
    from fer_cli.reports import tune_view
    from fer_cli.reports.terminal import Terminal

    output = output or Path("results", f"tune-{asked['arch'].replace(':', '-')}")
    files.refuse_existing(output, overwrite)
    terminal = Terminal(as_json, quiet)
    how = {name: asked.pop(name) for name in _SEARCH}
    how["storage"] = how["storage"] or f"journal:{output}.journal"
    given = {name: flag for name, flag in options.given(ctx).items() if name in asked}
    plan = _plan(dataset, how, {"sampler": Settings.sampler, **asked}, given)
    outcome = _search(plan, how, terminal)
    # Others may take part in this search; all of them end up here.
    with claims.claimed(output, wait=True):
        _refuse_another(output, plan, overwrite)
        record = _write(dataset, plan, how, outcome, output)
    tune_view.show(terminal, record["results"], outcome.rows)
    terminal.log(f"{output}: the best network is trained by: {record['results']['best']['command']}")
    terminal.finish(record)


# The search has a --sampler of its own.
command.params = [parameter for parameter in command.params if parameter.name != "sampler"]


def _plan(dataset: Path, how: dict[str, Any], fixed: dict[str, Any], given: dict[str, str]) -> Plan:
    """Check all that can be checked before the storage knows of the search. given: name -> flag, on the command line.

    Refuses what would do nothing, and what cannot be trained.
    """
    from fer_cli import framework
    from fer_cli.store.reader import open_dataset
    from fer_cli.tuning import extra

    extra.load()
    with open_dataset(dataset) as opened:
        opened.require("train")
        opened.require("val")
    framework.load()
    from fer_cli.tuning.check import check
    from fer_cli.tuning.storage import absolute

    plan = Plan(
        dataset=dataset.absolute(),
        dataset_sha256=files.sha256(dataset),
        space=_space(how["space"], given, fixed["arch"]),
        fixed=fixed,
        configure=settings_from,
        storage=absolute(how["storage"]),
        study=how["study"],
        trials=how["trials"],
        sampler=how["search"],
        prune=how["prune"],
        backend=os.environ["KERAS_BACKEND"],
    )
    searched = {name: f"--{name.replace('_', '-')}" for name in plan.space.names}
    choices = {each.name: each.values for each in plan.space.parameters if isinstance(each, Choice)}
    refuse_idle({**given, **searched}, fixed, choices)
    with open_dataset(dataset) as opened:
        check(plan, opened)
    return plan


def _space(source: str, given: dict[str, str], architecture: str) -> Space:
    from fer_cli.tuning.scope import fitted

    file = None if source == "default" else Path(source)
    space = read_space(file, training_flags.searchable())
    return fitted(space, given, architecture, None if file is None else source)


def _search(plan: Plan, how: dict[str, Any], terminal: Terminal) -> Outcome:
    from fer_cli.reports.tune_view import tune_view
    from fer_cli.store.reader import open_dataset
    from fer_cli.training.adversarial import VAL_ROWS
    from fer_cli.tuning.outcome import outcome
    from fer_cli.tuning.run import search
    from fer_cli.tuning.study import open_study
    from fer_cli.tuning.workers import workers

    with open_dataset(plan.dataset) as dataset:
        val_rows = dataset.count("val")
    if plan.measure is ROBUST:
        val_rows = min(val_rows, VAL_ROWS)
    with open_study(plan) as study, tune_view(terminal, plan.trials, plan.measure) as view:
        with workers(how["backend"], how["scheduler"], how["jobs"], view.epoch) as begin:
            search(study, plan, begin, view.ended)
        return outcome(study, val_rows, plan.measure)


def _refuse_another(output: Path, plan: Plan, overwrite: bool) -> None:
    """Refuse a folder that another search has filled while this one went on."""
    if overwrite or not (output / provenance.RESULT).exists():
        return
    found = provenance.read_record(output)["results"]
    if (found.get("storage"), found.get("study")) != (plan.storage, plan.study):
        raise OutputExistsError(
            f"{output}: another search has written it meanwhile; the trials of this one are in {plan.storage}, "
            "and the same command with another -o and --storage tells of them"
        )


def _write(dataset: Path, plan: Plan, how: dict[str, Any], outcome: Outcome, output: Path) -> dict[str, Any]:
    """Fill the folder; the record."""
    from fer_cli.reports import tables, tune_figures

    flags = training_flags.flags_of(plan.settings(outcome.best.drawn))
    train = shlex.join(["fer", "train", str(dataset), *flags])
    results = {
        "dataset": str(dataset), "storage": plan.storage, "study": plan.study, **outcome.results(flags, train)
    }  # fmt: skip
    how = {("sampler" if name == "search" else name): value for name, value in how.items()}
    parameters = {**how, "fixed": plan.identity()["fixed"], "space": plan.space.as_dict()}
    with files.atomic_folder(output) as folder:
        tables.write_csv(folder / "trials.csv", [row.as_dict(plan.measure) for row in outcome.rows])
        files.write_text(folder / "best.txt", f"{train}\n")
        scored = [row for row in outcome.rows if row.state != "failed"]
        tune_figures.history(
            [row.number for row in scored],
            [row.accuracy or 0.0 for row in scored],
            [row.state == "pruned" for row in scored],
            plan.measure.title,
            folder / "history.png",
        )
        if outcome.importance:
            tune_figures.importance(outcome.importance, outcome.count("complete"), folder / "importance.png")
        results["files"] = sorted([*(path.name for path in folder.iterdir()), provenance.RESULT])
        record = provenance.record("tune", [dataset], parameters, results)
        files.write_json(folder / provenance.RESULT, record)
    return record
