"""HTML pages, each one file that needs nothing else: the report, without scripts, and pages to work with."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from fer_cli.reports import tables
from fer_cli.reports.sections import Section, Summary

_TEMPLATES = Path(__file__).parent / "templates"


def render(title: str, summary: Summary | None, sections: Sequence[Section], made_by: str) -> str:
    """The report as HTML, sections of one part below its heading. made_by: the line at its end."""
    template = environment().get_template("report.html.j2")
    parts = [(part, list(found)) for part, found in itertools.groupby(sections, lambda section: section.part)]
    return template.render(title=title, summary=summary, parts=parts, made_by=made_by, style=_style())


def interactive(template: str, title: str, data: Any, made_by: str, **more: Any) -> str:
    """A page with a script as HTML, of a template that extends `interactive.html.j2`.

    data: JSON-able; the script knows it as `data`, and nothing in it can become markup. more: what else the template
    names. The page's policy forbids every request, and every script but its own.
    """
    content = json.dumps([title, data, made_by], default=str).encode()
    # Of the content, so that the same results make the same page.
    nonce = base64.b64encode(hashlib.sha256(content).digest()).decode("ascii")
    return (
        environment()
        .get_template(template)
        .render(title=title, data=data, made_by=made_by, style=_style(), nonce=nonce, **more)
    )


def environment() -> jinja2.Environment:
    """Where the templates are, and how they are filled: all text is escaped, and a name that is missing is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(cell=tables.cell, fact=tables.fact)
    return made


def _style() -> str:
    return (_TEMPLATES / "report.css").read_text(encoding="utf-8")
