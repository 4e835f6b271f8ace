"""The report: what is found, and the page that it makes."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from fer_cli import provenance
from fer_cli.errors import InputError
from fer_cli.labels import EMOTIONS
from fer_cli.reports import figures, page, sections
from fer_cli.store.writer import create_dataset
from tests import helpers
from tests.reports.studies import write_result

#: Elements without an end tag.
VOID = {"meta", "img", "link", "br", "hr"}


class Outline(HTMLParser):
    """Collects what a page is made of, and checks that its elements are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        if tag not in VOID:
            self._open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(tag)
        if tag == "img":
            self.images.append(found)
        self.ids += [found["id"]] if found.get("id") else []
        self.links += [found["href"]] if found.get("href") else []

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def section(path: Path) -> sections.Section:
    return sections.result_section("r-1", path, provenance.read_record(path))


def render(*parts: sections.Section) -> str:
    return page.render("A <title>", None, parts, "made by a test")


def test_results_and_datasets_are_found_in_the_order_of_a_study(tmp_path: Path) -> None:
    dataset = helpers.write_dataset(tmp_path / "data" / "faces.h5")
    for command in ("export", "compare", "eval", "train"):
        write_result(tmp_path / "results" / command, command)
    write_result(tmp_path / ".hidden", "eval")
    records, datasets = sections.find([tmp_path, tmp_path / "results"])
    assert [record["command"] for record in records.values()] == ["train", "eval", "compare", "export"]
    assert datasets == [dataset]


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text('{"command": "eval"')
    with pytest.raises(InputError, match=r"result\.json: not a readable JSON file"):
        sections.find([tmp_path])


def test_a_dataset_shows_its_table_and_faces_of_each_class(tmp_path: Path) -> None:
    found = sections.dataset_section("d-1", helpers.write_dataset(tmp_path / "faces.h5"))
    table = found.tables[0]
    assert table.header == ["class", "train", "val", "test", "all"]
    assert table.rows[0] == ["angry", 10, 4, 4, 18]
    assert table.rows[-1] == ["all", 70, 28, 28, 126]
    # Ten faces of each of seven classes.
    assert found.figures[0].width > 9 * found.figures[0].height / 10
    assert found.figures[0].uri.startswith("data:image/png;base64,")


def test_a_dataset_tells_what_prepare_found(tmp_path: Path) -> None:
    duplicates = {"repeated": {"train": 0, "val": 2}, "shared": {"val": {"train": 3}}}
    found = {"notes": ["a note"], "passed_over": [f"bad {i}" for i in range(99)], "duplicates": duplicates}
    with create_dataset(tmp_path / "faces.h5", EMOTIONS) as writer:
        writer.append(helpers.planted_records())
        writer.finish(provenance.record("prepare", [], {"seed": 3}, found))
    section = sections.dataset_section("d-1", tmp_path / "faces.h5")
    assert section.tables[1].rows == [["val", "earlier in val", 2], ["val", "in train", 3]]
    assert section.notes == ["a note", *(f"bad {i}" for i in range(10))]
    assert ("seed", 3) in section.origin


def test_a_result_shows_its_values_and_the_figures_it_names(tmp_path: Path) -> None:
    for name in ("curves.png", "stale.png"):
        figures.training_curves({"epoch": [1], "loss": [1.0]}, tmp_path / name)
    path = write_result(tmp_path, "train", model="models/mini.keras", val={"accuracy": 0.5}, files=["curves.png"])
    found = section(path)
    assert found.title == "mini"
    assert found.tables[0].rows == [("model", "models/mini.keras"), ("val accuracy", 0.5)]
    assert [figure.alt for figure in found.figures] == ["mini: Training: loss, accuracy and top-3 accuracy by epoch."]
    assert found.parameters == [("lr", 0.1)]


def test_a_result_that_names_no_figures_shows_those_beside_it(tmp_path: Path) -> None:
    figures.training_curves({"epoch": [1], "loss": [1.0]}, tmp_path / "noise_levels.png")
    found = section(write_result(tmp_path, "other", levels=[0.1, 0.2]))
    assert [figure.caption for figure in found.figures] == ["Noise levels"]
    assert found.tables[0].rows == [("levels", "0.1, 0.2")]


def test_the_page_is_one_file_without_scripts_and_its_parts_are_named(tmp_path: Path) -> None:
    figures.face_sheet(np.zeros((1, 8, 8, 1), np.uint8), ["x"], tmp_path / "faces.png")
    html = render(section(write_result(tmp_path, "other", a=1)))
    outline = Outline(html)
    assert outline.headings == ["h1", "h2", "h3"]
    assert "script" not in outline.tags
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", html)
    assert "url(" not in html
    assert all(image["alt"] and image["src"].startswith("data:") for image in outline.images if image["src"])
    assert len(outline.images) == 1
    assert {link.removeprefix("#") for link in outline.links} <= set(outline.ids)


def test_text_from_results_is_never_markup(tmp_path: Path) -> None:
    hostile = '<script>alert("x")</script>'
    html = render(section(write_result(tmp_path, "other", name=hostile, notes=[hostile])))
    assert "script" not in Outline(html).tags
    assert html.count("&lt;script&gt;") == 2
    assert "<title>A &lt;title&gt;</title>" in html


def test_a_result_tells_its_seed_versions_and_whatever_to_be_careful_of(tmp_path: Path) -> None:
    told = {"notes": ["a note", "again"], "leaks": ["a leak"], "warnings": ["a warning", "again"]}
    found = section(write_result(tmp_path, "other", a=1, **told))
    assert found.notes == ["a note", "again", "a leak", "a warning"]
    assert found.tables[0].rows == [("a", 1)]
    origin = dict(found.origin)
    assert origin["seed"] == 3
    assert "numpy" in origin["versions"]


def test_sections_of_parts_stand_below_their_headings(tmp_path: Path) -> None:
    found = section(write_result(tmp_path, "other", a=1))
    html = render(*(dataclasses.replace(found, part=part, anchor=f"s-{part}") for part in ("one", "two")))
    outline = Outline(html)
    assert outline.headings == ["h1", "h2", "h3", "h4", "h2", "h3", "h4"]
    assert {link.removeprefix("#") for link in outline.links} <= set(outline.ids)
    assert len(set(outline.ids)) == len(outline.ids)


def test_the_page_serves_dark_screens_narrow_screens_and_paper(tmp_path: Path) -> None:
    html = render(section(write_result(tmp_path, "other", a=1)))
    for rule in ("prefers-color-scheme: dark", "@media print", "overflow-x: auto", 'name="viewport"'):
        assert rule in html
