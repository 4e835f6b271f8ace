"""`fer predict`: expressions in pictures and videos, as a table."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from fer_cli import files, options, provenance
from fer_cli.errors import UsageError

if TYPE_CHECKING:
    from fer_cli.live.recognise import Recogniser
    from fer_cli.models import Scorer
    from fer_cli.reports.annotated import AnnotatedCopies
    from fer_cli.reports.terminal import Terminal

#: File endings that mean JSON lines.
_LINES = {".jsonl", ".ndjson"}


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", shell_complete=options.suggest(paths=True))
@options.model_opt
@options.classes_opt
@options.people_opts
@click.option(
    "--margin", type=click.FloatRange(0, 2), help="Added around a face, in sides of it.  [default: as in training]"
)
@click.option("--align/--no-align", default=None, help="Bring the eyes to a level.  [default: as in training]")
@click.option(
    "--every", type=options.Duration(), help="Time from one frame of a video to the next.  [default: all frames]"
)
@options.batch_size_opt
@click.option(
    "--schema", type=click.Choice(("ours", "fer", "openface")), default="ours", show_default=True,
    help="Columns: ours, or those of the packages fer and OpenFace (angles of head and gaze, no landmarks or AUs).",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(("csv", "jsonl")), help="[default: by the ending of -o, else csv]")
@click.option(
    "--annotate", type=click.Path(path_type=Path), metavar="DIR", help="Folder for copies with the faces drawn in."
)
@options.output_opt("The table, .csv or .jsonl.  [default: standard output]", required=False)
@options.common
def command(
    sources: tuple[str, ...], output: Path | None, overwrite: bool, as_json: bool, quiet: bool, **settings: Any
) -> None:
    """Find faces in each SOURCE and name their expressions, one row a face.

    A SOURCE is a picture, a video, a folder of them, a pattern such as 'day*/*.jpg', or - for paths from standard
    input. A picture or frame without a face has a row that says so. Files that cannot be read are reported and
    counted. In a video people keep their number; their probabilities are averaged over time, and the emotion is the
    one named most often of late. With --json and no -o the rows stand in the JSON object.
    """
    from fer_cli.faces.media import expand
    from fer_cli.reports.terminal import Terminal

    _check(sources, output, overwrite, settings)
    paths = expand(sources)
    terminal = Terminal(as_json, quiet)
    results = _predict(paths, output, settings, terminal)
    _show(results, output, settings["annotate"], terminal)
    if as_json:
        read = [path for path in paths if os.access(path, os.R_OK)]
        terminal.finish(provenance.record("predict", [settings["model"], *read], _plain(settings, sources), results))


def _check(sources: tuple[str, ...], output: Path | None, overwrite: bool, settings: dict[str, Any]) -> None:
    if settings["detector_model"] is not None and settings["detector"] != "yunet":
        raise UsageError(f"--detector-model goes with --detector yunet. Received: --detector {settings['detector']}")
    if models := [source for source in sources if Path(source).suffix in options.MODEL_ENDINGS]:
        raise UsageError(f"{models[0]}: expected a picture or a video; a model is named by --model")
    for path in (output, settings["annotate"]):
        if path is not None:
            options.claim(path, overwrite)


def _plain(settings: dict[str, Any], sources: tuple[str, ...]) -> dict[str, Any]:
    """What JSON can hold."""
    return {"sources": sources} | {k: str(v) if isinstance(v, Path) else v for k, v in settings.items()}


def _predict(paths: list[Path], output: Path | None, settings: dict[str, Any], terminal: Terminal) -> dict[str, Any]:
    from fer_cli import framework

    framework.load()
    from fer_cli.live.table import TableWriter
    from fer_cli.live.tally import Tally
    from fer_cli.scorers import load_scorer

    model = load_scorer(settings["model"], settings["classes"].split(",") if settings["classes"] else None)
    recogniser, tally = _recogniser(model, settings), Tally(model.class_names, terminal.warn)
    form = settings["form"] or ("jsonl" if output is not None and output.suffix.lower() in _LINES else "csv")
    rows: list[dict[str, Any]] = []
    with _stream(output, terminal) as stream, _copies(paths, model, settings) as copies:
        table = TableWriter(stream, form, settings["schema"], model.class_names)
        with terminal.progress("files", len(paths)) as advance:
            for moment in recogniser.run(paths, tally.fail, advance):
                tally.count(moment)
                written = table.write(moment)
                if output is None and terminal.as_json:
                    rows += written
                if copies is not None:
                    copies.write(moment)
        table.close()
        results = tally.results()
    return {"model": str(model.path), "class_names": model.class_names, **results} | ({"rows": rows} if rows else {})


def _recogniser(model: Scorer, settings: dict[str, Any]) -> Recogniser:
    from fer_cli.faces.detect import shared_detector
    from fer_cli.faces.track import TrackOptions
    from fer_cli.live.engine import EngineOptions
    from fer_cli.live.recognise import Recogniser
    from fer_cli.live.score import FaceScorer, crop_settings

    margin, align = crop_settings(model)
    margin = margin if settings["margin"] is None else settings["margin"]
    align = align if settings["align"] is None else settings["align"]
    return Recogniser(
        FaceScorer(model),
        shared_detector(settings["detector"], settings["detector_model"]),
        EngineOptions(margin, align, smooth=settings["smooth"]),
        TrackOptions(every=settings["detect_every"]),
        settings["every"],
        settings["batch_size"],
        looking=settings["schema"] == "openface",
    )


@contextlib.contextmanager
def _stream(output: Path | None, terminal: Terminal) -> Iterator[TextIO]:
    """Where the rows go: the file, which is there whole or not at all; or standard output, unless JSON has it."""
    if output is not None:
        with (
            files.atomic_path(output) as path,
            path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
        ):
            yield stream
    elif terminal.as_json:
        with open(os.devnull, "w", encoding="utf-8") as stream:  # noqa: PTH123
            yield stream
    else:
        yield sys.stdout


@contextlib.contextmanager
def _copies(paths: list[Path], model: Scorer, settings: dict[str, Any]) -> Iterator[AnnotatedCopies | None]:
    if settings["annotate"] is None:
        yield None
        return
    from fer_cli.reports.annotated import AnnotatedCopies

    with AnnotatedCopies(settings["annotate"], paths, model.class_names, settings["every"]) as copies:
        yield copies


def _show(results: dict[str, Any], output: Path | None, annotate: Path | None, terminal: Terminal) -> None:
    """The counts; as a table only where standard output has room for one."""
    if output is not None:
        total = max(1, results["faces"])
        rows = [(name, count, f"{count / total:.1%}") for name, count in results["emotions"].items()]
        terminal.table(_count(results["faces"], "faces"), ("emotion", "faces", "share"), rows)
    counted = " and ".join(_count(results[what], what) for what in ("pictures", "frames") if results[what])
    terminal.log(
        f"{_count(results['faces'], 'faces')} in {counted}, {results['without_face']:,} of them without a face"
    )
    for what, problems in (("not read", results["unreadable"]), ("read in part", results["read_in_part"])):
        if problems:
            terminal.log(f"files {what}: {len(problems)}")
    for path in filter(None, (output, annotate)):
        terminal.log(f"results in {path}")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what.removesuffix('s') if number == 1 else what}"
