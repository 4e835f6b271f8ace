"""`fer prepare`: raw data to one dataset file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fer_cli import catalog, files, options
from fer_cli.errors import UsageError
from fer_cli.labels import VOTES_MODES

_FRACTION = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command(name="prepare")
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.output_opt("The dataset file.  [default: data/NAME.h5, by the name of SOURCE]", required=False)
@click.option("--format", type=click.Choice(tuple(catalog.IMPORTERS)), help="Layout of SOURCE; detected without it.")
@click.option("--size", type=click.IntRange(8, 1024), metavar="PIXELS", help="Side of the square images.")
@click.option("--color", type=click.Choice(("gray", "rgb")), help="Convert the images.")
@options.limit_opt
@click.option("--drop-duplicates", is_flag=True, help="Drop training rows with an image that stands elsewhere, too.")
@click.option(
    "--val-fraction", type=_FRACTION, metavar="X", help="Where SOURCE has no val split: part of train for it."
)
@click.option("--skip-bad", is_flag=True, help="Report and leave out unreadable images instead of stopping.")
@click.option("--votes", type=click.Path(path_type=Path), help="FER+ votes (fer2013new.csv) for a FER2013 csv.")
@click.option("--votes-mode", type=click.Choice(VOTES_MODES), default="majority", show_default=True, help="See below.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="Number of synthetic faces.")
@click.option(
    "--label-noise", type=click.FloatRange(0, 1), default=0.0, metavar="X", help="Part of synthetic labels to falsify."
)
@options.common
def command(
    sources: tuple[Path, ...], output: Path | None, overwrite: bool, as_json: bool, quiet: bool, **asked: Any
) -> None:
    """Turn raw data into one dataset file.

    SOURCE is a FER2013 csv (fer2013.csv, icml_face_data.csv, train.csv), its image folder or its HDF5 conversion, any
    folder with one folder a class (below train, val, test folders or not), a dataset file, or the word "synthetic" for
    drawn faces. Prints a class × split table and counts images that stand more than once.

    FER+ votes replace the labels. majority keeps rows on which more than half of the votes agree; argmax takes the
    emotion with most votes; soft keeps all rows that are mostly emotion, to learn from the distribution of votes.
    """
    from fer_cli.datasets import prepare
    from fer_cli.datasets.base import ReadOptions
    from fer_cli.reports import prepare_view
    from fer_cli.reports.terminal import Terminal

    terminal = Terminal(as_json, quiet)
    target = _target(sources, output)
    files.refuse_existing(target, overwrite)
    reading, selection = _pick(ReadOptions, asked), _pick(prepare.Selection, asked)
    importers = [prepare.open_source(source, asked["format"], reading) for source in sources]
    with terminal.progress("reading images", prepare.expected_rows(importers)) as advance:
        record = prepare.prepare_dataset(importers, target, reading, selection, advance)
    prepare_view.show(terminal, record["results"])
    terminal.log(f"{target}: {record['results']['rows']:,} images")
    terminal.finish(record)


def _target(sources: tuple[Path, ...], output: Path | None) -> Path:
    if output is None:
        if len(sources) > 1:
            raise UsageError("several sources: name the output with -o")
        name = sources[0].resolve()
        output = Path("data", f"{name.name if name.is_dir() else name.stem}.h5")
    if output.suffix not in options.DATASET_ENDINGS:
        raise UsageError(f"-o {output}: expected a name that ends in {' or '.join(sorted(options.DATASET_ENDINGS))}")
    return output


def _pick(kind: type[Any], asked: dict[str, Any]) -> Any:
    """A dataclass of options from the command-line options of the same names."""
    return kind(**{name: asked[name] for name in kind.__dataclass_fields__})
