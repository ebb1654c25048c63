"""What results have in common that can be looked at: a report as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from firelane import report as reports

if TYPE_CHECKING:
    from firelane.report.page.document import Document


class Reported:
    """A result of which a report can be written; it needs the extra `report`."""

    def document(self) -> Document:
        """All that the report shows: sections with plots, each of them a plotly figure."""
        raise NotImplementedError

    def write_report(self, path: str | Path, *, command: str = "") -> Path:
        """Write the report as one HTML file with all its plots, which needs nothing else to be looked at.

        Parameters
        ----------
        command : str
            What was typed, if it was a command; the report says so.

        Raises
        ------
        FirelaneError
            If plotly or Jinja2 is missing (pip install 'firelane[report]'), or the file cannot be written.
        """
        reports.check_report(Path(path))
        return reports.write_document(self.document(), path, command=command)
