"""`fer aggregate`: many viewers' logs to one picture of the lecture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import files, options, provenance
from fer_cli.errors import UsageError

if TYPE_CHECKING:
    from fer_cli.analysis.lecture.results import Lecture
    from fer_cli.live.log import Log

#: The page in the folder.
PAGE = "index.html"


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOG...", type=click.Path(path_type=Path))
@click.option(
    "--viewer",
    type=click.Choice(["log", "face"]),
    default="log",
    show_default=True,
    help="Who has a voice: each LOG (a camera a person), or each face in them (a camera for a room).",
)
@click.option(
    "--step",
    type=click.FloatRange(0.1, 3600),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="Length of a point of the timeline.",
)
@click.option(
    "--window",
    type=click.FloatRange(0.1, 3600),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Length of a moment: a multiple of --step.",
)
@click.option(
    "--moments", type=click.IntRange(1, 100), default=5, show_default=True, metavar="N", help="Moments of a kind."
)
@options.output_opt("Folder for the results.", "results/lecture")
@options.common
def command(
    logs: tuple[Path, ...], output: Path, overwrite: bool, seed: int, as_json: bool, quiet: bool, **settings: Any
) -> None:
    """Put the LOGs of a lecture's viewers, as fer webcam writes them, on one time axis.

    Times in the LOGs are lecture times. LOGs may begin and end when they like, sample at any rate and have gaps: a row
    stands until the next one, for twice the LOG's usual interval at most; beyond that a viewer is unknown, not away.
    Every viewer has one voice, and intervals are 95 %, over viewers. A moment is clear where viewers whose times are
    shuffled against each other seldom have as high a one (p below 0.05). The folder holds a page, index.html, and what
    is on it: share of attention, mix of emotions, valence, and the moments that stand out.

    \b
    attentive    looks at the screen; away, eyes closed and no face are not
    distraction  1 - attentive
    valence      -1 to 1, the emotions' mean pleasantness (Russell and Mehrabian 1977)
    joy          happy
    confusion    angry + fear + sad / 2: the share of lowered brows and tightened lids
                 (Craig et al. 2008) in each; a mix of guesses, not a measured confusion
    """
    from fer_cli.live.log import read_log
    from fer_cli.reports import lecture_view
    from fer_cli.reports.terminal import Terminal

    _check(settings)
    options.claim(output, overwrite)
    terminal = Terminal(as_json, quiet)
    with terminal.progress("logs", len(logs)) as advance:
        read = []
        for path in logs:
            read.append(read_log(path))
            advance(1)
    with files.atomic_folder(output) as folder:
        results = _aggregate(read, settings, seed, folder)
        record = provenance.record("aggregate", logs, {**settings, "seed": seed}, results)
        files.write_json(folder / provenance.RESULT, record)
    _write_page(output, record)
    lecture_view.show(terminal, record["results"])
    terminal.log(f"the page is {output / PAGE}")
    terminal.finish(record)


def _check(settings: dict[str, Any]) -> None:
    step, window = settings["step"], settings["window"]
    if window < step or abs(window / step - round(window / step)) > 1e-6:
        raise UsageError(f"--window: expected a multiple of --step {step:g}. Received: {window:g}")


def _aggregate(logs: list[Log], settings: dict[str, Any], seed: int, folder: Path) -> dict[str, Any]:
    """Write tables and figures to `folder`; the results."""
    from fer_cli.analysis.lecture.results import describe
    from fer_cli.live.viewers import viewers_of
    from fer_cli.reports import lecture_figures, lecture_view, tables

    viewers = viewers_of(logs, settings["viewer"] == "face")
    names = logs[0].class_names
    found = describe(viewers, names, settings["step"], settings["window"], settings["moments"], seed)
    tables.write_csv(folder / "timeline.csv", found.pieces)
    tables.write_csv(folder / "minutes.csv", found.minutes)
    tables.write_csv(folder / "viewers.csv", found.viewers)
    tables.write_csv(folder / "moments.csv", lecture_view.moment_rows(found.moments))
    lecture_figures.timeline(found, folder / "timeline.png")
    return {
        "n": len(viewers),
        "voices": "faces" if settings["viewer"] == "face" else "logs",
        "seconds": max(viewer.end for viewer in viewers),
        "class_names": list(names),
        "overall": found.overall,
        "moments": [{**vars(moment), "clear": moment.clear} for moment in found.moments],
        "minutes": found.minutes,
        "viewers": found.viewers,
        "notes": _notes(logs, found),
        "files": [*sorted(path.name for path in folder.iterdir()), PAGE],
    }


def _notes(logs: list[Log], found: Lecture) -> list[str]:
    """What a reader of the results should know of the logs."""
    from fer_cli.analysis.lecture.measures import VALENCE

    notes = [f"{log.path}: the last line was cut short and is left out" for log in logs if log.torn]
    if unknown := [name for name in found.class_names if name not in VALENCE]:
        notes.append(f"valence, joy and confusion know nothing of {', '.join(unknown)}: counted as neutral")
    if len(found.viewers) < 2:
        notes.append("one viewer: there are no intervals, and no moment can be clear")
    elif found.moments and not any(moment.clear for moment in found.moments):
        notes.append("no moment is clear: viewers with nothing in common would have moments as high as these")
    return notes


def _write_page(output: Path, record: dict[str, Any]) -> None:
    """The page that `fer report` would make of this result alone."""
    from fer_cli.reports import page, sections

    section = sections.result_section("lecture", output / provenance.RESULT, record)
    made_by = f"Made by fer {record['versions']['fer-cli']} with: {record['command_line']}"
    files.write_text(output / PAGE, page.render(f"The lecture {section.title}", None, [section], made_by))
