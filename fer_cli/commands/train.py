"""`fer train`: fit a network."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import files, options, provenance, training_options
from fer_cli.labels import EMOTIONS
from fer_cli.training.settings import Settings

if TYPE_CHECKING:
    from fer_cli.reports.terminal import Terminal
    from fer_cli.training.checkpoint import Earlier
    from fer_cli.training.result import TrainingResult


@click.command(cls=training_options.Sectioned)
@click.argument("dataset", required=False, type=click.Path(path_type=Path))
@training_options.training
@training_options.devices
@click.option("--list-architectures", is_flag=True, help="Print every architecture with its costs and paper, and end.")
@options.resume_opt
@options.output_opt("Model file.  [default: models/ARCH.keras]", required=False, ending=".keras")
@options.common
def command(
    dataset: Path | None,
    list_architectures: bool,
    devices: int,
    workers: tuple[str, ...],
    rank: int | None,
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
    from fer_cli import framework
    from fer_cli.reports.terminal import Terminal

    terminal = Terminal(as_json, quiet)
    if list_architectures:
        terminal.finish(_list(dataset, terminal))
        return
    dataset = options.existing_dataset(dataset)
    settings = training_options.settings_asked(**training)
    output = output or Path(f"models/{settings.architecture.replace(':', '-')}.keras")
    folder = output.with_suffix(".training")
    if not rank:  # the other workers write nothing
        options.claim(folder, overwrite=True)
    if not resume:
        files.refuse_existing(output, overwrite)
    framework.load()
    from fer_cli.training import previous
    from fer_cli.training.checkpoint import Earlier

    earlier = Earlier(resume, overwrite)
    if previous.is_complete(output, folder, settings, dataset, earlier):
        terminal.log(f"{output} is complete; nothing to resume")
        terminal.finish(files.read_json(folder / provenance.RESULT))
        return
    terminal.finish(_train(dataset, settings, output, folder, terminal, earlier, (devices, workers, rank)))


def _list(path: Path | None, terminal: Terminal) -> dict[str, Any]:
    """Show all architectures with their costs for the images of a dataset, of FER2013 when there is none."""
    from fer_cli import framework
    from fer_cli.reports import architecture_view
    from fer_cli.store.reader import open_dataset

    framework.load()
    from fer_cli.architectures.choose import listing

    shape, classes = (48, 48, 1), len(EMOTIONS)
    if path is not None:
        with open_dataset(path) as dataset:
            shape, classes = dataset.image_shape, len(dataset.class_names)
    rows = [dataclasses.asdict(row) for row in listing(shape, classes)]
    architecture_view.show(terminal, rows, shape)
    return provenance.record("train", [path] if path else [], {"list_architectures": True}, {"architectures": rows})


def _train(
    path: Path,
    settings: Settings,
    output: Path,
    folder: Path,
    terminal: Terminal,
    earlier: Earlier,
    devices: tuple[int, tuple[str, ...], int | None],
) -> dict[str, Any]:
    """Train, write result.json and the curves, tell the score."""
    from fer_cli.reports.figures import training_curves
    from fer_cli.reports.training_view import training_view
    from fer_cli.store.reader import open_dataset
    from fer_cli.training import distribute, fit

    if devices[1]:
        terminal.log(f"waiting for all of {len(devices[1])} workers")

    def record_of(result: TrainingResult) -> dict[str, Any]:
        return provenance.record("train", [path], settings.as_dict(), result.summary(output))

    def write(result: TrainingResult) -> None:
        training_curves(result.state.history, folder / "curves.png")
        files.write_json(folder / provenance.RESULT, record_of(result))

    run = {**settings.as_dict(), "dataset": files.sha256(path)} if devices[1] else {}
    cluster = distribute.cluster(*devices, run)
    with open_dataset(path) as dataset, training_view(terminal) as observer:
        if not dataset.count("val"):
            waits = ", and --patience has nothing to go by" if settings.patience else ""
            terminal.warn(f"{path} has no val rows: the last epoch is kept, unchecked{waits}")
        result = fit.train(dataset, settings, output, folder, observer, earlier, cluster, terminal.log, write)
    if result.warning:
        terminal.warn(result.warning)
    if not cluster.chief:
        terminal.log(f"{result.describe()}; worker 0 has the model and its history")
        return record_of(result)
    record: dict[str, Any] = files.read_json(folder / provenance.RESULT)
    terminal.log(f"{output}: {result.describe()}; curves and history in {folder}")
    return record
