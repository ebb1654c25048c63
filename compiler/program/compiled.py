"""The result of a compilation."""

from __future__ import annotations

from dataclasses import dataclass

from firelane.compiler.frame_io.result import ResultFormat
from firelane.compiler.ir.graph import Graph
from firelane.compiler.program.emit import Program
from firelane.compiler.schedule.search import Schedule
from firelane.hw.contract.config import EngineConfig


@dataclass(frozen=True, eq=False)
class Compiled:
    """A network compiled for one engine, with what it was made from."""

    graph: Graph
    program: Program
    plan: Schedule
    result: ResultFormat

    @property
    def cfg(self) -> EngineConfig:
        return self.program.cfg
