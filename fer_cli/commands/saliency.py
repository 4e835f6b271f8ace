"""`fer saliency`: what a network looks at, whether the maps can be believed, and what its layers respond to."""

from __future__ import annotations

import contextlib
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import catalog, files, options, provenance
from fer_cli.errors import UsageError

if TYPE_CHECKING:
    from fer_cli.analysis.saliency.run import Wanted
    from fer_cli.reports.terminal import Terminal

#: Stands for every method.
ALL = "all"
#: The methods of a run that asks for nothing else.
DEFAULT = ("gradient", "guided-backprop", "grad-cam")
#: Options that say something of maps, and those that choose the faces, which feature maps need, too.
_OF_MAPS = ("explained", "label", "layer", "class_means", "evidence")
_OF_FACES = ("rows", "per_class", "correct", "wrong")
#: Options that say something of a dataset's rows only.
_OF_ROWS = ("rows", "correct", "wrong", "label", "class_means")
#: Options that the library takes as they are.
_AS_ASKED = (
    "methods", "lenient", "layer", "detector", "class_means", "limit", "evidence", "filters", "feature_maps",
    "maximize", "seed",
)  # fmt: skip


def _rows(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """Rows from 0 as numbers and spans with both ends."""
    found: list[int] = []
    for part in value.split(",") if value else ():
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
            raise click.BadParameter(f"expected rows from 0 such as 3,17,40-45. Received: {value}", ctx, param)
        found.extend(range(int(first), int(last) + 1))
    return tuple(dict.fromkeys(found)) or None


@click.command()
@options.model_and_sources_arg
@click.option(
    "--method", "--methods", "methods", multiple=True, metavar="NAME", type=click.Choice((*catalog.SALIENCY, ALL)),
    help=f"How maps are made; may be repeated: {', '.join(catalog.SALIENCY)}; or all that can explain MODEL.  "
    f"[default: {', '.join(DEFAULT)}; none with --filters, --feature-maps or --maximize, unless another "
    "option is about maps]",
)  # fmt: skip
@click.option(
    "--class",
    "explained",
    metavar="CLASS",
    shell_complete=options.suggest_class,
    help="Explain this class.  [default: the one predicted]",
)
@click.option("--label", is_flag=True, help="Explain the class given in the dataset.")
@click.option("--layer", metavar="NAME", help="Layer of the CAMs.  [default: the last one that shows places]")
@options.split_opt()
@click.option("--rows", metavar="N,N-M,...", callback=_rows, help="Rows of the split to explain, from 0.")
@click.option(
    "--per-class", type=click.IntRange(1), default=1, show_default=True, metavar="N",
    help="Rows of each given class to explain, drawn by --seed, where --rows names none.",
)  # fmt: skip
@click.option("--correct", is_flag=True, help="Only rows that MODEL names rightly.")
@click.option("--wrong", is_flag=True, help="Only rows that MODEL names wrongly.")
@click.option(
    "--detector", type=click.Choice(("mtcnn", "haar", "skip")), default="mtcnn", show_default=True,
    help="What finds the face in a picture; skip: the picture is a face.",
)  # fmt: skip
@click.option("--class-means", is_flag=True, help="The mean map of each class over the split; see --limit.")
@click.option(
    "--evidence", type=click.IntRange(0), default=42, show_default=True, metavar="N",
    help="Rows of the dataset, drawn by --seed, that the methods are tested on; 0 for no tests.",
)  # fmt: skip
@click.option(
    "--filters", metavar="LAYER", help="Draw the filters of a convolution, or of all that see more than a pixel."
)
@click.option(
    "--feature-maps", metavar="LAYER", multiple=True,
    help="Draw what a layer makes of the faces; may be repeated; all: the last layer of each size.",
)  # fmt: skip
@click.option(
    "--maximize",
    metavar="CLASS",
    shell_complete=options.suggest_class,
    help="Draw an image that excites the class, or all classes.",
)
@options.limit_opt
@options.classes_opt
@options.output_opt("Folder for the results.  [default: results/saliency-MODEL-SPLIT]", required=False)
@options.common
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: Path,
    sources: tuple[str, ...],
    output: Path | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **asked: Any,
) -> None:
    """Show what MODEL looks at in the faces of SOURCE, a dataset file or pictures, and test whether that is so.

    The folder holds a sheet of the faces with the map of each method over them, the maps themselves (maps.npz), and
    the tests on rows of the dataset: deletion and insertion against orders of chance, the sanity check of networks that
    learnt nothing, and on drawn faces whether maps point at the parts that make the expression.
    """
    from fer_cli.reports import saliency_view
    from fer_cli.reports.terminal import Terminal

    asked["lenient"] = not asked["methods"] or ALL in asked["methods"]
    asked["methods"] = _methods(asked, options.given(ctx))
    dataset = _dataset(sources, asked)
    output = output or Path("results", f"saliency-{model.stem}-{asked['split'] if dataset else 'pictures'}")
    options.claim(output, overwrite)
    terminal = Terminal(as_json, quiet)
    record = _explain(model, dataset, sources, asked, output, terminal)
    saliency_view.show(terminal, record["results"])
    terminal.log(f"results in {output}")
    terminal.finish(record)


def _methods(asked: dict[str, Any], given: Container[str]) -> list[str]:
    """Those named, else the usual ones where maps are asked for. given: the options that the command line has."""
    if ALL in asked["methods"]:
        return list(catalog.SALIENCY)
    other = asked["filters"] or asked["feature_maps"] or asked["maximize"]
    # Without maps these would have no effect. What is no or 0 asks for none.
    telling = _OF_MAPS if asked["feature_maps"] else (*_OF_MAPS, *_OF_FACES)
    maps = not other or any(name in given and asked[name] for name in telling)
    return list(dict.fromkeys(asked["methods"])) or (list(DEFAULT) if maps else [])


def _dataset(sources: tuple[str, ...], asked: dict[str, Any]) -> Path | None:
    """The dataset file; None for pictures, and where faces are not asked for."""
    if asked["label"] and asked["explained"]:
        raise UsageError("--class and --label exclude each other")
    files_ = [source for source in sources if Path(source).suffix in options.DATASET_ENDINGS]
    if files_ and len(sources) > 1:
        raise UsageError(f"SOURCE: expected one dataset file, or pictures. Received: {', '.join(sources)}")
    if files_ or (not sources and (asked["methods"] or asked["feature_maps"])):
        return options.existing_dataset(Path(files_[0]) if files_ else None)
    for name in _OF_ROWS:
        if asked[name]:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} is for rows of a dataset. Received: {', '.join(sources) or 'no dataset'}")
    return None


def _explain(
    path: Path, dataset: Path | None, sources: tuple[str, ...], asked: dict[str, Any], output: Path, terminal: Terminal
) -> dict[str, Any]:
    """Load what is named, explain, and write the results; the record."""
    from fer_cli import framework
    from fer_cli.store.reader import open_dataset

    framework.load()
    from fer_cli.analysis.saliency.run import run
    from fer_cli.analysis.saliency.study import Study
    from fer_cli.models import load_model
    from fer_cli.reports import saliency_files

    if path.suffix == ".skops":
        raise UsageError(f"{path}: no network, so it has no maps")
    wanted = _wanted(asked)
    model = load_model(path, asked["classes"].split(",") if asked["classes"] else None)
    results: dict[str, Any] = {"model": str(path)}
    with contextlib.ExitStack() as stack:
        study = None
        if dataset:
            study = Study(model, stack.enter_context(open_dataset(dataset)), asked["split"], asked["seed"])
            results |= {"dataset": str(dataset), "split": asked["split"]}
        folder = stack.enter_context(files.atomic_folder(output))
        found = run(model, study, sources, wanted, terminal.progress)
        results |= {**found.results(), "files": saliency_files.write(found, folder)}
        pictures = found.subjects.sources if found.subjects and not study else []
        inputs = [path, *([dataset] if dataset else []), *map(Path, pictures)]
        record = provenance.record("saliency", inputs, asked, results)
        files.write_json(folder / provenance.RESULT, record)
    return record


def _wanted(asked: dict[str, Any]) -> Wanted:
    from fer_cli.analysis.saliency.rows import Choice
    from fer_cli.analysis.saliency.run import Wanted
    from fer_cli.analysis.saliency.subjects import GIVEN, PREDICTED

    return Wanted(
        choice=Choice(asked["rows"], asked["per_class"], asked["correct"], asked["wrong"]),
        explained=GIVEN if asked["label"] else asked["explained"] or PREDICTED,
        **{name: asked[name] for name in _AS_ASKED},
    )
