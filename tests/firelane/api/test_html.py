"""What notebooks show of results: figures in tables, no markup of names, no colours of their own."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import firelane
from firelane.boards import get_board
from firelane.compiler.support.html_tables import SHOWN_ROWS, HtmlTable, html_block
from tests.compiler.small_networks import SIDE, small_model

PIXELS = np.random.default_rng(3).integers(0, 256, (8, 3, SIDE, SIDE), np.uint8)


class Words(HTMLParser):
    """The text of a page; complains of what is not closed."""

    def __init__(self, page: str):
        super().__init__()
        self.found, self._open = [], []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.found.append(data)


def shown(result) -> list[str]:
    page = result._repr_html_()
    assert not re.search(r"(?<![-\w])(color|background)\s*:", page), "light and dark are the page's affair"
    return Words(page).found


@pytest.fixture(scope="module")
def network():
    return firelane.quantize(small_model(), PIXELS)


def test_networks(network):
    assert {"float", f"3 x {SIDE} x {SIDE} (channels, rows, columns)"} <= {*shown(firelane.load(small_model()))}
    assert {"integers, quantized", str(network)} <= {*shown(network)}
    compressed = firelane.compress(small_model(), PIXELS, budget=10_000, thorough=False)
    assert {"bytes of ROM", f"{compressed.rom_bytes:,}", "expected loss of top-1"} <= {*shown(compressed)}


def test_compiled(network):
    compiled = firelane.compile(network, "ulx3s_25f")
    words = shown(compiled)
    assert {f"{compiled.cycles:,}", "LUT (estimate)", *(layer.name for layer in compiled.layers)} <= {*words}
    assert f"{get_board('ulx3s_25f').device.lut:,}" in words


def test_fits_and_estimates(network):
    [small] = firelane.fit("digits", "ulx3s_12f")
    assert {"no", small.reason} <= {*shown(small)}
    estimate = firelane.estimate(network, "ulx3s_25f")
    assert {estimate.answer, "ulx3s_25f", f"{estimate.boards[0].cycles:,}"} <= {*shown(estimate)}


def test_evaluation(network):
    found = firelane.evaluate(network, PIXELS, float_model=small_model())
    assert {"reference", "float", *(layer.tensor for layer in found.layers)} <= {*shown(found)}


def test_prediction(network):
    found = network.predict(PIXELS[:1])[0]
    assert {"Prediction of image 0", str(found.best)} <= {*shown(found)}


def test_texts_are_no_markup():
    table = HtmlTable(("<a>", "n"), [("<b>&", 1234567), ("x", 0.5)], caption="<c>")
    assert Words(html_block("<t>", {"<f>": "<v>", "nothing": None, "empty": ""}, [table])).found == [
        "<t>", "<f>", "<v>", "<c>", "<a>", "n", "<b>&", "1,234,567", "x", "0.5"]


def test_long_tables_are_cut():
    words = Words(str(HtmlTable(("n",), [(number,) for number in range(SHOWN_ROWS + 3)]))).found
    assert words[-1] == "and 3 more" and len(words) == 1 + SHOWN_ROWS + 1
