"""A bitstream in its folder, as a result that can be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from firelane import report as reports
from firelane.api.reported import Reported
from firelane.boards.board import Board
from firelane.boards.flow.finished_build import read_build
from firelane.compiler.fit.report import make_report
from firelane.compiler.program.compiled import Compiled

if TYPE_CHECKING:
    from firelane.report.page.document import Document


@dataclass(frozen=True, eq=False)
class Bitstream(Reported):
    """A finished build.

    Parameters
    ----------
    board : Board
    compiled : Compiled
        The network in the bitstream.
    folder : Path
        Of the build.
    """

    board: Board
    compiled: Compiled
    folder: Path

    def document(self) -> Document:
        """Its report: device, clock, placement, routing, and all about the program."""
        return reports.bitstream_document(reports.Subject(self.compiled.graph.name, board=self.board.name),
                                          read_build(self.folder), self.compiled,
                                          make_report(self.compiled, self.board))
