"""A report as a file: whole, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from firelane.compiler.support.files import write_file
from firelane.report.needs import OPTION, check_report
from firelane.report.page.document import Document
from firelane.report.page.render import render


def write_document(document: Document, path: str | Path, *, command: str = "") -> Path:
    """Write `document` to an HTML file that needs nothing else.

    Parameters
    ----------
    command : str
        What was typed, if it was a command.

    Raises
    ------
    FirelaneError
        If it cannot be written.
    """
    check_report(Path(path))
    made = [("made", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")), ("Firelane", version("firelane"))]
    if command:
        made.append(("command", command))
    write_file(path, render(document, tuple(made)).encode(), OPTION)
    return Path(path)
