"""`fer train`: fit a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import catalog, files, options, provenance
from fer_cli.training import settings as defaults
from fer_cli.training.settings import Settings
from fer_cli.transform.policy import parse_policy

if TYPE_CHECKING:
    from fer_cli.reports.terminal import Terminal

DEFAULTS = Settings()


def _architecture(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if value not in catalog.ARCHITECTURES:
        raise click.BadParameter(catalog.unknown("architecture", value, catalog.ARCHITECTURES), ctx, param)
    return value


def _policy(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if value.endswith((".h5", ".hdf5", ".keras")):
        raise click.BadParameter(f"{value} is no policy; name the files before --augment", ctx, param)
    parse_policy(value)
    return value


@click.command()
@options.dataset_arg
@click.option("--arch", default="mini", show_default=True, callback=_architecture, help="Architecture.")
@click.option(
    "--stem",
    type=click.Choice(["small", "imagenet"]),
    help="First layers of a residual net: 3×3 stride 1, or 7×7 stride 2.",
)
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), help="Dropout before the logits.")
@click.option(
    "--augment",
    is_flag=False,
    flag_value="default",
    default="none",
    metavar="[POLICY]",
    callback=_policy,
    help='Augment while training; a policy such as "strong" or "flip:0.5 rotate:10" may follow.',
)
@click.option("--epochs", type=click.IntRange(1), default=DEFAULTS.epochs, show_default=True)
@options.batch_size_opt
@click.option("--optimizer", type=click.Choice(defaults.OPTIMIZERS), default="sgd", show_default=True)
@click.option("--lr", type=click.FloatRange(0, min_open=True), help="Peak learning rate.  [default: by optimizer]")
@click.option("--schedule", type=click.Choice(defaults.SCHEDULES), default="cosine", show_default=True)
@click.option("--warmup", type=click.FloatRange(0), default=DEFAULTS.warmup, show_default=True, help="Epochs.")
@click.option("--weight-decay", type=click.FloatRange(0), help="Decoupled, per unit of lr.  [default: by optimizer]")
@click.option(
    "--label-smoothing", type=click.FloatRange(0, 1, max_open=True), default=DEFAULTS.label_smoothing, show_default=True
)
@click.option("--mixup", type=click.FloatRange(0), default=DEFAULTS.mixup, show_default=True, help="Beta's alpha.")
@click.option("--class-weight", type=click.Choice(["none", "balanced"]), default="none", show_default=True)
@click.option(
    "--ema",
    type=click.FloatRange(0, 1, max_open=True),
    default=DEFAULTS.ema,
    show_default=True,
    help="Decay of the weight average that is scored and saved.",
)
@click.option("--patience", type=click.IntRange(1), help="Stop after this many epochs without a better val accuracy.")
@click.option("--precision", type=click.Choice(defaults.PRECISIONS), default="float32", show_default=True)
@click.option(
    "--fraction",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Part of the train rows to use, the same part of each class.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted run; start when there is none.")
@options.output_opt("Model file.  [default: models/ARCH.keras]", required=False)
@options.common
def command(
    dataset: Path,
    arch: str,
    stem: str | None,
    dropout: float | None,
    output: Path | None,
    overwrite: bool,
    resume: bool,
    as_json: bool,
    quiet: bool,
    **training: Any,
) -> None:
    """Fit a network on the train rows of DATASET and keep the epoch that scores best on its val rows.

    Beside MODEL.keras a folder MODEL.training holds result.json, history.csv, curves.png and, until the run is
    complete, its checkpoint.
    """
    from fer_cli.reports.terminal import Terminal

    output = output or Path(f"models/{arch}.keras")
    folder = output.with_suffix(".training")
    terminal = Terminal(as_json, quiet)
    if resume and output.exists() and not (folder / "checkpoint.npz").exists():
        terminal.log(f"{output} is complete; nothing to resume")
        terminal.finish(files.read_json(folder / "result.json"))
        return
    if not resume:
        files.refuse_existing(output, overwrite)
    architecture_options = {name: value for name, value in (("stem", stem), ("dropout", dropout)) if value is not None}
    settings = Settings(architecture=arch, architecture_options=architecture_options, **training)
    record = _train(dataset, settings, output, folder, terminal, resume=resume, restart=overwrite)
    terminal.finish(record)


def _train(
    path: Path, settings: Settings, output: Path, folder: Path, terminal: Terminal, *, resume: bool, restart: bool
) -> dict[str, Any]:
    """Train, write result.json and the curves, tell the score."""
    from fer_cli import framework
    from fer_cli.reports.figures import training_curves
    from fer_cli.reports.training_view import training_view
    from fer_cli.store.reader import open_dataset

    framework.load()
    from fer_cli.training import fit

    if restart and not resume:
        (folder / "checkpoint.npz").unlink(missing_ok=True)
    with open_dataset(path) as dataset, training_view(terminal) as observer:
        if not dataset.count("val"):
            terminal.warn(f"{path} has no val rows: the last epoch is kept, unchecked")
        result = fit.train(dataset, settings, output, folder, observer, resume)
    training_curves(result.state.history, folder / "curves.png")
    record = provenance.record("train", [path], settings.as_dict(), result.summary(output))
    files.write_json(folder / "result.json", record)
    terminal.log(f"{output}: {result.describe()}; curves and history in {folder}")
    return record
