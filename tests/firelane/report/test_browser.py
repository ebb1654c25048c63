"""Reports in a browser: every plot is drawn, nothing is fetched, nothing is complained of."""

from __future__ import annotations

from base64 import b64decode

import pytest

import firelane
from tests.firelane.report.browser import LENGTHS, browser, missing
from tests.firelane.report.pages import plots

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    compiled = firelane.compile("digits", "ulx3s_25f", check=False)
    return compiled.write_report(tmp_path_factory.mktemp("report") / "digits.html")


@pytest.fixture(scope="module")
def reader():
    with browser() as found:
        yield found


def test_every_plot_is_drawn_and_nothing_is_fetched(reader, page):
    reader.open(page)
    wanted = {name: [len(trace.get("x") or trace["z"]) for trace in plot["data"]]
              for name, plot in plots(page).items()}
    assert reader.run(LENGTHS) == wanted and len(wanted) >= 10
    shapes = reader.run("return [...document.querySelectorAll('.plot')].map((plot) => "
                        "plot.querySelectorAll('path, image').length)")
    assert all(shapes), "each plot has something to be seen"
    assert reader.run("return document.getElementById('timeline').data[0].base.length") == \
        len(plots(page)["timeline"]["data"][0]["base"])
    assert reader.complaints() == []
    assert reader.requests() == {page.as_uri()}


def test_light_and_dark(reader, page):
    colour = "return getComputedStyle(document.body).backgroundColor"
    text = "return document.getElementById('timeline').layout.font.color"
    seen = {}
    for scheme in ("light", "dark"):
        reader.prefer(scheme)
        reader.open(page)
        seen[scheme] = reader.run(colour), reader.run(text)
    assert seen["light"][0] == "rgb(255, 255, 255)" and seen["dark"][0] != seen["light"][0]
    assert seen["light"][1] != seen["dark"][1]
    reader.run("document.getElementById('theme').click()")
    assert (reader.run(colour), reader.run(text)) == seen["light"]


def test_on_a_telephone(reader, page):
    """Nothing is wider than the screen: one scrolls in one direction alone."""
    reader.resize(390)
    reader.open(page)
    assert reader.run("return document.documentElement.scrollWidth") <= 391
    assert reader.run("return Math.max(...[...document.querySelectorAll('.plot .main-svg')].map((drawn) => "
                      "drawn.getBoundingClientRect().right))") <= 391
    reader.resize(1100)


def test_on_paper(reader, page):
    reader.open(page)
    assert b64decode(reader.paper()).startswith(b"%PDF")
    assert reader.complaints() == []
