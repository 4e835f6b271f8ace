"""`fer prepare`: raw data to one dataset file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import catalog, options
from fer_cli.errors import UsageError
from fer_cli.labels import VOTES_MODES

if TYPE_CHECKING:
    from fer_cli.datasets.base import ReadOptions
    from fer_cli.datasets.choose import Selection
    from fer_cli.datasets.thin import Thinning
    from fer_cli.reports.terminal import Terminal

_FRACTION = click.FloatRange(0, 1, min_open=True, max_open=True)
#: Kept in step with `fer_cli.datasets.parallel.BACKENDS` and the limits of `splits` and `nearby` by tests.
_BACKENDS = ("threads", "processes", "dask")


def _split(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    from fer_cli.datasets.splits import parse_split

    parse_split(value)
    return value


def _thin(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[Thinning, ...]:
    from fer_cli.datasets.thin import parse_thinning

    return tuple(parse_thinning(value) for value in values)


@click.command(name="prepare")
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.output_opt("The dataset file.  [default: data/NAME.h5, by the name of SOURCE]", required=False)
@click.option("--format", type=click.Choice(tuple(catalog.IMPORTERS)), help="Layout of SOURCE; detected without it.")
@click.option("--size", type=click.IntRange(8, 1024), metavar="PIXELS", help="Side of the square images.")
@click.option("--color", type=click.Choice(("gray", "rgb")), help="Convert the images.")
@click.option(
    "--illumination", type=click.Choice(tuple(catalog.ILLUMINATIONS)), help="Correct the light, after --size."
)
@click.option("--crop", type=click.Choice(("face",)), help="Cut the face out of each picture, before --size.")
@click.option(
    "--detector", type=click.Choice(tuple(catalog.DETECTORS)), default="mtcnn", show_default=True,
    help="What finds the faces for --crop.",
)  # fmt: skip
@click.option(
    "--margin", type=click.FloatRange(0, 2), default=0.0, show_default=True, metavar="X",
    help="Part of a face's side that --crop adds around FER2013's framing.",
)  # fmt: skip
@click.option("--align/--no-align", default=True, show_default=True, help="Let --crop bring the eyes to a level.")
@click.option(
    "--no-face", type=click.Choice(("drop", "keep")), default="drop", show_default=True,
    help="What --crop does with a picture in which it finds no face.",
)  # fmt: skip
@click.option(
    "--split", default="original", show_default=True, callback=_split,
    shell_complete=options.suggest("original", "random", "subject:", "random:"),
    metavar="original|random|subject:K/N|random:K/N", help="How rows are divided; see below.",
)  # fmt: skip
@click.option("--folds", type=click.IntRange(2, 255), metavar="N", help="Number the rows' folds for cross-validation.")
@click.option(
    "--val-fraction", type=_FRACTION, metavar="X", help="Where SOURCE has no val split: part of train for it."
)
@options.limit_opt
@click.option(
    "--thin", multiple=True, callback=_thin, metavar="ATTRIBUTE=VALUE:PART",
    help="Keep only PART (0..1) of the train rows of a group, such as skin_tone=dark:0.1; may be repeated.",
)  # fmt: skip
@click.option(
    "--drop-duplicates", is_flag=False, flag_value="exact", type=click.Choice(("exact", "near")),
    help="Let images that are identical, or near, stand only once; alone it means exact.",
)  # fmt: skip
@click.option(
    "--keep", type=click.Choice(("train", "test")), default="test", show_default=True,
    help="The rows that --drop-duplicates keeps: all of val and test, or train.",
)  # fmt: skip
@click.option(
    "--near", type=click.IntRange(0, 16), default=4, show_default=True, metavar="BITS",
    help="Images are near when their 64-bit perceptual hashes differ in at most so many bits.",
)  # fmt: skip
@click.option("--allow-leaks", is_flag=True, help="Let one picture of two sources stand in two splits.")
@click.option("--skip-bad", is_flag=True, help="Report and leave out unreadable images instead of stopping.")
@click.option("--neutral-first", is_flag=True, help="CK+: take the first picture of a sequence as neutral, too.")
@click.option("--votes", type=click.Path(path_type=Path), help="FER+ votes (fer2013new.csv) for a FER2013 csv.")
@click.option("--votes-mode", type=click.Choice(VOTES_MODES), default="majority", show_default=True, help="See below.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="Number of synthetic faces.")
@click.option(
    "--label-noise", type=click.FloatRange(0, 1), default=0.0, metavar="X", help="Part of synthetic labels to falsify."
)
@click.option("--backend", type=click.Choice(_BACKENDS), default="threads", show_default=True, help="Who decodes.")
@click.option("--scheduler", metavar="ADDRESS", help="The scheduler of the cluster for --backend dask.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Decoders at a time.  [default: one a core]")
@options.common
def command(
    sources: tuple[Path, ...], output: Path | None, overwrite: bool, as_json: bool, quiet: bool, **asked: Any
) -> None:
    """Turn raw data into one dataset file.

    SOURCE is a FER2013 csv (fer2013.csv, icml_face_data.csv, train.csv), its image folder or its HDF5 conversion, the
    folder of another known data set (see --format), any folder with one folder a class (below train, val, test folders
    or not), a dataset file, or the word "synthetic" for drawn faces. Several sources become one file. Prints a class ×
    split table and counts images that stand more than once; OUTPUT.near.png shows examples of those nearly identical.

    --split subject:K/N makes fold K of N the test split and the next fold val, each person in one fold only; random:K/N
    the same by image, which may leak; random is random:1/10. --folds N writes the attribute fold, equal to these folds,
    and OUTPUT.folds.json with the rows of each.

    FER+ votes replace the labels. majority keeps rows on which more than half of the votes agree; argmax takes the
    emotion with most votes; soft keeps all rows that are mostly emotion. The distribution of votes is stored, too.
    """
    from fer_cli.datasets.base import ReadOptions
    from fer_cli.datasets.choose import Selection
    from fer_cli.reports import prepare_view
    from fer_cli.reports.terminal import Terminal

    terminal = Terminal(as_json, quiet)
    target = _target(sources, output)
    options.claim(target, overwrite)
    record = _prepare(sources, target, asked["format"], _pick(ReadOptions, asked), _pick(Selection, asked), terminal)
    sheet = prepare_view.near_sheet(record["results"], target)
    prepare_view.show(terminal, record["results"])
    terminal.log(f"{target}: {record['results']['rows']:,} images" + (f"; near images: {sheet}" if sheet else ""))
    terminal.finish(record)


def _prepare(
    sources: tuple[Path, ...],
    target: Path,
    format: str | None,
    reading: ReadOptions,
    selection: Selection,
    terminal: Terminal,
) -> dict[str, Any]:
    from fer_cli.datasets import prepare
    from fer_cli.datasets.sources import expected_rows, open_source

    importers = [open_source(source, format, reading) for source in sources]
    with terminal.progress("reading images", expected_rows(importers)) as advance:
        return prepare.prepare_dataset(importers, target, reading, selection, advance)


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
