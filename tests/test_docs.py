"""The documentation says what the program says."""

from __future__ import annotations

import dataclasses
import re
import runpy
from pathlib import Path

import click
import pytest

from fer_cli.analysis import predictions, published
from fer_cli.analysis.scores import Scores
from fer_cli.datasets import relabel
from fer_cli.labels import EMOTIONS_8 as CLASSES
from fer_cli.live.log import header
from fer_cli.main import COMMANDS, every_command
from fer_cli.provenance import record

ROOT = Path(__file__).parents[1]
#: By the words that call them.
EVERY = every_command()
DOCUMENTS = [ROOT / "README.md", ROOT / "DESIGN.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("recipes/*/README.md")]
generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))


def test_readme_and_pages_say_what_help_says() -> None:
    for path, text in generate["documents"]().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run make docs"


def test_no_page_is_of_a_command_that_is_gone() -> None:
    pages = (ROOT / "docs" / "commands").glob("*.md")
    assert sorted(path.stem for path in pages) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_leads_from_the_purpose_over_an_example_with_its_output_to_the_options(name: str) -> None:
    text = (ROOT / "docs" / "commands" / f"{name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# fer {name}\n\n")
    assert text.index("```sh\nfer ") < text.index("<!-- output") < text.index("<!-- options")
    assert "```text\n```" not in text, "run make docs-examples"


def test_pictures_of_the_documentation_are_few_and_small() -> None:
    pictures = list((ROOT / "docs" / "pictures").glob("*"))
    shown = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    for picture in pictures:
        assert picture.suffix == ".png"
        assert picture.stat().st_size < 60_000, picture.name
        assert f"pictures/{picture.name}" in shown, f"{picture.name}: no page shows it"
    assert sum(picture.stat().st_size for picture in pictures) < 1_000_000


def test_every_study_is_in_the_list_of_studies() -> None:
    text = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
    for folder in (path.parent for path in ROOT.glob("recipes/*/Makefile")):
        assert f"](../recipes/{folder.name}/README.md)" in text, folder.name


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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    # What commands print is no text of ours.
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", text):
        path = document.parent / target if target else document
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path), f"{target}#{anchor}"


def anchors(document: Path) -> set[str]:
    """What the headings of a page are called in a link, as GitHub does it."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_contracts_name_every_column_and_key() -> None:
    text = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")
    columns = [*header([]), *predictions.COLUMNS, *relabel.COLUMNS, *published.COLUMNS]
    keys = [*record("x", [], {}, {}), *(field.name for field in dataclasses.fields(Scores)), *CLASSES]
    missing = [name for name in (*columns, *keys) if not re.search(rf"\b{name}\b", text)]
    assert not missing
