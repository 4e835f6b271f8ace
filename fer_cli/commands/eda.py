"""`fer eda`: look at a dataset before anything is trained on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import files, options, provenance

if TYPE_CHECKING:
    from fer_cli.reports.terminal import Terminal
    from fer_cli.store.reader import Dataset, ImageRows

#: The page in the folder.
PAGE = "index.html"


@click.command()
@options.dataset_arg
@options.split_opt("train")
@click.option(
    "--components", type=click.IntRange(1, 100), default=8, show_default=True, metavar="K", help="Eigenfaces a class."
)
@click.option(
    "--samples", type=click.IntRange(1, 100), default=10, show_default=True, metavar="N", help="Faces a class to show."
)
@options.output_opt("Folder for the results.  [default: results/eda-DATASET-SPLIT]", required=False)
@options.common
def command(dataset: Path, output: Path | None, overwrite: bool, as_json: bool, quiet: bool, **settings: Any) -> None:
    """Describe DATASET: its classes, its faces, and how much they vary.

    The folder holds a page, index.html, and what is on it: the class distribution of each split; of one split the mean
    faces, the first eigenfaces, the variance that principal components hold, histograms of brightness and contrast, and
    faces drawn from each class; numbers of persons and attributes where they are known.
    """
    from fer_cli.reports import eda_view
    from fer_cli.reports.terminal import Terminal
    from fer_cli.store.reader import open_dataset

    output = output or Path("results", f"eda-{dataset.stem}-{settings['split']}")
    options.claim(output, overwrite)
    terminal = Terminal(as_json, quiet)
    with open_dataset(dataset) as opened, files.atomic_folder(output) as folder:
        results = _describe(opened, settings, folder, terminal)
        record = provenance.record("eda", [dataset], settings, {"dataset": str(dataset), **results})
        files.write_json(folder / provenance.RESULT, record)
    _write_page(output, record)
    eda_view.show(terminal, record["results"])
    terminal.log(f"the page is {output / PAGE}")
    terminal.finish(record)


def _describe(dataset: Dataset, settings: dict[str, Any], folder: Path, terminal: Terminal) -> dict[str, Any]:
    """Write tables and figures to `folder`; the results."""
    from fer_cli.analysis.describe import SHARES, describe
    from fer_cli.reports import eda_figures, tables

    split = settings["split"]
    dataset.require(split)
    images, labels, seed = dataset.images(split), dataset.labels(split), settings["seed"]
    with terminal.progress("images", len(images)) as advance:
        found = describe(images.blocks(), labels, dataset.class_names, settings["components"], seed, advance)
    census = _census(dataset)
    for name, rows in {**census, **found.tables()}.items():
        if rows:
            tables.write_csv(folder / f"{name}.csv", rows)
    eda_figures.class_distribution(
        dataset.table(), dataset.class_names, dataset.split_names, folder / "distribution.png"
    )
    eda_figures.mean_faces(found.groups, folder / "mean_faces.png")
    eda_figures.eigenfaces(found.groups, folder / "eigenfaces.png")
    eda_figures.variance_curve(found.variances, SHARES, folder / "variance.png")
    eda_figures.histograms(found.groups, folder / "histograms.png")
    _write_samples(dataset, images, settings, folder)
    names = [*sorted(path.name for path in folder.iterdir()), PAGE]
    return {"split": split, **found.results(), **census, "files": names}


def _census(dataset: Dataset) -> dict[str, list[dict[str, Any]]]:
    """Rows by class, person and attribute, of all splits."""
    from fer_cli.analysis import census

    subjects, splits, names = dataset.subjects(None), dataset.splits(), dataset.split_names
    found: dict[str, list[dict[str, Any]]] = {
        "distribution": census.class_counts(dataset.table(), dataset.class_names, names),
        "subjects": [] if subjects is None else census.subject_counts(subjects, splits, names),
        "attributes": [],
        "numbers": [],
    }
    for attribute in dataset.attribute_names:
        column, values = dataset.attribute(attribute, None), dataset.attribute_values(attribute)
        if values is None:
            found["numbers"].append(census.number_summary(attribute, column))
        else:
            found["attributes"] += census.value_counts(attribute, column, values, splits, names)
    return found


def _write_samples(dataset: Dataset, images: ImageRows, settings: dict[str, Any], folder: Path) -> None:
    """Faces drawn from each class: a sheet, and where they came from."""
    from fer_cli.analysis.describe import sample_rows
    from fer_cli.reports import eda_figures, tables

    split, class_names = settings["split"], dataset.class_names
    sources = dataset.sources(split)
    drawn = sample_rows(dataset.labels(split), settings["samples"], settings["seed"])
    eda_figures.samples(
        {class_names[label]: images.take(rows) for label, rows in drawn.items()}, folder / "samples.png"
    )
    listed = [{"class": class_names[label], "source": sources[row]} for label, rows in drawn.items() for row in rows]
    tables.write_csv(folder / "samples.csv", listed)


def _write_page(output: Path, record: dict[str, Any]) -> None:
    """The page that `fer report` would make of this result alone."""
    from fer_cli.reports import page, sections

    section = sections.result_section("eda", output / provenance.RESULT, record)
    made_by = f"Made by fer {record['versions']['fer-cli']} with: {record['command_line']}"
    files.write_text(output / PAGE, page.render(f"The faces of {section.title}", None, [section], made_by))
