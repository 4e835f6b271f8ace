"""`fer transfer fit`: train a generator that gives faces another expression."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import files, options, provenance
from fer_cli.errors import UsageError
from fer_cli.transform.policy import NAMED_POLICIES, parse_policy
from fer_cli.translation.settings import Settings

if TYPE_CHECKING:
    from fer_cli.models import Scorer
    from fer_cli.reports.terminal import Terminal
    from fer_cli.store.reader import Dataset
    from fer_cli.training.checkpoint import Earlier
    from fer_cli.translation.samples import Samples

CURVES, SHEET = "fit_curves.png", "translated-{:03d}.png"
_DEFAULT = Settings()
_WEIGHT = click.FloatRange(0)
_BELOW_ONE = click.FloatRange(0, 1, max_open=True)


def _policy(ctx: click.Context, param: click.Parameter, value: str) -> str:
    try:
        return str(parse_policy(value))
    except UsageError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def _setting(name: str, kind: Any, text: str) -> Callable[[options.F], options.F]:
    """An option that fills the field of `Settings` of its name, whose default it has."""
    default = getattr(_DEFAULT, name.replace("-", "_"))
    return click.option(f"--{name}", type=kind, default=default, show_default=True, help=text)


@click.command()
@options.dataset_arg
@_setting("epochs", click.IntRange(1), "Each ends with a checkpoint and a sheet of translated faces.")
@_setting("steps", click.IntRange(1), "Steps an epoch.")
@_setting("batch-size", click.IntRange(1), "Faces a step.")
@_setting("lr", click.FloatRange(0, min_open=True), "Learning rate of both networks; it falls along a cosine.")
@_setting("width", click.IntRange(4), "Channels of the generator at half resolution, doubled at a quarter.")
@_setting("blocks", click.IntRange(1), "Residual blocks of the generator.")
@click.option(
    "--augment",
    default=_DEFAULT.augment,
    show_default=True,
    callback=_policy,
    shell_complete=options.suggest(*NAMED_POLICIES),
    help="Policy of fer augment for faces.",
)
@click.option(
    "--classifier",
    "classifiers",
    multiple=True,
    metavar="MODEL.keras",
    type=click.Path(path_type=Path),
    help="A trained network whose answers guide the generator beside the discriminator's own; several each count as "
    "much. None of them can be the judge.",
)
@click.option(
    "--identity-guide",
    default="none",
    show_default=True,
    metavar="learn|none|FILE.keras",
    shell_complete=options.suggest("learn", "none", paths=True),
    callback=lambda _ctx, _param, value: None if value == "none" else value,
    help="A network that tells persons apart, for which a face stays the same person's: one that first learns half of "
    "the persons of the train rows, none, or a file with a layer `embedding`. It cannot be the judge.",
)
@_setting("adversarial", _WEIGHT, "Weight of looking real to the discriminator.")
@_setting("emotion", _WEIGHT, "Weight of showing the wanted emotion, to discriminator and --classifier each.")
@_setting("cycle", _WEIGHT, "Weight of being the first face again when translated back.")
@_setting("identity", _WEIGHT, "Weight of staying the same when a face's own emotion is wanted.")
@_setting("likeness", _WEIGHT, "Weight of staying the same person, to --identity-guide.")
@_setting("sparsity", _WEIGHT, "Weight of the mask's mean, so that little changes.")
@_setting("smoothness", _WEIGHT, "Weight of the change's total variation.")
@_setting("ema", _BELOW_ONE, "Decay a step of the average of weights that is saved; 0 for none.")
@click.option(
    "--judge",
    metavar="MODEL",
    type=click.Path(path_type=Path),
    help="A classifier trained apart from all this, which scores the generator on val at the end.",
)
@options.resume_opt
@options.output_opt("Generator file.  [default: models/generator.keras]", required=False, ending=".keras")
@options.common
def command(
    dataset: Path,
    classifiers: tuple[Path, ...],
    judge: Path | None,
    resume: bool,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **chosen: Any,
) -> None:
    """Train a generator on the train rows of DATASET: it gives a face any of the set's emotions.

    Beside GENERATOR.keras a folder GENERATOR.training holds result.json, history.csv, fit_curves.png, a sheet of
    translated faces for each epoch and, until the run is complete, its checkpoint and the generator so far, last.keras.

    Transfer learning, which is to start a classifier from another's weights, is fer train --init WEIGHTS --freeze PART.
    """
    from fer_cli import framework
    from fer_cli.reports.terminal import Terminal

    terminal = Terminal(as_json, quiet)
    output = output or Path("models/generator.keras")
    folder = output.with_suffix(".training")
    _check(classifiers, judge)
    options.claim(folder, overwrite=True)
    settings = Settings(classifiers=tuple(map(str, classifiers)), **chosen)
    if not resume:
        files.refuse_existing(output, overwrite)
    framework.load()
    from fer_cli.training import previous
    from fer_cli.training.checkpoint import Earlier

    earlier = Earlier(resume, overwrite)
    if previous.is_complete(output, folder, settings, dataset, earlier):
        record = files.read_json(folder / provenance.RESULT)
        unasked = judge and not record["results"]["judged"]
        judging = f"; fer transfer apply {output} {dataset} --all --judge {judge} asks the judge" if unasked else ""
        terminal.log(f"{output} is complete; nothing to resume{judging}")
        terminal.finish(record)
        return
    terminal.finish(_fit(dataset, settings, judge, output, folder, terminal, earlier))


def _check(classifiers: tuple[Path, ...], judge: Path | None) -> None:
    """Refuse a judge whom the generator learns to please."""
    if judge is None or not judge.is_file():
        return
    if files.sha256(judge) in {files.sha256(model) for model in classifiers if model.is_file()}:
        raise UsageError(f"--judge {judge}: expected another model than --classifier. Received: the same file")


def _fit(
    path: Path,
    settings: Settings,
    judge: Path | None,
    output: Path,
    folder: Path,
    terminal: Terminal,
    earlier: Earlier,
) -> dict[str, Any]:
    """Learn what guides, train, write result.json and the curves, have the generator judged, tell the scores."""
    from fer_cli.reports import transfer_figures
    from fer_cli.reports.training_view import training_view
    from fer_cli.store.reader import open_dataset
    from fer_cli.translation import fit, persons

    with open_dataset(path) as dataset:
        scorer = _judge(judge, dataset)
        state = fit.begin(dataset, settings, folder, output, earlier)
        guide = persons.guide(
            settings.identity_guide,
            dataset,
            folder,
            settings.seed,
            state.epochs_done > 0,
            terminal.progress,
            terminal.log,
        )
        with training_view(terminal) as observer:

            def show(epoch: int, shown: Samples) -> None:
                transfer_figures.translations(**vars(shown), path=folder / SHEET.format(epoch))

            result = fit.fit(dataset, settings, state, folder, observer, show, guide)
        learnt = [guide.name] if guide and settings.identity_guide == persons.LEARN else []
        given = (*settings.classifiers, judge, None if learnt else settings.identity_guide)
        inputs = [path, *(Path(model) for model in given if model)]
        with fit.publishing(folder, output):
            results = result.summary(output) | {"judged": _judged(output, scorer, dataset, settings.seed, terminal)}
            results["files"] = [CURVES, SHEET.format(result.state.epochs_done), *learnt]
            parameters = {**settings.as_dict(), "judge": judge and str(judge)}
            record = provenance.record("transfer fit", inputs, parameters, results)
            transfer_figures.fit_curves(result.state.history, folder / CURVES)
            files.write_json(folder / provenance.RESULT, record)
    terminal.log(f"{output}: {_told(results)}; curves, history and sheets in {folder}")
    return record


def _judge(path: Path | None, dataset: Dataset) -> Scorer | None:
    """The judge, before the training: one of no use is to be refused now and not in an hour."""
    from fer_cli.labels import class_order
    from fer_cli.scorers import load_scorer

    if path is None:
        return None
    scorer = load_scorer(path)
    class_order(dataset.class_names, scorer.class_names, str(path))
    return scorer


def _judged(
    output: Path, scorer: Scorer | None, dataset: Dataset, seed: int, terminal: Terminal
) -> dict[str, Any] | None:
    """What a judge says of the generator on val, None without judge or val rows."""
    from fer_cli.analysis.translation.judge import judge
    from fer_cli.translation.model import load_generator

    if scorer is None or not dataset.count("val"):
        return None
    generator = load_generator(output)
    total = dataset.count("val") * len(dataset.class_names)
    with contextlib.ExitStack() as stack:
        advance = stack.enter_context(terminal.progress("judging translations", total))
        return judge(generator, scorer, dataset, "val", seed=seed, advance=advance).results()


def _told(results: dict[str, Any]) -> str:
    """The outcome in one line."""
    judged, scores = results["judged"], results["scores"]
    if judged is None:
        return f"the discriminator finds the wanted emotion in {100 * scores['val_hit']:.1f} % of held-out faces"
    low, high = judged["hit_interval"]
    return (
        f"hit rate {judged['hit_rate']:.3f} ({low:.3f} to {high:.3f}, n = {judged['translations']:,} translations of "
        f"{judged['n']:,} val faces, judge {judged['judge']})"
    )
