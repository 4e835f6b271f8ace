"""`fer webcam`: expressions, gaze and attention, live."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import claims, options, provenance
from fer_cli.errors import FerError, UsageError

if TYPE_CHECKING:
    from fer_cli.faces.calibration import Calibration
    from fer_cli.live.observe import Observer
    from fer_cli.live.session import Session
    from fer_cli.models import Scorer
    from fer_cli.reports.terminal import Terminal

#: Whose calibration it is where nobody says.
VIEWER = "viewer"


@click.command()
@click.option(
    "--source", default="0", show_default=True, shell_complete=options.suggest(paths=True),
    help="Number of a camera, video file, or rtsp:// or http:// address.",
)  # fmt: skip
@options.model_opt
@options.classes_opt
@options.people_opts
@click.option(
    "--emotion-every", type=options.Duration(zero=True), default="0s", show_default=True,
    help="Time between two calls of the model for a face; 0 for each frame.",
)  # fmt: skip
@click.option(
    "--fps-limit", type=click.FloatRange(0, min_open=True), metavar="N", help="Frames a second at most.  [default: all]"
)
@click.option("--headless", is_flag=True, help="No window; so it is without a screen.")
@click.option(
    "--lecture", type=click.Path(path_type=Path), metavar="VIDEO",
    help="Play this in a second window; times in the log are times of the lecture.",
)  # fmt: skip
@click.option("--log", type=click.Path(path_type=Path), metavar="CSV", help="Write what is seen, as it is seen.")
@click.option(
    "--log-every", type=options.Duration(zero=True), default="1s", show_default=True,
    help="Time between two samples of the log; 0 for each frame.",
)  # fmt: skip
@click.option(
    "--calibration", type=click.Path(path_type=Path), metavar="JSON",
    help="Calibrations by person: read where the file is there, and written by the key c.",
)  # fmt: skip
@click.option("--person", default=VIEWER, show_default=True, help="Whose calibration it is.")
@click.option("--calibrate", is_flag=True, help="Begin with a calibration, as the key c does.")
@click.option(
    "--screen", nargs=2, type=click.FloatRange(0, 90), default=(25.0, 20.0), show_default=True, metavar="H V",
    help="Degrees beside the middle of the screen, and above and below, within which somebody looks at it.",
)  # fmt: skip
@click.option(
    "--closed", type=click.FloatRange(0, 1), default=0.5, show_default=True,
    help="Eyes open less than this part of the usual are closed.",
)  # fmt: skip
@click.option(
    "--patience", type=options.Duration(zero=True), default="30s", show_default=True,
    help="How long a lost stream is tried again.",
)  # fmt: skip
@options.output_opt("Video of what is seen, .mp4.", required=False)
@options.common
def command(overwrite: bool, as_json: bool, quiet: bool, **asked: Any) -> None:
    """Show what a camera, stream or video shows: faces, expressions, gaze, head and attention.

    Keys: q ends, space pauses, c calibrates (look at the middle of the screen), s saves a picture, r records. The log
    has one row a sampled time and person; it is written as it goes, and fer aggregate reads it.

    Gaze is one of five directions, not a place on the screen, and needs faces of some 96 pixels: beyond glasses that
    mirror, in shadow, and under lowered lids it errs. Without a calibration it is rougher. Attention is where head and
    eyes point, not what a person thinks. Head angles need mtcnn or yunet; haar finds faces from the front only.

    With a camera without --fps-limit the expression is that of the frame before, so that nothing waits for the network.
    """
    from fer_cli.reports.terminal import Terminal

    for path in (asked["output"], asked["log"]):
        if path is not None:
            options.claim(path, overwrite)
    terminal = Terminal(as_json, quiet)
    visible = _visible(asked["headless"], terminal)
    if asked["lecture"] is not None and not visible:
        raise UsageError("--lecture: expected a screen to play it on. Received: none, or --headless")
    results = _watch(asked, visible, terminal)
    _show(results, asked, terminal)
    parameters = {name: str(value) if isinstance(value, Path) else value for name, value in asked.items()}
    inputs = [path for path in (asked["model"], Path(asked["source"]), asked["lecture"]) if path and path.is_file()]
    if as_json:
        terminal.finish(provenance.record("webcam", inputs, parameters, results))


def _visible(headless: bool, terminal: Terminal) -> bool:
    from fer_cli.live.window import missing_screen

    if headless:
        return False
    missing = missing_screen()
    if missing is not None:
        terminal.log(f"there is no screen ({missing}): no window is opened")
    return missing is None


def _watch(asked: dict[str, Any], visible: bool, terminal: Terminal) -> dict[str, Any]:
    """Open everything, run, close everything; what was seen, also of a session that was lost on the way."""
    from fer_cli import framework

    framework.load()
    from fer_cli import gradients
    from fer_cli.live.lecture import Lecture
    from fer_cli.live.log import LogWriter
    from fer_cli.live.observe import Sampler
    from fer_cli.live.session import Session
    from fer_cli.live.source import open_source
    from fer_cli.reports.live_view import LiveView
    from fer_cli.scorers import load_scorer

    if asked["detector"] != "mtcnn":  # whose networks see whole pictures, and gain by more threads
        gradients.use_one_thread()
    model = load_scorer(asked["model"], asked["classes"].split(",") if asked["classes"] else None)
    source = open_source(asked["source"], asked["fps_limit"], asked["patience"], terminal.warn)
    # A camera's frames come so fast that the expression of the one before is that of this one; a file's are exact.
    overlap = source.live and asked["fps_limit"] is None
    with contextlib.ExitStack() as stack:
        stack.callback(source.close)
        observer, lecture = _observer(model, asked, overlap), Lecture(asked["lecture"]) if asked["lecture"] else None
        log = stack.enter_context(LogWriter(asked["log"], model.class_names)) if asked["log"] else None
        folder = (asked["log"] or asked["output"] or Path("x")).parent
        view = stack.enter_context(LiveView(model.class_names, visible, lecture, asked["output"], folder, terminal.log))
        sampler = Sampler(model.class_names, asked["log_every"])
        session = Session(source, observer, sampler, log, view, terminal.log, lambda found: _keep(found, asked))
        if asked["calibrate"]:
            session.calibrate()
        _run(session, asked, terminal)
    return {"model": str(model.path), "class_names": list(model.class_names), **session.results()}


def _run(session: Session, asked: dict[str, Any], terminal: Terminal) -> None:
    """Run; what was seen before a failure is told, and then the failure."""
    try:
        session.run()
    except (FerError, KeyboardInterrupt):
        _show(session.results(), asked, terminal)
        raise


def _observer(model: Scorer, asked: dict[str, Any], overlap: bool) -> Observer:
    from fer_cli.faces.calibration import USUAL, read_calibrations
    from fer_cli.faces.detect import shared_detector
    from fer_cli.faces.track import TrackOptions
    from fer_cli.live.attention import Thresholds
    from fer_cli.live.engine import Engine, EngineOptions
    from fer_cli.live.observe import Observer
    from fer_cli.live.score import FaceScorer, crop_settings

    known = read_calibrations(asked["calibration"]) if asked["calibration"] and asked["calibration"].exists() else {}
    margin, align = crop_settings(model)
    engine = Engine(
        FaceScorer(model, steady=True),
        shared_detector(asked["detector"], asked["detector_model"]),
        EngineOptions(margin, align, asked["emotion_every"], asked["smooth"], overlap),
        TrackOptions(every=asked["detect_every"]),
    )
    horizontal, vertical = asked["screen"]
    thresholds = Thresholds(horizontal=horizontal, vertical=vertical, closed=asked["closed"])
    return Observer(engine, known.get(asked["person"], USUAL), thresholds)


def _keep(found: Calibration, asked: dict[str, Any]) -> None:
    """Store a calibration beside those of others."""
    from fer_cli.faces.calibration import read_calibrations, write_calibrations

    if (path := asked["calibration"]) is not None:
        with claims.claimed(path, wait=True):
            others = read_calibrations(path) if path.exists() else {}
            write_calibrations(path, {**others, asked["person"]: found})


def _show(results: dict[str, Any], asked: dict[str, Any], terminal: Terminal) -> None:
    terminal.log(
        f"{results['frames']:,} frames, {results['seconds']:.1f} s; {results['frames_a_second']:.1f} frames a second, "
        f"{results['milliseconds_95th_percentile']:.0f} ms a frame at the 95th percentile; people: {results['people']}"
    )
    if asked["log"] is not None:
        shares = ", ".join(f"{state} {share:.0%}" for state, share in results["attention"].items())
        terminal.log(f"{results['rows']:,} rows in {asked['log']}: {shares}")
    if asked["output"] is not None:
        terminal.log(f"video in {asked['output']}")
