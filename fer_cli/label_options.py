"""The options of `fer worst-labels`, and which of them go together.

It has three ways: rank by a model, rank by cross-validation, and apply what was decided or ranked before. The options
of a training run are for the second alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from fer_cli import catalog, options
from fer_cli.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

#: What these options pass; all others but the common ones are of the training of --cross-validate.
NAMES = (
    "split", "top", "method", "votes", "html", "folds", "resume", "decisions", "ranking", "drop", "correct", "classes",
    "batch_size",
)  # fmt: skip
#: The split that can be cross-validated.
TRAIN = "train"

_COMMON = {"model", "dataset", "output", "overwrite", "seed", "as_json", "quiet"}
#: Those that have a meaning where the decisions are there already.
_CLEANING = {"decisions", "ranking", "drop", "correct", *_COMMON}
_TABLE: Any = {"metavar": "CSV", "type": click.Path(path_type=Path)}
_OPTIONS = (
    options.split_opt(),
    click.option(
        "--top", type=click.IntRange(1), default=24, show_default=True, metavar="N", help="Suspects to show."
    ),
    click.option(
        "--method", type=click.Choice(tuple(catalog.LABEL_METHODS)), default="mistakes", show_default=True,
        help="How suspects are ranked: by the probability of the wrong class, or by cleanlab (the extra labels).",
    ),
    click.option(
        "--votes", **_TABLE,
        help="FER+ votes (fer2013new.csv): tell whether their majority sides with the label or with the model.",
    ),
    click.option("--html", is_flag=True, help="Write review.html, a page to decide about the suspects shown."),
    click.option(
        "--cross-validate", "folds", type=click.IntRange(2, 255), metavar="K",
        help="Instead of MODEL: train K networks (--arch and all other options of fer train), each of which answers "
        "for the train rows that it has not seen.",
    ),
    click.option("--resume", is_flag=True, help="Continue an interrupted --cross-validate."),
    click.option(
        "--apply", "decisions", **_TABLE,
        help="Write DATASET with what was decided on the page; -o names the new file.",
    ),
    click.option(
        "--drop-worst", "drop", type=click.IntRange(1), metavar="N", help="Write DATASET without the N worst."
    ),
    click.option(
        "--correct-worst", "correct", type=click.IntRange(1), metavar="N",
        help="Write DATASET in which the N worst have the suggested labels.",
    ),
    click.option(
        "--ranking", **_TABLE,
        help="The suspects.csv of an earlier run, for --drop-worst and --correct-worst, instead of a new ranking.",
    ),
    options.classes_opt,
    options.output_opt(
        "Folder for the results; for --apply, --drop-worst and --correct-worst the new dataset file, and a ranking "
        "goes to NAME.suspects beside it.  [default: results/worst-labels-MODEL-SPLIT]",
        required=False,
    ),
)  # fmt: skip


def labels(command: F) -> F:
    """All options of the command but those of training and the common ones."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check(ctx: click.Context, model: Path | None, output: Path | None, own: Mapping[str, Any]) -> None:
    """Raise `UsageError` for options that contradict each other or would have no effect. own: what `NAMES` pass."""
    given = options.given(ctx)
    ways = [given[name] for name in ("decisions", "drop", "correct") if own[name]]
    if len(ways) > 1:
        raise UsageError(f"expected one of --apply, --drop-worst and --correct-worst. Received: {', '.join(ways)}")
    if own["ranking"] and ways not in (["--drop-worst"], ["--correct-worst"]):
        raise UsageError("--ranking needs --drop-worst or --correct-worst, which say what to do with it")
    _check_output(output, ways)
    if own["decisions"] or own["ranking"]:
        idle = [flag for name, flag in given.items() if name not in _CLEANING] + (["MODEL"] if model else [])
        if idle:
            way = "--ranking" if own["ranking"] else ways[0]
            raise UsageError(f"{way}: nothing is ranked anew. Received: {idle[0]}")
    elif own["folds"] is None:
        idle = [flag for name, flag in given.items() if name == "resume" or name not in {*NAMES, *_COMMON}]
        if idle:
            raise UsageError(f"{idle[0]} needs --cross-validate, which trains networks")
    elif model or ("split" in given and own["split"] != TRAIN):
        wrong = "MODEL" if model else f"--split {own['split']}"
        raise UsageError(f"--cross-validate trains its own networks, for the rows of train. Received: {wrong}")
    elif own["classes"]:
        raise UsageError("--cross-validate: its networks have the classes of DATASET. Received: --classes")


def _check_output(output: Path | None, ways: Sequence[str]) -> None:
    is_dataset = output is not None and output.suffix in options.DATASET_ENDINGS
    if ways and not is_dataset:
        endings = " or ".join(sorted(options.DATASET_ENDINGS))
        raise UsageError(f"{ways[0]}: expected -o with a name that ends in {endings}. Received: {output or 'no -o'}")
    if is_dataset and not ways:
        raise UsageError(f"-o {output}: expected a folder; --apply, --drop-worst and --correct-worst write a dataset")
