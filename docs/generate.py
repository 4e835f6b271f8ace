"""Write the command list of README.md and the reference docs/commands.md from the program's own --help.

python docs/generate.py; tests/test_docs.py fails while they differ.
"""

from __future__ import annotations

from pathlib import Path

import click

from fer_cli.main import COMMANDS, cli, every_command

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- commands: written by make docs -->", "<!-- end of commands -->"
WIDTH = 100


def readme(text: str) -> str:
    """README.md with its command list anew."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    rows = [f"| [`fer {name}`](docs/commands.md#fer-{name}) | {short_help(name)} |" for name in COMMANDS]
    return "\n".join([f"{before}{BEGIN}", "| command | job |", "| --- | --- |", *rows, f"{END}{after}"])


def reference() -> str:
    """docs/commands.md."""
    parts = ["# Commands", "", "Written from `--help` by `make docs`.", ""]
    for name in every_command():
        parts += [f"## fer {name}", "", "```text", full_help(name), "```", ""]
    return "\n".join(parts)


def short_help(name: str) -> str:
    """The first sentence of a command's help."""
    return every_command()[name].get_short_help_str(limit=200)


def full_help(name: str) -> str:
    """What `fer NAME --help` prints at a fixed width."""
    with click.Context(cli, info_name="fer", **cli.context_settings) as parent:
        context = click.Context(
            every_command()[name], info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH
        )
        return every_command()[name].get_help(context)


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(readme(path.read_text(encoding="utf-8")), encoding="utf-8")
    (ROOT / "docs" / "commands.md").write_text(reference(), encoding="utf-8")
