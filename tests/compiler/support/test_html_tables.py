"""Tables for notebooks: texts are no markup, numbers are readable, long ones are cut."""

from __future__ import annotations

from html.parser import HTMLParser

from firelane.compiler.support.html_tables import SHOWN_ROWS, HtmlTable, html_block


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


def test_texts_are_no_markup():
    table = HtmlTable(("<a>", "n"), [("<b>&", 1234567), ("x", 0.5)], caption="<c>")
    assert Words(html_block("<t>", {"<f>": "<v>", "nothing": None, "empty": ""}, [table])).found == [
        "<t>", "<f>", "<v>", "<c>", "<a>", "n", "<b>&", "1,234,567", "x", "0.5"]


def test_long_tables_are_cut():
    words = Words(str(HtmlTable(("n",), [(number,) for number in range(SHOWN_ROWS + 3)]))).found
    assert words[-1] == "and 3 more" and len(words) == 1 + SHOWN_ROWS + 1
