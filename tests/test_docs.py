"""The documentation says what the program says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import click
import pytest

from fer_cli.main import every_command

ROOT = Path(__file__).parents[1]
#: By the words that call them.
EVERY = every_command()
generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))


def test_the_readme_lists_the_commands_as_help_does() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert generate["readme"](text) == text, "run make docs"


def test_the_reference_is_the_help() -> None:
    assert generate["reference"]() == (ROOT / "docs" / "commands.md").read_text(encoding="utf-8"), "run make docs"


@pytest.mark.parametrize("name", EVERY)
def test_every_command_is_described_and_tested(name: str) -> None:
    command = EVERY[name]
    assert command.help
    undescribed = [p.name for p in command.params if isinstance(p, click.Option) and not (p.help or p.show_default)]
    assert not undescribed
    assert (ROOT / "tests" / "commands" / f"test_{name.replace('-', '_').replace(' ', '_')}.py").exists()


@pytest.mark.parametrize("name", [name for name in EVERY if not isinstance(EVERY[name], click.Group)])
def test_every_command_has_the_common_options(name: str) -> None:
    options = {option for p in EVERY[name].params for option in p.opts}
    assert {"-o", "--output", "--overwrite", "--seed", "--json", "-q"} <= options


def test_links_of_the_documentation_lead_somewhere() -> None:
    for document in [ROOT / "README.md", ROOT / "DESIGN.md", *ROOT.glob("recipes/*/README.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
