"""`fer export`: a network for other runtimes, or smaller, with a proof that it answers the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import catalog, files, options, provenance
from fer_cli.errors import UsageError

if TYPE_CHECKING:
    from fer_cli.reports.terminal import Terminal


@click.command()
@options.model_and_dataset_arg
@click.option(
    "--format",
    "form",
    type=click.Choice(tuple(catalog.EXPORTS)),
    required=True,
    help="onnx for ONNX Runtime, litert for phones, saved_model for TensorFlow Serving, keras to make it smaller.",
)
@click.option("--int8", is_flag=True, help="Weights and activations of 8 bits: onnx and litert.")
@click.option("--float16", is_flag=True, help="Weights of 16 bits: litert and keras.")
@click.option(
    "--calibrate",
    is_flag=True,
    help="Make the probabilities calibrated: fit a temperature on the rows of --split, and put it into the weights.",
)
@options.split_opt()
@click.option(
    "--rows",
    type=click.IntRange(1),
    default=512,
    show_default=True,
    help="Rows of DATASET, drawn by --seed, on which the two forms are compared.",
)
@options.classes_opt
@options.batch_size_opt
@options.output_opt("The file, or the folder of a SavedModel.  [default: beside MODEL]", required=False)
@options.common
def command(
    model: Path, dataset: Path, output: Path | None, overwrite: bool, as_json: bool, quiet: bool, **asked: Any
) -> None:
    """Write MODEL in another format, and compare both on rows of DATASET.

    The class names travel inside the file, and fer predict, fer webcam and fer eval run .onnx and .tflite files as
    they run models. A file whose answers differ by more than rounding is not written, unless less precision was asked
    for; then the difference and both accuracies are told.
    """
    from fer_cli.reports.terminal import Terminal

    output = output or _beside(model, asked["form"])
    files.refuse_existing(output, overwrite)
    terminal = Terminal(as_json, quiet)
    results = _export(model, dataset, asked, output)
    _show(results, terminal)
    terminal.log(f"wrote {output}")
    parameters = {**asked, "output": str(output)}
    terminal.finish(provenance.record("export", [model, dataset], parameters, results))


def _beside(model: Path, form: str) -> Path:
    """MODEL's name with the ending of the format."""
    endings = {"onnx": ".onnx", "litert": ".tflite", "saved_model": "-saved_model", "keras": "-export.keras"}
    return model.with_name(model.stem + endings[form])


def _precision(asked: dict[str, Any]) -> str:
    if asked["int8"] and asked["float16"]:
        raise UsageError("--int8 and --float16: expected one of them. Received: both")
    return "int8" if asked["int8"] else "float16" if asked["float16"] else "float32"


def _export(model: Path, path: Path, asked: dict[str, Any], output: Path) -> dict[str, Any]:
    from fer_cli import framework
    from fer_cli.store.reader import open_dataset

    precision = _precision(asked)
    framework.load()
    from fer_cli.export.run import Settings, check_output, export
    from fer_cli.models import load_model

    check_output(output, asked["form"])
    same = ("calibrate", "split", "rows", "seed", "batch_size")
    settings = Settings(asked["form"], precision, **{name: asked[name] for name in same})
    with open_dataset(path) as dataset:
        dataset.require(settings.split)
        classes = asked["classes"].split(",") if asked["classes"] else None
        return export(load_model(model, classes), dataset, settings, output)


def _show(results: dict[str, Any], terminal: Terminal) -> None:
    found, size, time = results["parity"], results["bytes"], results["milliseconds_a_face"]
    title = f"{Path(results['file']).name}, {results['precision']}: {results['split']}, n = {found['n']:,}"
    accuracy = found["accuracy"]
    rows = [
        ["kB", round(size["model"] / 1000), round(size["exported"] / 1000)],
        ["ms a face (median)", time["keras"], time["exported"]],
        ["accuracy", accuracy[0], accuracy[1]],
    ]
    terminal.table(title, ("", "MODEL", "exported"), rows)
    terminal.log(
        f"largest difference of a probability {found['largest_difference']:.2g}; "
        f"the same class for {found['same_class']:,} of {found['n']:,}"
    )
    if results["temperature"]:
        terminal.log(f"calibrated on {results['split']}: temperature {results['temperature']:.3f}")
