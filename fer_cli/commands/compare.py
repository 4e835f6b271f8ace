"""`fer compare`: put results side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import files, options, provenance
from fer_cli.errors import UsageError
from fer_cli.reports.tables import AGAINST

if TYPE_CHECKING:
    from fer_cli.analysis.compare import Comparison
    from fer_cli.analysis.published import Published
    from fer_cli.reports.terminal import Terminal


@click.command()
@click.argument("results", nargs=-1, required=True, metavar="RESULT...", type=click.Path(path_type=Path))
@click.option(
    "--published",
    metavar="CSV",
    type=click.Path(path_type=Path),
    help="Table of published figures to stand beside the RESULTs of the same name; see below.",
)
@click.option(
    "--against",
    type=click.Choice(list(AGAINST)),
    help="Draw accuracy against this as well: against.png.",
)
@options.output_opt("Folder for the comparison.", "results/comparison")
@options.common
def command(
    results: tuple[Path, ...],
    published: Path | None,
    against: str | None,
    output: Path,
    overwrite: bool,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Put RESULTs side by side: folders of fer eval or fer train, or their result.json files.

    Where predictions.csv is there for the same rows, each result is tested against the first one: the difference of
    the accuracies with a paired bootstrap interval, and McNemar's exact test.

    \b
    The columns of a --published CSV are
      name      of the folder of the RESULT to stand beside; kdef-* for all such
      accuracy  from 0 to 1
      source    where the figure is published
      model, dataset, split (train, val or test), n, macro_f1, protocol: may be empty
    Of several RESULTs of one name and split (folds, repeats) the mean stands there, weighted by n.
    """
    from fer_cli.analysis.compare import compare
    from fer_cli.analysis.published import read_published
    from fer_cli.reports.terminal import Terminal

    options.claim(output, overwrite)
    terminal = Terminal(as_json, quiet)
    theirs = read_published(published) if published else []
    comparison = compare(results, seed)
    inputs = [*map(provenance.result_file, results), *([published] if published else [])]
    parameters = {"published": published and str(published), "against": against, "seed": seed}
    with files.atomic_folder(output) as folder:
        found = _write(comparison, theirs, against, folder)
        record = provenance.record("compare", inputs, parameters, found)
        files.write_json(folder / provenance.RESULT, record)
    _show(comparison, found, terminal)
    terminal.log(f"comparison in {output}")
    terminal.finish(record)


def _write(comparison: Comparison, published: list[Published], against: str | None, folder: Path) -> dict[str, Any]:
    """Table and figures in `folder`; the results for the record."""
    from fer_cli.analysis.published import beside, of_row
    from fer_cli.reports import figures, tables

    rows = comparison.as_dicts()
    theirs = [of_row(published, row) for row in comparison.rows]
    shown = [vars(found[0]) if found else None for found in theirs]  # a row of the csv has room for one
    tables.write_csv(folder / "comparison.csv", tables.comparison_csv(rows, shown if published else []))
    title, names = tables.comparison_names(rows)
    values, intervals = ([row[key] for row in rows] for key in ("accuracy", "accuracy_interval"))
    accuracies = [[figure.accuracy for figure in found] for found in theirs]
    figures.comparison(names, values, intervals, folder / "comparison.png", title, accuracies)
    if against:
        _draw_against(rows, against, folder / "against.png")
    return {
        "rows": rows,
        "published": [entry.as_dict() for entry in beside(published, comparison.rows)],
        "notes": comparison.notes,
        "files": sorted(path.name for path in folder.iterdir()),
    }


def _draw_against(rows: list[dict[str, Any]], key: str, path: Path) -> None:
    from fer_cli.reports import figures, tables

    known = [row for row in rows if row[key]]
    if len(known) < 2:
        raise UsageError(
            f"--against {key}: expected at least 2 RESULTs that tell it; fer train's tell of the networks that fer "
            f"eval's score, so name both. Received: {len(known)}"
        )
    title, names = tables.comparison_names(known)
    values, intervals = ([row[name] for row in known] for name in ("accuracy", "accuracy_interval"))
    places = [row[key] for row in known]
    # A line leads through one network on more and more rows; other results are no series.
    figures.accuracy_against(
        names, places, values, intervals, path, tables.AGAINST[key], title, joined=key == "train_rows"
    )


def _show(comparison: Comparison, found: dict[str, Any], terminal: Terminal) -> None:
    from fer_cli.reports import tables

    title, header, cells = tables.comparison_rows(found["rows"])
    terminal.table(title or "results", header, cells)
    header, cells = tables.paired_rows(found["rows"])
    if cells:
        terminal.table(f"against {comparison.rows[0].model}, on the same rows", header, cells)
    if found["published"]:
        terminal.table("published, and ours beside it", *tables.published_rows(found["published"], narrow=True))
    for note in comparison.notes:
        terminal.warn(note)
