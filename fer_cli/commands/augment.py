"""`fer augment`: an augmented or rebalanced dataset, and a look at what a policy does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import options, provenance
from fer_cli.errors import UsageError
from fer_cli.transform.policy import NAMED_POLICIES, parse_policy

if TYPE_CHECKING:
    from fer_cli.datasets.rebalance import Growth
    from fer_cli.reports.terminal import Terminal
    from fer_cli.store.reader import Dataset


def _policy(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    return str(parse_policy(value))


def _classes(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(value.split(",")) if value else ()


@click.command()
@options.dataset_arg
@options.output_opt("The new dataset file.", required=False)
@click.option(
    "--policy",
    default="default",
    show_default=True,
    callback=_policy,
    shell_complete=options.suggest(*NAMED_POLICIES),
    help='none, light, default, strong, and words such as "flip:0.5 rotate:10": "strong erase:0".',
)
@click.option(
    "--factor",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Each train row ends up N times: as itself and as N-1 augmented copies.",
)
@click.option(
    "--balance",
    type=click.Choice(("oversample", "augment")),
    help="Bring all classes up to the largest, by plain or by augmented copies; --factor acts after that.",
)
@click.option("--classes", metavar="NAME,NAME,...", callback=_classes, help="Only these classes get copies.")
@click.option(
    "--before-split",
    is_flag=True,
    help="LEAKS: copy rows of all splits, then split at random. To reproduce studies that did so; the file says it.",
)
@click.option(
    "--preview", type=click.Path(path_type=Path), metavar="PNG", help="Draw originals beside augmented faces."
)
@options.common
def command(
    dataset: Path,
    output: Path | None,
    overwrite: bool,
    preview: Path | None,
    as_json: bool,
    quiet: bool,
    **asked: Any,
) -> None:
    """Write DATASET with augmented or rebalanced train rows; preview what a policy does.

    Copies keep the label, votes, subject and attributes of their original, and are named ORIGINAL#aug1 (augmented) or
    ORIGINAL#copy1 (plain). Rows of val and test stay as they are.

    The preview has a row for each operation of the policy, and a last one for all of them: each face in it has had
    done to it what the faces above it had.
    """
    from fer_cli.datasets.rebalance import Growth
    from fer_cli.reports.terminal import Terminal
    from fer_cli.store.reader import open_dataset

    _check_outputs(output, preview, overwrite)
    terminal = Terminal(as_json, quiet)
    # Without a memory budget the rows are streamed.
    with open_dataset(dataset, budget=0) as opened:
        record = _make(opened, Growth(**asked), output, preview, terminal)
    terminal.finish(record)


def _check_outputs(output: Path | None, preview: Path | None, overwrite: bool) -> None:
    if output is None and preview is None:
        raise UsageError("nothing to make: name a dataset with -o, a picture with --preview, or both")
    wanted = (("-o", output, options.DATASET_ENDINGS), ("--preview", preview, {".png"}))
    for option, path, endings in wanted:
        if path is not None and path.suffix not in endings:
            raise UsageError(f"{option} {path}: expected a name that ends in {' or '.join(sorted(endings))}")
        if path is not None:
            options.claim(path, overwrite)


def _make(
    dataset: Dataset, growth: Growth, output: Path | None, preview: Path | None, terminal: Terminal
) -> dict[str, Any]:
    """Write what was asked for and tell it; the record of the dataset, or else of the preview."""
    from fer_cli.datasets import rebalance
    from fer_cli.reports import augment_view

    copies = rebalance.plan(dataset, growth) if output is not None else None
    if preview is not None:
        augment_view.preview_sheet(dataset, parse_policy(growth.policy), preview, growth.seed)
        terminal.log(f"{preview}: --policy {growth.policy!r}")
    if output is None or copies is None:
        parameters = {"policy": growth.policy, "seed": growth.seed}
        return provenance.record("augment", [dataset.path], parameters, {"preview": str(preview)})
    with terminal.progress("writing images", len(dataset) + len(copies)) as advance:
        record = rebalance.write(dataset, output, growth, copies, advance)
    augment_view.show(terminal, record["results"])
    terminal.log(f"{output}: {record['results']['rows']:,} images")
    return record
