"""`fer report`: everything found, on one page."""

from __future__ import annotations

from pathlib import Path

import click

from fer_cli import files, options, provenance


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--title", default="Facial expression recognition", show_default=True, help="Heading of the page.")
@options.output_opt("The page.", "report.html")
@options.common
def command(
    folders: tuple[Path, ...], title: str, output: Path, overwrite: bool, seed: int, as_json: bool, quiet: bool
) -> None:
    """Put everything found below PATHs on one HTML page: results, their figures, and datasets with their faces.

    PATHs are folders, dataset files or result.json files; each of several folders becomes a part of the page. The page
    begins with the scores of all models and the published figures beside ours. It is one file that needs no other, has
    no scripts, and prints well.
    """
    from fer_cli.reports import overview, page
    from fer_cli.reports.terminal import Terminal

    options.claim(output, overwrite)
    terminal = Terminal(as_json, quiet)
    parts = overview.find(folders)
    with provenance.understood(", ".join(map(str, folders))):
        shown, summary = list(overview.sections_of(parts)), overview.summary(parts)
    versions = provenance.versions()
    made_by = f"Made by fer {versions['fer-cli']} with: {provenance.command_line()}"
    files.write_text(output, page.render(title, summary, shown, made_by))
    results = [path for part in parts for path in part.records]
    datasets = [path for part in parts for path in part.datasets]
    found = {"page": str(output), "bytes": output.stat().st_size, "sections": [f"{s.kind} {s.title}" for s in shown]}
    terminal.log(f"{output}: datasets {len(datasets)}, results {len(results)}")
    terminal.finish(provenance.record("report", [*datasets, *results], {"title": title, "seed": seed}, found))
