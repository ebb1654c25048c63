"""Whether a report can be written, asked before any work."""

from __future__ import annotations

from pathlib import Path

from firelane.compiler.support.errors import ConfigError
from firelane.compiler.support.extras import check_packages
from firelane.compiler.support.outputs import check_file

OPTION = "--report"
PACKAGES = ("plotly", "jinja2")
SUFFIX = ".html"


def check_report(path: Path) -> None:
    """Refuse a report that could not be written.

    Raises
    ------
    ConfigError
        If a package is missing, the file is no .html, or it cannot be written.
    """
    check_packages(PACKAGES, "report", OPTION)
    if path.suffix.lower() != SUFFIX:
        raise ConfigError(OPTION, f"{path.name} is no HTML file", hint=f"name a file that ends in {SUFFIX}")
    check_file(path, OPTION)
