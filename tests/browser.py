"""A page in headless Chromium, for tests of pages with scripts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

#: No sandbox, since tests may run as root in a container; and nothing that calls home.
_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-quic", "--no-first-run",
)  # fmt: skip
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser of playwright's; skips where playwright or Chromium is missing."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = [path for name in _NAMES if (path := shutil.which(name))]
    with api.sync_playwright() as playwright:
        path = found[0] if found else playwright.chromium.executable_path
        if not Path(path).is_file():
            pytest.skip("Chromium is not installed")
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


class Page:
    """A page of a browser; `problems` collects errors of its scripts, refused content and requests to anywhere."""

    def __init__(self, browser: Any, scheme: str = "light") -> None:
        self.tab = browser.new_page(viewport={"width": 1100, "height": 900}, color_scheme=scheme)
        self.problems: list[str] = []
        self.tab.on("pageerror", lambda error: self.problems.append(str(error)))
        self.tab.on("console", lambda line: self.problems.append(line.text) if line.type == "error" else None)
        self.tab.on("request", self._request)

    def open(self, path: Path) -> Any:
        """Load a file; the tab of playwright."""
        self.tab.goto(path.absolute().as_uri())
        return self.tab

    def _request(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.problems.append(request.url)
