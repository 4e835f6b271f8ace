"""Every study is documented, its commands exist, and the smallest one runs from raw data to a page."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from fer_cli.main import COMMANDS, cli

ROOT = Path(__file__).parents[1]
STUDIES = sorted(path.parent.name for path in ROOT.glob("recipes/*/Makefile"))


def make(study: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    fer = f"FER={sys.executable} -m fer_cli.main"
    command = ["make", "-C", str(ROOT), "-f", f"recipes/{study}/Makefile", fer, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_says_what_it_asks_and_expects(study: str) -> None:
    folder = ROOT / "recipes" / study
    text = (folder / "README.md").read_text(encoding="utf-8")
    for heading in ("## Question", "## Published", "## Command", "## Expected", "## Time"):
        assert heading in text, heading
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    for name, (low, high) in expected.items():
        assert low < high, name


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("mode", ["TINY=1", "FER2013=recipes/common.mk"])
def test_the_commands_of_a_study_exist(study: str, mode: str, tmp_path: Path) -> None:
    dry = make(study, "-n", mode, f"STUDIES={tmp_path}")
    assert dry.returncode == 0, dry.stderr
    lines = re.findall(r"-m fer_cli\.main (.+)", dry.stdout)
    assert lines
    for line in lines:
        name, *words = shlex.split(line)
        assert name in COMMANDS
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in words if word.startswith("-")} <= known, line


def test_a_study_without_data_says_what_to_give() -> None:
    result = make("quickstart", "-n")
    assert result.returncode == 2
    assert "FER2013 is not set: say FER2013=path/fer2013.csv, or TINY=1 for synthetic faces" in result.stderr


def test_the_quickstart_runs_to_its_page_and_then_rests(tmp_path: Path) -> None:
    done = make("quickstart", "TINY=1", f"STUDIES={tmp_path}")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "quickstart-tiny"
    assert json.loads((folder / "test" / "result.json").read_text())["results"]["n"] > 100
    assert "<html" in (folder / "report.html").read_text(encoding="utf-8")
    again = make("quickstart", "TINY=1", f"STUDIES={tmp_path}")
    assert "fer_cli.main" not in again.stdout
