"""Names of files, classes and rows that are markup or commands of a terminal: shown, and no more."""

from __future__ import annotations

import html.parser
import json
import os
from pathlib import Path

import pytest
from click.testing import Result

from fer_cli.errors import visible
from fer_cli.labels import EMOTIONS
from fer_cli.reports.terminal import Terminal
from tests import helpers
from tests.helpers import run_fer

MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'onload='alert(3)"
#: As much as figures have room for.
SHORT = "<img src=x onerror=a()>"
#: Clears the screen, names the window, writes backwards, and is bold to rich.
COMMANDS = "[bold]a[/]\x1b[2J\x1b]0;mine\x07\x9b31m\u202e"


class Elements(html.parser.HTMLParser):
    """What a page is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts, self.handlers, self.images = 0, list[str](), list[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.images += [value or "" for name, value in attrs if tag == "img" and name == "src"]


@pytest.fixture
def named(tmp_path: Path) -> tuple[Path, Path]:
    """A model that is wrong about one class, and its dataset; classes, rows, persons and the files bear bad names."""
    names = (SHORT, COMMANDS[:12], *EMOTIONS[2:])
    records = helpers.planted_records((0, 28, 0))
    records.source[:2] = [MARKUP, COMMANDS]
    assert records.subject is not None
    records.subject[:2] = [MARKUP, COMMANDS]
    stem = "<b>[red]net\x1b[2J"
    model = helpers.write_model(tmp_path / f"{stem}.keras", wrong=(0, 1), class_names=names)
    return model, helpers.write_dataset(tmp_path / f"{stem}.h5", records, names)


def shown(result: Result) -> str:
    assert result.exit_code == 0, result.output
    assert not set("\x1b\x07\x9b\u202e") & set(result.output)
    return result.output


def test_no_page_has_markup_of_its_data(named: tuple[Path, Path]) -> None:
    shown(run_fer("eval", *named, "-o", "results/eval"))
    shown(run_fer("tsne", *named, "--method", "pca", "--html", "-o", "results/tsne"))
    shown(run_fer("worst-labels", *named, "--html", "-o", "results/labels"))
    shown(run_fer("report", "results", named[1], "-o", "report.html"))
    pages = {"report.html": 0, "results/tsne/map.html": 2, "results/labels/review.html": 2}
    for name, scripts in pages.items():
        found = Elements(Path(name).read_text(encoding="utf-8"))
        assert (found.scripts, found.handlers) == (scripts, []), name
        assert all(source.startswith("data:") for source in found.images), name


def write_log(path: Path, name: str) -> Path:
    """A minute of a viewer whose model has a class of this name."""
    columns = "time_s,face_id,box_x,box_y,box_w,box_h,emotion"
    lines = [f"{columns},p_{name},p_sad,gaze,yaw,pitch,roll,openness,attention"]
    lines += [f"{second}.000,1,1,1,9,9,{name},0.7,0.3,centre,0,0,0,1,screen" for second in range(60)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_log_of_a_viewer_has_no_markup_for_the_page() -> None:
    log = write_log(Path("<img src=x onerror=alert(1)>[red].csv"), "<script>alert(1)</script>")
    shown(run_fer("aggregate", log, "-o", "lecture"))
    found = Elements(Path("lecture/index.html").read_text(encoding="utf-8"))
    assert (found.scripts, found.handlers) == (0, [])
    assert all(source.startswith("data:") for source in found.images)


def test_the_terminal_shows_names_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.table(COMMANDS, (COMMANDS, "[i]n[/i]"), [(COMMANDS, "[/]"), (":smile:", "[red]x")])
    terminal.log(f"{COMMANDS} [/] :smile:")
    terminal.warn(f"{COMMANDS} [/]")
    told = capsys.readouterr()
    assert "\x1b]0" not in told.out + told.err
    assert not set("\x07\x9b\u202e") & set(told.out + told.err)
    for text in ("[i]n[/i]", "[/]", ":smile:", "[red]x", r"[bold]a[/]\x1b[2J\x1b]0;mine\x07\x9b31m\u202e"):
        assert text in told.out
    assert told.err.count("[bold]a[/]") == 2


def test_an_error_shows_names_as_they_are() -> None:
    result = run_fer("eda", "\x1b[2J\n\u202e[red].h5")
    assert result.exit_code == 3
    assert result.stderr == "fer: \\x1b[2J \\u202e[red].h5: no such dataset file\n"


def test_text_that_is_no_command_stays() -> None:
    for text in ("a\tb\nc", "naïve – 恐れ 😀 e\u0301", "no\u00a0break", "👩\u200d🔬"):
        assert visible(text) == text


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_names_that_are_no_utf_8_are_told_and_written(more: tuple[str, ...]) -> None:
    odd = os.fsdecode(b"caf\xe9.csv")
    try:
        write_log(Path(odd), "happy")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    result = run_fer("aggregate", odd, "-o", "out", *more)
    assert result.exit_code == 0, result.output
    records = [json.loads(Path("out/result.json").read_text(encoding="utf-8"))]
    records += [json.loads(result.stdout)] if more else []
    assert [record["inputs"][0]["path"] for record in records] == [odd] * len(records)
    assert "caf" in Path("out/viewers.csv").read_text(encoding="utf-8")
