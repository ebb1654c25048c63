"""What is in a report that was written: the data of its plots, and where it points."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

DATA = re.compile(r'<script type="application/json" id="plots">(.*?)</script>', re.DOTALL)
FETCHED = {"src", "srcset", "href", "data", "action", "poster", "background"}      #: attributes that name a place


def plots(page: Path) -> dict[str, dict[str, Any]]:
    """The plots by name, as plotly's JavaScript gets them."""
    [found] = DATA.findall(page.read_text())
    return json.loads(found)


def traces(page: Path, plot: str) -> dict[str, dict[str, Any]]:
    """The traces of a plot by name."""
    return {trace.get("name", ""): trace for trace in plots(page)[plot]["data"]}


def bars(page: Path, plot: str, trace: str = "") -> dict[str, float]:
    """A trace of horizontal bars: the length of each by its name."""
    found = traces(page, plot)[trace] if trace else plots(page)[plot]["data"][0]
    return dict(zip(found["y"], found["x"], strict=True))


class Tags(HTMLParser):
    """All tags of a page, and the text of each heading, sentence and cell."""

    def __init__(self, page: Path):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            self.texts.setdefault(self._open[-1], []).append(data.strip())

    def places(self) -> set[str]:
        """All that is named by an attribute that makes a browser fetch, or leads somewhere."""
        return {value or "" for _, attributes in self.tags for name, value in attributes.items() if name in FETCHED}

    def identifiers(self) -> list[str]:
        """The names of all elements that have one."""
        return [attributes["id"] or "" for _, attributes in self.tags if "id" in attributes]


def check_page(page: Path) -> None:
    """Hold a report against what every report promises: it is alone, and each plot has title, axes and a sentence."""
    found, drawn = Tags(page), plots(page)
    assert {place for place in found.places() if not place.startswith(("#", "data:"))} == set()
    assert "default-src 'none'" in page.read_text()
    assert len(set(found.identifiers())) == len(found.identifiers())
    assert {place.removeprefix("#") for place in found.places() if place.startswith("#")} <= set(found.identifiers())
    assert [name for name in found.identifiers() if name in drawn] == list(drawn)
    figures = sum(tag == "figure" for tag, _ in found.tags)
    pictures = sum(tag == "img" for tag, _ in found.tags)
    sentences = sum(attributes.get("class") == "sees" for _, attributes in found.tags)
    assert figures == sentences == len(drawn) + pictures > 0
    for name, plot in drawn.items():
        axes = {key: axis for key, axis in plot["layout"].items() if key.startswith(("xaxis", "yaxis"))}
        named = [key for key, axis in axes.items() if axis.get("title", {}).get("text")]
        assert {key[0] for key in named} == {"x", "y"} or axes["yaxis"]["type"] == "category", f"{name} has axes"
        assert any(key.startswith("x") for key in named) and plot["data"], f"{name} has axes and data"
