"""`fer export`: a network for other runtimes, or smaller, with a proof that it answers the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fer_cli import catalog, files, options, provenance
from fer_cli.errors import UsageError


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
@click.option(
    "--card",
    type=click.Path(path_type=Path),
    help="The output of fer eval of MODEL: its split, protocol, scores and interval go into the file's metadata.",
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
    for; then the difference and both accuracies are told. What was compared stands in FILE.export beside the file,
    where fer report finds it.
    """
    from fer_cli.reports import export_view
    from fer_cli.reports.terminal import Terminal

    precision = _precision(asked)
    output = output or _beside(model, asked["form"], precision)
    options.claim(output, overwrite)
    terminal = Terminal(as_json, quiet)
    results = _export(model, dataset, asked, precision, output)
    asked["card"] = asked["card"] and str(asked["card"])
    record = provenance.record("export", [model, dataset], {**asked, "output": str(output)}, results)
    with files.atomic_folder(output.with_name(f"{output.name}.export")) as folder:
        files.write_json(folder / provenance.RESULT, record)
    export_view.show(terminal, results)
    terminal.log(f"wrote {output}")
    terminal.finish(record)


def _beside(model: Path, form: str, precision: str) -> Path:
    """MODEL's name with the ending of the format, beside it, or here for the network that ships with fer."""
    less = "" if precision == "float32" else f"-{precision}"
    endings = {"onnx": ".onnx", "litert": ".tflite", "saved_model": "-saved_model", "keras": ".keras"}
    folder = Path() if model == options.SHIPPED_MODEL else model.parent
    return folder / f"{model.stem}{less or ('-export' if form == 'keras' else '')}{endings[form]}"


def _precision(asked: dict[str, Any]) -> str:
    if asked["int8"] and asked["float16"]:
        raise UsageError("--int8 and --float16: expected one of them. Received: both")
    return "int8" if asked["int8"] else "float16" if asked["float16"] else "float32"


def _export(model: Path, path: Path, asked: dict[str, Any], precision: str, output: Path) -> dict[str, Any]:
    from fer_cli import framework
    from fer_cli.store.reader import open_dataset

    framework.load()
    from fer_cli.export.run import Settings, check_output, export
    from fer_cli.models import load_model

    check_output(output, asked["form"])
    same = ("calibrate", "split", "rows", "seed", "batch_size", "card")
    settings = Settings(asked["form"], precision, **{name: asked[name] for name in same})
    with open_dataset(path) as dataset:
        dataset.require(settings.split)
        classes = asked["classes"].split(",") if asked["classes"] else None
        return export(load_model(model, classes), dataset, settings, output)
