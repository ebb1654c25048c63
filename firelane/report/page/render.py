"""A document as HTML: the template, the style, plotly's JavaScript and all data in one text."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.io import to_json
from plotly.offline import get_plotlyjs

from firelane.report.page.document import Document, Picture, Plot, Table

TEMPLATES = Path(__file__).resolve().parent / "templates"


def render(document: Document, made: tuple[tuple[str, str], ...]) -> str:
    """The page; `made` says when, with what version and by which command it was made.

    The browser is told to fetch nothing (Content-Security-Policy), so that nothing can be fetched by mistake.
    """
    twice = [name for name, count in Counter(document.names).items() if count > 1]
    assert not twice, f"elements of the page have the same name: {', '.join(twice)}"
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    environment.filters["base64"] = lambda png: b64encode(png).decode()
    environment.tests |= {"plot": lambda part: isinstance(part, Plot), "table": lambda part: isinstance(part, Table),
                          "picture": lambda part: isinstance(part, Picture)}
    return environment.get_template("page.html").render(
        document=document, made=made, data=plot_data(document), plotly=get_plotlyjs(),
        style=(TEMPLATES / "style.css").read_text(), script=(TEMPLATES / "plots.js").read_text())


def plot_data(document: Document) -> str:
    """The JSON of all plots by name, as it may stand in an HTML page: no character of it ends a script."""
    found: dict[str, Any] = {plot.name: json.loads(to_json(plot.figure)) for plot in document.plots}
    return json.dumps(found, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
