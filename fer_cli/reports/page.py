"""The HTML report: one file that needs nothing else, without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import jinja2

from fer_cli.reports import tables
from fer_cli.reports.sections import Section, Table

_TEMPLATES = Path(__file__).parent / "templates"


def render(title: str, summary: Table | None, sections: Sequence[Section], made_by: str) -> str:
    """The page as HTML. summary: the scores of all results. made_by: the line at its end."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(cell=tables.cell, fact=tables.fact)
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    template = environment.get_template("report.html.j2")
    return template.render(title=title, summary=summary, sections=sections, made_by=made_by, style=style)
