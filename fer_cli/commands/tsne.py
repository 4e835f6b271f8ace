"""`fer tsne`: faces as points, by what a layer of a network makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import catalog, files, options, provenance
from fer_cli.errors import UsageError

if TYPE_CHECKING:
    from fer_cli.analysis.embed.study import Embedded, Faces
    from fer_cli.reports.terminal import Terminal
    from fer_cli.store.reader import Dataset, ImageRows

#: The points, the page and the features in the folder.
POINTS, PAGE, FEATURES = "embedding.npz", "map.html", "features.npz"


@click.command()
@options.model_and_dataset_arg
@options.split_opt()
@click.option("--layer", default="embedding", show_default=True, metavar="NAME", help="Layer that gives the features.")
@click.option("--flatten", is_flag=True, help="All places of a spatial layer as features, not the mean over them.")
@click.option(
    "--method", type=click.Choice(tuple(catalog.EMBEDDINGS)), default="tsne", show_default=True,
    help="How to embed; umap where umap-learn is installed.",
)  # fmt: skip
@click.option("--dims", type=click.Choice(("2", "3")), default="2", show_default=True, help="A plane, or space.")
@click.option(
    "--perplexity", type=click.FloatRange(1), default=30, show_default=True,
    help="About how many neighbours a face has, for t-SNE and UMAP.",
)  # fmt: skip
@click.option(
    "--accel/--no-accel", default=None,
    help="t-SNE by scikit-learn-intelex, many times faster.  [default: where it is installed]",
)  # fmt: skip
@click.option("--faces", is_flag=True, help="Draw a map of the faces themselves, too.")
@click.option("--html", is_flag=True, help="Write a page in which hovering shows the face, its label and prediction.")
@click.option(
    "--html-faces", type=click.IntRange(1), default=5000, show_default=True, metavar="N",
    help="At most so many faces on the page.",
)  # fmt: skip
@click.option("--save-features", is_flag=True, help="Write the features, too.")
@options.limit_opt
@options.classes_opt
@options.batch_size_opt
@options.output_opt("Folder for the results.  [default: results/METHOD-MODEL-SPLIT]", required=False)
@options.common
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: Path,
    dataset: Path,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **asked: Any,
) -> None:
    """Embed the faces of DATASET in two or three dimensions by what a layer of MODEL makes of them.

    The folder holds the points in embedding.npz, a scatter plot with the classes' centroids, the confusion matrix of
    naming each face by its neighbours, pairs.csv, and result.json: trustworthiness, and in both the features and the
    points the silhouette of each class, the accuracy of naming a face by its neighbours, and the pairs of classes that
    mix most. With --html, map.html.
    """
    from fer_cli.reports import tsne_view
    from fer_cli.reports.terminal import Terminal

    asked["dims"] = int(asked["dims"])
    _check(asked, options.given(ctx))
    output = output or Path("results", f"{asked['method']}-{model.stem}-{asked['split']}")
    options.claim(output, overwrite)
    terminal = Terminal(as_json, quiet)
    record = _embed(model, dataset, asked, output, terminal)
    tsne_view.show(terminal, record["results"])
    terminal.log(f"results in {output}")
    terminal.finish(record)


def _check(asked: dict[str, Any], given: dict[str, str]) -> None:
    """Raise `UsageError` for options that contradict each other or would have no effect. given: those said."""
    if asked["faces"] and asked["dims"] == 3:
        raise UsageError("--faces: expected --dims 2, since faces in space would hide each other")
    method = asked["method"]
    if "accel" in given and method != "tsne":
        flag = "--accel" if asked["accel"] else "--no-accel"
        raise UsageError(f"{flag}: expected --method tsne, the only one that it is for. Received: {method}")
    if "perplexity" in given and method == "pca":
        raise UsageError("--perplexity: expected --method tsne or umap, which look at neighbours. Received: pca")
    if "html_faces" in given and not asked["html"]:
        raise UsageError("--html-faces needs --html, which writes the page that they are on")


def _embed(model: Path, path: Path, asked: dict[str, Any], output: Path, terminal: Terminal) -> dict[str, Any]:
    """Open what is named, embed, and write the results; the record."""
    from fer_cli import framework
    from fer_cli.store.reader import open_dataset

    framework.load()
    from fer_cli.analysis.embed.methods import Settings, project
    from fer_cli.analysis.embed.study import measure

    settings = Settings(asked["dims"], asked["perplexity"], asked["seed"], asked["accel"])
    method = catalog.find(catalog.EMBEDDINGS, asked["method"], "method")
    with open_dataset(path) as dataset:
        faces, warnings = _read(model, dataset, asked, terminal)
        count, width = faces.features.values.shape
        terminal.log(f"{asked['method']} of {count:,} faces with {width:,} features")
        embedded = measure(faces, project(method, faces.features.values, settings), settings.seed)
        results = _results(embedded, model, dataset, asked, warnings)
        with files.atomic_folder(output) as folder:
            _write(embedded, results, dataset.images(asked["split"]), asked, folder)
            names = sorted(file.name for file in folder.iterdir())
            record = provenance.record("tsne", [model, path], asked, {**results, "files": names})
            files.write_json(folder / provenance.RESULT, record)
    return record


def _read(model: Path, dataset: Dataset, asked: dict[str, Any], terminal: Terminal) -> tuple[Faces, list[str]]:
    """The faces with their features, and what to warn of."""
    from fer_cli.analysis.embed.features import Extractor
    from fer_cli.analysis.embed.study import choose_rows, read_faces
    from fer_cli.analysis.predict import correction_warning
    from fer_cli.models import load_model

    loaded = load_model(model, asked["classes"].split(",") if asked["classes"] else None)
    rows = choose_rows(dataset, asked["split"], asked["limit"], asked["seed"])
    extractor = Extractor(loaded, asked["layer"], asked["flatten"])
    with terminal.progress("images", len(rows)) as advance:
        faces = read_faces(dataset, extractor, asked["split"], rows, asked["batch_size"], advance)
    warning = correction_warning(loaded, dataset.transforms, str(dataset.path))
    return faces, [warning] if warning else []


def _results(
    embedded: Embedded, model: Path, dataset: Dataset, asked: dict[str, Any], warnings: list[str]
) -> dict[str, Any]:
    from fer_cli.datasets.splits import known_leaks

    found = embedded.results()
    how = f"perplexity {asked['perplexity']:g}, " if asked["method"] == "tsne" else ""
    protocol = (
        f"{asked['method']} of {found['features']:,} features of {found['layer']} ({how}{found['implementation']})"
    )
    trained = ["the network was fitted to these rows: its features keep them apart better than others"]
    return {
        "model": str(model),
        "dataset": str(dataset.path),
        "split": asked["split"],
        "protocol": protocol,
        "method": asked["method"],
        **found,
        "leaks": known_leaks(dataset.provenance),
        "notes": [*embedded.notes(), *(trained if asked["split"] == "train" else [])],
        "warnings": warnings,
    }


def _write(embedded: Embedded, results: dict[str, Any], images: ImageRows, asked: dict[str, Any], folder: Path) -> None:
    """Points, tables and figures."""
    from fer_cli.analysis.embed import archive
    from fer_cli.reports import figures, tables, tsne_figures, tsne_view

    faces, points, centroids = embedded.faces, embedded.projection.points, embedded.centroids
    archive.write_points(embedded, folder / POINTS)
    if asked["save_features"]:
        archive.write_features(faces, folder / FEATURES)
    if results["pairs"]:
        tables.write_csv(folder / "pairs.csv", results["pairs"])
    tables.write_csv(folder / "per_class.csv", results["per_class"])
    names, title = faces.class_names, tsne_view.title(results, "\n")
    tsne_figures.scatter(points, faces.labels, centroids, names, folder / "scatter.png", title, asked["seed"])
    figures.confusion_matrix(embedded.by_features.counts, names, folder / "neighbours.png")
    if asked["faces"]:
        shown = images.take(faces.index[tsne_figures.faces_shown(points)])
        tsne_figures.face_map(points, faces.labels, shown, centroids, names, folder / "faces.png", title)
    if asked["html"]:
        _write_page(embedded, results, images, asked, folder / PAGE)


def _write_page(
    embedded: Embedded, results: dict[str, Any], images: ImageRows, asked: dict[str, Any], path: Path
) -> None:
    import numpy as np

    import fer_cli
    from fer_cli.reports import tsne_page

    count, most = results["n"], asked["html_faces"]
    rows = np.sort(np.random.default_rng(asked["seed"]).permutation(count)[:most])
    made_by = f"Made by fer {fer_cli.__version__} with: {provenance.command_line()}"
    faces = images.take(embedded.faces.index[rows])
    files.write_text(path, tsne_page.render(embedded, rows, faces, results, made_by))
