"""`fer report`: everything found, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import files, options, provenance

if TYPE_CHECKING:
    from fer_cli.reports.sections import Table


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--title", default="Facial expression recognition", show_default=True, help="Heading of the page.")
@options.output_opt("The page.", "report.html")
@options.common
def command(
    folders: tuple[Path, ...], title: str, output: Path, overwrite: bool, seed: int, as_json: bool, quiet: bool
) -> None:
    """Put everything found below PATHs on one HTML page: results, their figures, and datasets with their faces.

    PATHs are folders, dataset files or result.json files. The page is one file that needs no other, has no scripts,
    and prints well.
    """
    from fer_cli.reports import page, sections
    from fer_cli.reports.terminal import Terminal

    files.refuse_existing(output, overwrite)
    terminal = Terminal(as_json, quiet)
    records, datasets = sections.find(folders)
    parts = [sections.dataset_section(f"dataset-{i}", path) for i, path in enumerate(datasets, 1)]
    parts += [sections.result_section(f"result-{i}", *item) for i, item in enumerate(records.items(), 1)]
    versions = provenance.versions()
    made_by = f"Made by fer {versions['fer-cli']} with: {provenance.command_line()}"
    files.write_text(output, page.render(title, _summary(records), parts, made_by))
    found = {"page": str(output), "bytes": output.stat().st_size, "sections": [f"{p.kind} {p.title}" for p in parts]}
    terminal.log(f"{output}: datasets {len(datasets)}, results {len(records)}")
    terminal.finish(provenance.record("report", [*datasets, *records], {"title": title, "seed": seed}, found))


def _summary(records: dict[Path, dict[str, Any]]) -> Table | None:
    """The scores of all results that have an accuracy."""
    import dataclasses

    from fer_cli.analysis import results
    from fer_cli.reports import sections, tables

    scored = {path: record for path, record in records.items() if results.has_accuracy(record)}
    if not scored:
        return None
    shared, header, cells = tables.comparison_rows([dataclasses.asdict(row) for row in results.rows(scored)])
    return sections.Table(f"Scores ({shared})" if shared else "Scores", header, cells)
