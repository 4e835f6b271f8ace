"""Write what the documentation says of the commands from the program's own --help.

That is the command list of README.md and of docs/commands.md, and the options at the end of each docs/commands/NAME.md.
python docs/generate.py; tests/test_docs.py fails while they differ.
"""

from __future__ import annotations

from pathlib import Path

import click

from fer_cli.main import COMMANDS, cli, every_command

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
LIST = "<!-- commands: written by make docs -->", "<!-- end of commands -->"
OPTIONS = "<!-- options: written by make docs -->", "<!-- end of options -->"
WIDTH = 100


def documents() -> dict[Path, str]:
    """Every file that this module writes to, and what it shall hold."""
    found = {
        ROOT / "README.md": between(ROOT / "README.md", LIST, table("docs/commands")),
        DOCS / "commands.md": between(DOCS / "commands.md", LIST, table("commands")),
    }
    for name in COMMANDS:
        path = DOCS / "commands" / f"{name}.md"
        found[path] = between(path, OPTIONS, options(name))
    return found


def between(path: Path, marks: tuple[str, str], lines: list[str]) -> str:
    """The text of a file with `lines` in place of what stands between its two marks."""
    text = path.read_text(encoding="utf-8")
    begin, end = marks
    if text.count(begin) != 1 or text.count(end) != 1:
        raise SystemExit(f"{path}: expected one {begin} and one {end}")
    before, rest = text.split(begin)
    return "\n".join([f"{before}{begin}", *lines, f"{end}{rest.split(end)[1]}"])


def table(folder: str) -> list[str]:
    """The commands with a sentence each, linked to their pages below `folder`."""
    rows = [f"| [`fer {name}`]({folder}/{name}.md) | {short_help(name)} |" for name in COMMANDS]
    return ["| command | job |", "| --- | --- |", *rows]


def options(name: str) -> list[str]:
    """The help of a command, and of its parts where it is a group."""
    parts = [part for part in every_command() if part == name or part.startswith(f"{name} ")]
    return [line for part in parts for line in (f"## fer {part}", "", "```text", full_help(part), "```", "")]


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
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
