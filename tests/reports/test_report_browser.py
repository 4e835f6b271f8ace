"""The report in headless Chromium: readable on every screen and on paper, by keyboard, and by assistive programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_cli.labels import EMOTIONS
from fer_cli.reports import figures
from tests import browser, helpers
from tests.helpers import run_fer
from tests.reports.studies import write_score

HOSTILE = '<img src=x onerror="alert(1)">'
#: A CSS pixel is 1/96 inch: A4 without margins of 12 mm.
PAPER = 703


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of two studies: faces, scores with figures as fer eval draws them, a comparison, a hostile name."""
    root = tmp_path_factory.mktemp("report")
    faces, photos = (helpers.write_dataset(root / "size" / f"{name}.h5") for name in ("faces", "photos"))
    results = [
        write_score(root / "size" / "val" / name, faces, score) for name, score in (("plain", 0.5), ("deep", 0.6))
    ]
    write_score(root / "noise" / "photos" / "plain", photos, 0.4, warnings=[HOSTILE, "unspaced" * 20])
    write_score(root / "noise" / "val" / HOSTILE.replace("/", ""), faces, 0.3)
    counts = np.eye(len(EMOTIONS), dtype=int) * 4
    figures.confusion_matrix(counts, EMOTIONS, results[0].parent / "confusion_matrix.png")
    figures.reliability(np.ones(3), np.ones(3), np.ones(3, int), 0.1, results[0].parent / "reliability.png")
    (root / "published.csv").write_text("name,accuracy,split,source\nplain,0.56,val,student study\n")
    published = ("--published", root / "published.csv")
    assert run_fer("compare", *results, *published, "-o", root / "size" / "comparison", "-q").exit_code == 0
    page = root / "report.html"
    done = run_fer("report", root / "size", root / "noise", "--title", "Two <studies>", "-o", page, "-q")
    assert done.exit_code == 0, done.output
    return page


@pytest.fixture(params=["light", "dark"])
def opened(chromium: Any, report: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The tab with the report, which met with no problem."""
    page = browser.Page(chromium, request.param)
    yield page.open(report)
    page.tab.close()
    assert page.problems == []


def test_nothing_is_wider_than_the_screen_and_all_images_load(opened: Any) -> None:
    for width in (375, 1280):
        opened.set_viewport_size({"width": width, "height": 800})
        assert opened.evaluate("document.documentElement.scrollWidth") == width
    images = opened.evaluate("[...document.images].map((image) => image.complete && image.naturalWidth > 0)")
    # Faces of two datasets, the chart, two figures of an evaluation, one of a comparison.
    assert images == [True] * 6


def test_axe_finds_no_fault_at_either_width(opened: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    for width in (375, 1280):
        opened.set_viewport_size({"width": width, "height": 800})
        found = axe.Axe().run(opened)
        assert found.violations_count == 0, found.generate_report()


def test_text_stands_out_from_its_background(opened: Any) -> None:
    # What axe cannot tell of text in front of several layers: the contrast of WCAG 2, of the colours of the page.
    contrast = opened.evaluate("""() => {
      const style = getComputedStyle(document.documentElement);
      const light = (name) => {
        const canvas = new OffscreenCanvas(1, 1).getContext("2d");
        canvas.fillStyle = style.getPropertyValue(name);
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
          .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
      };
      const ratio = (one, other) => Math.max(light(one), light(other)) / Math.min(light(one), light(other));
      const texts = ["--ink", "--quiet", "--link"];
      return Math.min(...texts.flatMap((text) => ["--paper", "--shade"].map((ground) => ratio(text, ground))));
    }""")
    assert contrast >= 4.5


def test_the_keyboard_reaches_the_results_and_what_scrolls(opened: Any) -> None:
    opened.set_viewport_size({"width": 375, "height": 800})
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.textContent") == "Skip to the results"
    assert opened.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    opened.keyboard.press("Enter")
    assert opened.evaluate("document.activeElement.id") == "results"
    unreachable = opened.evaluate("""() => [...document.querySelectorAll("main *")].filter((part) =>
      part.scrollWidth > part.clientWidth + 1 && part.tabIndex < 0
      && ["auto", "scroll"].includes(getComputedStyle(part).overflowX)).map((part) => part.outerHTML)""")
    assert unreachable == []


def test_paper_holds_all_of_it(opened: Any) -> None:
    opened.set_viewport_size({"width": PAPER, "height": 1000})
    opened.emulate_media(media="print")
    assert opened.evaluate("document.documentElement.scrollWidth") <= PAPER
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not opened.locator("nav").first.is_visible()
    assert opened.locator("details dl").first.is_visible()


def test_what_a_name_holds_is_text(opened: Any) -> None:
    assert opened.locator("h1").text_content() == "Two <studies>"
    assert HOSTILE in opened.locator(".note").all_text_contents()
    assert opened.locator("img[src=x]").count() == 0


def test_links_lead_to_sections(opened: Any) -> None:
    broken = opened.evaluate("""() => [...document.querySelectorAll("a")].map((link) => link.getAttribute("href"))
      .filter((target) => !document.getElementById(target.slice(1)))""")
    assert broken == []
    assert opened.locator("nav a").count() > 8
