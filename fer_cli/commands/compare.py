"""`fer compare`: put results side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import files, options, provenance

if TYPE_CHECKING:
    from fer_cli.analysis.compare import Comparison
    from fer_cli.reports.terminal import Terminal


@click.command()
@click.argument("results", nargs=-1, required=True, metavar="RESULT...", type=click.Path(path_type=Path))
@options.output_opt("Folder for the comparison.", "results/comparison")
@options.common
def command(results: tuple[Path, ...], output: Path, overwrite: bool, seed: int, as_json: bool, quiet: bool) -> None:
    """Put RESULTs side by side: folders of fer eval or fer train, or their result.json files.

    Where predictions.csv is there for the same rows, each result is tested against the first one: the difference of
    the accuracies with a paired bootstrap interval, and McNemar's exact test.
    """
    from fer_cli.analysis.compare import compare
    from fer_cli.reports import figures, tables
    from fer_cli.reports.terminal import Terminal

    files.refuse_existing(output, overwrite)
    terminal = Terminal(as_json, quiet)
    comparison = compare(results, seed)
    rows = comparison.as_dicts()
    with files.atomic_folder(output) as folder:
        tables.write_csv(folder / "comparison.csv", tables.comparison_csv(rows))
        title, names = tables.comparison_names(rows)
        values, intervals = ([row[key] for row in rows] for key in ("accuracy", "accuracy_interval"))
        figures.comparison(names, values, intervals, folder / "comparison.png", title)
        found = {"rows": rows, "notes": comparison.notes, "files": sorted(p.name for p in folder.iterdir())}
        record = provenance.record("compare", map(provenance.result_file, results), {"seed": seed}, found)
        files.write_json(folder / provenance.RESULT, record)
    _show(comparison, rows, terminal)
    terminal.log(f"comparison in {output}")
    terminal.finish(record)


def _show(comparison: Comparison, rows: list[dict[str, Any]], terminal: Terminal) -> None:
    from fer_cli.reports import tables

    title, header, cells = tables.comparison_rows(rows)
    terminal.table(title or "results", header, cells)
    header, cells = tables.paired_rows(rows)
    if cells:
        terminal.table(f"against {comparison.rows[0].model}, on the same rows", header, cells)
    for note in comparison.notes:
        terminal.warn(note)
