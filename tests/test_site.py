"""The documentation as a site: it builds without a warning, has every document, and fetches nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

import firelane

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {"contributing.md", "changes.md", "embedded_models.md"}         #: of the site, but not in docs/
FETCHED = ("img", "script", "link", "iframe", "source", "video", "audio", "object", "embed")
PLAIN_LINKS = {"canonical", "prev", "next"}             #: of a <link> that nobody fetches


class Site(yaml.SafeLoader):
    """A loader of YAML that takes every tag."""


Site.add_multi_constructor("", lambda loader, suffix, node: None)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built as `make site` does."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run([sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder],
                          cwd=ROOT, capture_output=True, text=True, check=False,
                          env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stdout + done.stderr
    return folder


def pages_of(nav: list | dict | str) -> list[str]:
    """The files in a navigation."""
    if isinstance(nav, str):
        return [nav]
    return [page for entry in (nav.values() if isinstance(nav, dict) else nav) for page in pages_of(entry)]


def test_every_document_is_in_the_navigation_once():
    nav = pages_of(yaml.load((ROOT / "mkdocs.yml").read_text(), Site)["nav"])
    documents = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*")
                 if path.suffix in (".md", ".ipynb")}
    assert sorted(nav) == sorted(documents | ELSEWHERE)


class Fetched(HTMLParser):
    """Collects what a page has a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in FETCHED and values.get("rel") not in PLAIN_LINKS:
            self.found += [value for name in ("src", "href", "data", "srcset") if (value := values.get(name))]


def test_nothing_is_fetched_from_elsewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        reader = Fetched()
        reader.feed(page.read_text())
        assert reader.found and [url for url in reader.found if re.match(r"(https?:)?//", url)] == [], page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//|@import ['\"]?http", style.read_text()), style.name


def test_the_first_screen_has_picture_and_recording(site):
    text = (site / "index.html").read_text()
    assert "images/die_ulx3s_25f.png" in text and "images/make_sim.svg" in text
    assert all((site / "images" / name).exists() for name in ("die_ulx3s_25f.png", "make_sim.svg"))


def test_the_reference_has_every_name(site):
    """All functions and records of `import firelane`, with their parameters."""
    text = (site / "api.html").read_text()
    for name in firelane.__all__:
        home = getattr(firelane, name)
        assert f'id="{home.__module__}.{home.__qualname__}"' in text, name
    assert "Parameters:" in text


def test_documents_from_elsewhere_are_linked(site):
    """A link out of `docs/` leads to the same document in the site; one to a file of the tree is text."""
    assert 'href="contributing.html"' in (site / "ten_minutes.html").read_text()
    assert 'href="layout.html"' in (site / "contributing.html").read_text()
    assert "../CONTRIBUTING.md" not in (site / "ten_minutes.html").read_text()
