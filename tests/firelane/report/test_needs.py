"""Refusals before any work, and the option of the command line."""

from __future__ import annotations

import importlib.util

import pytest

import firelane
from firelane.cli.main import main
from firelane.models.catalogue import EMBEDDED
from tests.firelane.report.pages import check_page

COMPILE = ["compile", str(EMBEDDED["digits"]), "-o"]
FIND = importlib.util.find_spec


@pytest.fixture
def no_work(monkeypatch):
    """Nothing is compiled."""
    def work(*arguments, **options):
        raise AssertionError("work was begun")
    monkeypatch.setattr("firelane.compile", work, raising=False)


@pytest.mark.parametrize("gone, words", [({"plotly"}, "plotly"), ({"plotly", "jinja2"}, "plotly and jinja2")])
def test_without_the_packages(gone, words, no_work, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("firelane.compiler.support.extras.find_spec", lambda name: None if name in gone else FIND(name))
    assert main([*COMPILE, str(tmp_path / "d"), "--report", str(tmp_path / "r.html")]) == 2
    assert capsys.readouterr().err == (
        f"error: --report: needs {words}, which is not installed; pip install 'firelane[report]'\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name, words", [
    ("r.pdf", "r.pdf is no HTML file; name a file that ends in .html"),
    (".html", ".html is no HTML file; name a file that ends in .html"),
    ("folder.html", "is a folder; name a file with --report"),
    ("file/r.html", "cannot be written: Not a directory; name a file that can be written with --report")])
def test_what_cannot_be_written(name, words, no_work, tmp_path, capsys):
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").write_text("a file")
    assert main([*COMPILE, str(tmp_path / "d"), "--report", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.endswith(f"{words}\n")


def test_the_option(tmp_path, capsys):
    """The report says what was typed, and stands there whole in place of an older one."""
    page = tmp_path / "reports" / "r.html"
    page.parent.mkdir()
    page.write_text("old")
    arguments = ["compile", str(EMBEDDED["digits"]), "--no-check", "-o", str(tmp_path / "a b"), "--report", str(page)]
    assert main(arguments) == 0
    assert capsys.readouterr().err == f"report: {page}\n"
    check_page(page)
    assert f"firelane compile {EMBEDDED['digits']} --no-check -o &#39;{tmp_path}/a b&#39; --report" in page.read_text()
    assert [path.name for path in page.parent.iterdir()] == ["r.html"]


def test_python(tmp_path):
    with pytest.raises(firelane.FirelaneError, match=r"^report: r\.txt is no HTML file"):
        firelane.compile("digits", check=False).write_report(tmp_path / "r.txt")
