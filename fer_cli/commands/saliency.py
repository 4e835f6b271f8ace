"""`fer saliency`: what a network looks at, whether the maps can be believed, and what its layers respond to."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import catalog, files, options, provenance
from fer_cli.errors import UsageError

if TYPE_CHECKING:
    from fer_cli.analysis.saliency.explain import Methods
    from fer_cli.analysis.saliency.study import Explained, Study
    from fer_cli.analysis.saliency.subjects import Subjects
    from fer_cli.models import LoadedModel
    from fer_cli.reports.terminal import Terminal

#: Stands for every method, layer or class.
ALL = "all"
#: The methods of a run that asks for nothing else.
DEFAULT = ("gradient", "guided-backprop", "grad-cam")
#: The maps, and the mean maps of the classes, in the folder.
MAPS, MEANS = "maps.npz", "class_means.npz"
#: Options that say something of a dataset's rows only.
_OF_ROWS = {
    "rows": "--rows",
    "correct": "--correct",
    "wrong": "--wrong",
    "label": "--label",
    "class_means": "--class-means",
}


def _rows(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """Rows from 0 as numbers and spans with both ends."""
    found: list[int] = []
    for part in value.split(",") if value else ():
        first, _, last = part.strip().partition("-")
        if not (first.isdecimal() and (last or first).isdecimal() and int(first) <= int(last or first)):
            raise click.BadParameter(f"expected rows from 0 such as 3,17,40-45. Received: {value}", ctx, param)
        found.extend(range(int(first), int(last or first) + 1))
    return tuple(dict.fromkeys(found)) or None


@click.command()
@options.model_and_sources_arg
@click.option(
    "--method", "--methods", "methods", multiple=True, metavar="NAME", type=click.Choice((*catalog.SALIENCY, ALL)),
    help=f"How maps are made; may be repeated: {', '.join(catalog.SALIENCY)}; or all that can explain "
    f"MODEL.  [default: {', '.join(DEFAULT)}; "
    "none where only --filters, --feature-maps or --maximize is asked for]",
)  # fmt: skip
@click.option("--class", "explained", metavar="CLASS", help="Explain this class.  [default: the one predicted]")
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
@click.option("--filters", metavar="LAYER", help="Draw the filters of a convolution, or of all.")
@click.option(
    "--feature-maps", metavar="LAYER", multiple=True,
    help="Draw what a layer makes of the faces; may be repeated; all: the last layer of each size.",
)  # fmt: skip
@click.option("--maximize", metavar="CLASS", help="Draw an image that excites the class, or all classes.")
@options.limit_opt
@options.classes_opt
@options.output_opt("Folder for the results.  [default: results/saliency-MODEL-SPLIT]", required=False)
@options.common
def command(
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

    asked["named"] = bool(asked["methods"]) and ALL not in asked["methods"]
    asked["methods"] = _methods(asked)
    dataset = _dataset(sources, asked)
    output = output or Path("results", f"saliency-{model.stem}-{asked['split'] if dataset else 'pictures'}")
    files.refuse_existing(output, overwrite)
    terminal = Terminal(as_json, quiet)
    record = _explain(model, dataset, sources, asked, output, terminal)
    saliency_view.show(terminal, record["results"])
    terminal.log(f"results in {output}")
    terminal.finish(record)


def _methods(asked: dict[str, Any]) -> list[str]:
    if ALL in asked["methods"]:
        return list(catalog.SALIENCY)
    other = asked["filters"] or asked["feature_maps"] or asked["maximize"]
    return list(dict.fromkeys(asked["methods"])) or ([] if other else list(DEFAULT))


def _dataset(sources: tuple[str, ...], asked: dict[str, Any]) -> Path | None:
    """The dataset file; None for pictures, and where faces are not asked for."""
    if asked["label"] and asked["explained"]:
        raise UsageError("--class and --label exclude each other")
    files_ = [source for source in sources if Path(source).suffix in options.DATASET_ENDINGS]
    if files_ and len(sources) > 1:
        raise UsageError(f"SOURCE: expected one dataset file, or pictures. Received: {', '.join(sources)}")
    if files_ or (not sources and (asked["methods"] or asked["feature_maps"])):
        return options.existing_dataset(Path(files_[0]) if files_ else None)
    for name, flag in _OF_ROWS.items():
        if asked[name]:
            raise UsageError(f"{flag} is for rows of a dataset. Received: {', '.join(sources) or 'no dataset'}")
    return None


def _explain(
    path: Path, dataset: Path | None, sources: tuple[str, ...], asked: dict[str, Any], output: Path, terminal: Terminal
) -> dict[str, Any]:
    """Load what is named, explain, and write the results; the record."""
    from fer_cli import framework
    from fer_cli.store.reader import open_dataset

    framework.load()
    from fer_cli.analysis.saliency.study import Study

    model = _load(path, asked)
    results: dict[str, Any] = {"model": str(path), "methods": asked["methods"], "class_names": list(model.class_names)}
    results |= {"faces": [], "class_means": None, "evidence": None, "notes": [], "warnings": []}
    with contextlib.ExitStack() as stack:
        study, inputs = None, [path]
        if dataset:
            study = Study(model, stack.enter_context(open_dataset(dataset)), asked["split"], asked["seed"])
            results |= {"dataset": str(dataset), "split": asked["split"]}
            inputs.append(dataset)
        folder = stack.enter_context(files.atomic_folder(output))
        if study or sources:
            inputs += _faces(model, study, sources, asked, results, folder, terminal)
        _network(model, asked, folder, terminal)
        results["files"] = sorted(file.name for file in folder.iterdir())
        record = provenance.record("saliency", inputs, asked, results)
        files.write_json(folder / provenance.RESULT, record)
    return record


def _load(path: Path, asked: dict[str, Any]) -> LoadedModel:
    from fer_cli.models import load_model

    if path.suffix == ".skops":
        raise UsageError(f"{path}: no network, so it has no maps")
    return load_model(path, asked["classes"].split(",") if asked["classes"] else None)


def _faces(
    model: LoadedModel,
    study: Study | None,
    sources: tuple[str, ...],
    asked: dict[str, Any],
    results: dict[str, Any],
    folder: Path,
    terminal: Terminal,
) -> list[Path]:
    """All that needs faces, into `results` and `folder`; the pictures that were read."""
    from fer_cli.analysis.predict import correction_warning
    from fer_cli.analysis.saliency.explain import Methods
    from fer_cli.analysis.saliency.pictures import read_faces
    from fer_cli.analysis.saliency.rows import Choice
    from fer_cli.analysis.saliency.subjects import of_pictures

    pictures: list[Path] = []
    if study is None:
        faces, pictures, notes = read_faces(sources, asked["detector"])
        subjects = of_pictures(model, faces, list(map(str, pictures)))
        results["notes"] += notes
    else:
        choice = Choice(asked["rows"], asked["per_class"], asked["correct"], asked["wrong"])
        with terminal.progress("images") as advance:
            subjects = study.chosen(choice, advance)
        warning = correction_warning(model, study.dataset.transforms, str(study.dataset.path))
        results["warnings"] += [warning] if warning else []
    if asked["methods"]:
        methods = Methods(model.network, asked["methods"], asked["seed"], asked["layer"], not asked["named"])
        results["methods"] = list(methods.found)
        results["notes"] += methods.left_out
        _maps(methods, subjects, asked, results, folder, terminal)
        if study:
            _tests(study, methods, asked, results, folder, terminal)
    if asked["feature_maps"]:
        _feature_maps(model, subjects, asked["feature_maps"], folder)
    return pictures


def _maps(
    methods: Methods,
    subjects: Subjects,
    asked: dict[str, Any],
    results: dict[str, Any],
    folder: Path,
    terminal: Terminal,
) -> None:
    """The maps, the sheet and the table of the faces."""
    from fer_cli.analysis.saliency.study import explain
    from fer_cli.analysis.saliency.subjects import GIVEN, PREDICTED
    from fer_cli.reports import saliency_figures, tables

    wanted = GIVEN if asked["label"] else asked["explained"] or PREDICTED
    with terminal.progress("maps", len(methods.found) * len(subjects)) as advance:
        found = explain(methods, subjects, wanted, advance)
    results["faces"] = found.faces()
    tables.write_csv(folder / "faces.csv", results["faces"])
    labels = [saliency_figures.label(face) for face in results["faces"]]
    saliency_figures.sheet(subjects.images, labels, found.strengths, folder / "sheet.png")
    _write_maps(found, folder)


def _write_maps(found: Explained, folder: Path) -> None:
    """Everything of the sheet as arrays, without pickles."""
    import numpy as np

    subjects = found.subjects
    np.savez_compressed(
        folder / MAPS,
        allow_pickle=False,
        images=subjects.images,
        sources=np.array(subjects.sources),
        class_names=np.array(subjects.class_names),
        probabilities=subjects.probabilities,
        explained=found.classes,
        **found.maps,
    )


def _tests(
    study: Study, methods: Methods, asked: dict[str, Any], results: dict[str, Any], folder: Path, terminal: Terminal
) -> None:
    """The mean maps of the classes, and the evidence on the methods."""
    from fer_cli.reports import saliency_figures, saliency_view, tables

    if asked["class_means"]:
        with terminal.progress("maps", len(methods.found) * len(study.mean_rows(asked["limit"]))) as advance:
            means = study.class_means(methods, asked["limit"], advance)
        means.write(folder / MEANS)
        results["class_means"] = means.results()
        saliency_figures.class_means(means, folder / "class_means.png")
    if asked["evidence"]:
        found = study.evidence(methods, asked["evidence"], asked["layer"], terminal.progress)
        evidence = results["evidence"] = found.results()
        results["notes"] += found.notes
        results["warnings"] += found.warnings
        tables.write_csv(folder / "evidence.csv", saliency_view.evidence_rows(evidence))
        saliency_figures.tests(evidence, folder)


def _feature_maps(model: LoadedModel, subjects: Subjects, layers: tuple[str, ...], folder: Path) -> None:
    """A sheet a face."""
    from fer_cli.reports import network_figures
    from fer_cli.saliency import feature_maps

    names = feature_maps.last_of_each_size(model.network) if ALL in layers else list(dict.fromkeys(layers))
    found = feature_maps.feature_maps(model.network, names, subjects.images)
    for number, image in enumerate(subjects.images):
        seen = subjects.class_names[subjects.predictions[number]]
        title = f"{subjects.sources[number]} → {seen} {subjects.probabilities[number].max():.2f}"
        maps = {name: each[number] for name, each in found.items()}
        network_figures.feature_map_sheet(image, maps, folder / f"feature_maps-{number + 1}.png", title)


def _network(model: LoadedModel, asked: dict[str, Any], folder: Path, terminal: Terminal) -> None:
    """What needs no face: filters, and images that excite classes."""
    from fer_cli.analysis.saliency.subjects import class_number
    from fer_cli.reports import network_figures
    from fer_cli.saliency import filters, maximize

    network, names = model.network, model.class_names
    if layer := asked["filters"]:
        for name in filters.convolutions(network) if layer == ALL else [layer]:
            network_figures.filter_sheet(filters.filters(network, name), folder / f"filters-{name}.png", name)
    if wanted := asked["maximize"]:
        logits = list(range(len(names))) if wanted == ALL else [class_number(wanted, names, "--maximize")]
        with terminal.progress("steps", maximize.STEPS) as advance:
            images = maximize.maximize_each(network, logits, asked["seed"], advance=advance)
        said = model.probabilities(images)[range(len(logits)), logits]
        captions = [f"{names[logit]}\n{part:.2f}" for logit, part in zip(logits, said, strict=True)]
        network_figures.excitation_sheet(images, captions, folder / "excitation.png")
