"""Every study is documented, its commands exist, and its tiny run ends in a page and in figures in their ranges."""

from __future__ import annotations

import datetime
import json
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import click
import pytest

from fer_cli.analysis.published import read_published
from fer_cli.main import COMMANDS, cli
from recipes import check

ROOT = Path(__file__).parents[1]
EVERY = sorted(path.parent.name for path in ROOT.glob("recipes/*/Makefile"))
STUDIES = [name for name in EVERY if name != "all"]
TABLES = sorted(ROOT.glob("recipes/*/published.csv"))
#: Any file or folder that is there will do for a dry run.
FULL = [f"{name}=recipes" for name in ("FER2013", "VOTES", "EXPW", "CKPLUS", "JAFFE", "KDEF", "VGGFACE", "VIDEOS")]

#: How many tiny runs a day's `make test` has.
A_DAY = 3


def chosen(asked: str | None, day: int) -> list[str]:
    """The studies whose tiny runs are tested: "all", those named, or else some that change from day to day."""
    if asked == "all":
        return STUDIES
    if asked:
        return asked.split()
    # At even distances, so that neighbours of one kind meet on different days.
    return sorted({STUDIES[(day + number * len(STUDIES) // A_DAY) % len(STUDIES)] for number in range(A_DAY)})


CHOSEN = chosen(os.environ.get("FER_STUDIES"), datetime.datetime.now(datetime.UTC).date().toordinal())

#: Notes a command's output, and leaves files where fer would leave them; from the KILLth one on, make is killed.
NOTHING_BUT_FILES = """#!/bin/bash
while [ $# -gt 0 ]; do
  case $1 in -o|--log) out=$2;; --model) models+=($2);; esac
  shift
done
echo "$out" >> "$NOTES"
[ -n "$KILL" ] && [ "$(wc -l < "$NOTES")" -ge "$KILL" ] && kill -9 $PPID && exit
mkdir -p "$(dirname "$out")"
mkdir "$out.now" || echo "twice at a time" >> "$NOTES"
case $out in
  *.keras) touch "$out"; mkdir -p "${out%.keras}.training"; touch "${out%.keras}.training/result.json";;
  *.*) touch "$out";;
  *) for folder in . "${models[@]}"; do mkdir -p "$out/$folder"; touch "$out/$folder/result.json"; done
     touch "$out/best.txt" "$out/suspects.csv";;
esac
rmdir "$out.now"
"""


def make(
    study: str, *arguments: str, fer: str = f"{sys.executable} -m fer_cli.main"
) -> subprocess.CompletedProcess[str]:
    tools = (f"FER={fer}", f"PYTHON={sys.executable if 'fer_cli' in fer else 'true'}")
    command = ["make", "-C", str(ROOT), "-f", f"recipes/{study}/Makefile", *tools, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)


def require_known(line: str) -> None:
    """Raise what click raises for a command line with an option that is not there, or a value that it does not take."""
    name, *words = shlex.split(line)
    assert name in COMMANDS
    command = cli.get_command(click.Context(cli), name)
    if isinstance(command, click.Group):
        name, *words = words
        command = command.get_command(click.Context(command), name)
    assert command is not None
    context = click.Context(command, **cli.context_settings)  # a command remembers its help option
    values, _, _ = command.make_parser(context).parse_args(words)
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name in values:
            value, _ = parameter.consume_value(context, values)
            parameter.process_value(context, value)


def part(text: str, heading: str) -> str:
    """What a README says below a heading."""
    return text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("study", EVERY)
def test_a_study_says_what_it_asks_and_how_long_it_takes(study: str) -> None:
    text = (ROOT / "recipes" / study / "README.md").read_text(encoding="utf-8")
    assert re.findall("^## (.+)$", text, re.MULTILINE) == ["Question", "Published", "Command", "Expected", "Time"]
    assert "?" in part(text, "Question")
    assert f"make study-{study}" in part(text, "Command")
    time = " ".join(part(text, "Time").split())
    assert re.search(r"two (?:\w+ )?CPU cores", time, re.IGNORECASE)
    assert re.search(r"On one GPU:? .*(?:measured|estimated)", time)


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_says_what_it_expects(study: str) -> None:
    folder = ROOT / "recipes" / study
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    assert expected.keys() == {"full", "tiny"}
    for mode, results in expected.items():
        assert results, mode
        for ranges in results.values():
            assert all(low <= high for low, high in ranges.values())


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.parent.name)
def test_the_published_figures_of_a_study_can_stand_beside_ours(table: Path) -> None:
    assert read_published(table)


@pytest.mark.parametrize("study", EVERY)
@pytest.mark.parametrize("mode", [["TINY=1"], FULL], ids=["tiny", "full"])
def test_the_commands_of_a_study_exist(study: str, mode: list[str]) -> None:
    # As if nothing were there yet (-B), and with the results where they go by default, which a recipe may forget.
    dry = make(study, "-n", "-B", *mode)
    assert dry.returncode == 0, dry.stderr
    assert dry.stderr == ""
    # Options that a command reads from a file when it runs are not known yet.
    text = re.sub(r"\$\(.*?\)", "", dry.stdout.replace("\\\n", " "))
    lines = re.findall(r"-m fer_cli\.main (.+)", text)
    assert lines
    for line in lines:
        require_known(line)


def test_a_study_without_data_says_what_to_give() -> None:
    result = make("quickstart", "-n")
    assert result.returncode == 2
    assert "FER2013 is not set: say FER2013=path, or TINY=1 for synthetic faces" in result.stderr
    nothing = make("lab-sets", "-n")
    assert nothing.returncode == 2
    assert "none of CKPLUS, JAFFE and KDEF is set" in nothing.stderr


def test_a_study_of_optional_sets_says_which_ones_it_goes_without(tmp_path: Path) -> None:
    dry = make("lab-sets", "-n", "KDEF=recipes", f"STUDIES={tmp_path}")
    assert dry.returncode == 0, dry.stderr
    assert "CKPLUS is not given" in dry.stdout
    assert "KDEF is not given" not in dry.stdout
    assert "kdef-5.keras" in dry.stdout
    assert "ckplus" not in dry.stdout


def test_all_studies_leave_out_those_that_lack_data(tmp_path: Path) -> None:
    dry = make("all", "-n", "KDEF=recipes", "ONLY=noise lab-sets bias", f"STUDIES={tmp_path}")
    assert dry.returncode == 0, dry.stderr
    assert f"{tmp_path}/noise/" not in dry.stdout
    assert f"{tmp_path}/lab-sets/kdef-1.keras" in dry.stdout
    assert f"{tmp_path}/bias/balanced.keras" in dry.stdout
    assert "noise 'FER2013 is not set: say FER2013=path, or TINY=1 for synthetic faces.'" in dry.stdout


def test_all_studies_know_their_names() -> None:
    result = make("all", "-n", "TINY=1", "ONLY=eda nosie")
    assert result.returncode == 2
    assert "ONLY: no such study: nosie. There are: attack" in result.stderr
    nothing = make("all", "-n", "ONLY=noise")
    assert nothing.returncode == 2
    assert "no study can begin: noise: FER2013 is not set" in nothing.stderr


def test_all_studies_go_on_where_they_were_stopped_and_then_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, notes = tmp_path / "fer", tmp_path / "notes"
    program.write_text(NOTHING_BUT_FILES)
    program.chmod(0o755)
    monkeypatch.setenv("NOTES", str(notes))
    asked = ("all", "-j3", "TINY=1", f"STUDIES={tmp_path / 'studies'}")
    monkeypatch.setenv("KILL", "60")
    assert make(*asked, fer=str(program)).returncode == 2
    monkeypatch.delenv("KILL")
    done = make(*asked, fer=str(program))
    assert done.returncode == 0, done.stderr
    outputs = Counter(notes.read_text().splitlines())
    assert len(outputs) > 5 * len(STUDIES)
    # What was not written yet at that moment is written then, and nothing else: about one output a job.
    assert 1 <= sum(outputs.values()) - len(outputs) <= 9
    assert make(*asked, fer=str(program)).returncode == 0
    assert Counter(notes.read_text().splitlines()) == outputs
    assert "twice at a time" not in outputs


def test_every_study_has_its_day() -> None:
    days = [chosen(None, day) for day in range(len(STUDIES))]
    assert {study for day in days for study in day} == set(STUDIES)
    assert {len(day) for day in days} == {A_DAY}
    assert chosen("all", 0) == STUDIES
    assert chosen("eda noise", 0) == ["eda", "noise"]


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all tiny runs put their results: they share their faces."""
    return tmp_path_factory.mktemp("studies")


@pytest.mark.studies
@pytest.mark.parametrize("study", STUDIES)
def test_a_tiny_run_ends_in_a_page_and_figures_in_their_ranges_and_then_rests(study: str, studies: Path) -> None:
    if study not in CHOSEN:
        pytest.skip(f"today's are {', '.join(CHOSEN)}; FER_STUDIES=all runs every study")
    done = make(study, "-j2", "TINY=1", f"STUDIES={studies}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert check.NOT_RUN not in done.stdout
    folder = studies / f"{study}-tiny"
    assert "<html" in (folder / "report.html").read_text(encoding="utf-8")
    if (ROOT / "recipes" / study / "published.csv").exists():
        assert "published, and ours beside it" in done.stdout
    again = make(study, "TINY=1", f"STUDIES={studies}")
    assert "fer_cli.main" not in again.stdout


@pytest.mark.studies
def test_all_studies_end_in_one_page_and_then_rest(studies: Path) -> None:
    asked = [] if CHOSEN == STUDIES else ["ONLY=eda"]
    done = make("all", "-j2", "TINY=1", f"STUDIES={studies}", *asked)
    assert done.returncode == 0, done.stdout + done.stderr
    html = (studies / "all-tiny" / "report.html").read_text(encoding="utf-8")
    assert "Images by class and split" in html
    for name in () if asked else STUDIES:
        assert re.search(rf"<h2[^>]*>{name}-tiny</h2>", html), name
    again = make("all", "-j2", "TINY=1", f"STUDIES={studies}", *asked)
    assert "fer_cli.main" not in again.stdout


def write_results(folder: Path, results: dict[str, object]) -> None:
    (folder / "val" / "mini").mkdir(parents=True)
    (folder / "val" / "mini" / "result.json").write_text(json.dumps({"results": results}))


@pytest.mark.parametrize(
    ("ranges", "status", "told"),
    [
        ({"val/mini": {"accuracy": [0.5, 0.7]}}, 0, "val/mini  accuracy  0.62  0.5 to 0.7  in range"),
        ({"val/mini": {"accuracy": [0.62, 0.62], "rows.1.gain": [0, 0.1]}}, 0, "0.05  0 to 0.1      in range"),
        ({"val/mini": {"accuracy": [0.7, 0.9]}}, 1, "0.62  0.7 to 0.9  OUT OF RANGE"),
        ({"val/mini": {"accuracy": [0.5, 0.7], "rows.2.gain": [0, 1]}}, 1, "MISSING"),
        ({"val/mini": {"accuracy": [0.5, 0.7]}, "val/other": {"accuracy": [0, 1]}}, 0, "not run"),
        ({"val/other": {"accuracy": [0, 1]}}, 1, "not run"),
    ],
)
def test_each_range_is_checked(
    ranges: dict[str, object], status: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_results(tmp_path, {"accuracy": 0.62, "rows": [{}, {"gain": 0.05}]})
    expected = tmp_path / "expected.json"
    expected.write_text(json.dumps({"full": ranges}))
    assert check.main(str(expected), "full", str(tmp_path)) == status
    assert told in capsys.readouterr().out
