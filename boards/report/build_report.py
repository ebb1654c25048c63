"""What came out of place and route, read from nextpnr's JSON report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from firelane.boards.place.ecp5.block_sites import BLOCK_RAM, MULTIPLIER
from firelane.boards.place.netlist.placed_netlist import FLIP_FLOP_CELL, LUT_CELL
from firelane.boards.report.usage_table import usage_table
from firelane.compiler.support.fitted_table import FittedTable

RESOURCES = (                   # nextpnr's cell type, our word
    (LUT_CELL, "LUT"),
    (FLIP_FLOP_CELL, "FF"),
    (BLOCK_RAM, "EBR"),
    (MULTIPLIER, "DSP"),
)


@dataclass(frozen=True)
class Step:
    """A piece of a path: nanoseconds in a cell (`kind` clk-to-q, logic, setup) or on wires (routing)."""

    kind: str
    delay_ns: float
    source: str         #: cell
    sink: str

    def __str__(self) -> str:
        return f"{self.delay_ns:.2f} ns {self.kind}: {self.source} -> {self.sink}"


@dataclass(frozen=True)
class BuildReport:
    """Resources as (used, available), clocks in Hz."""

    resources: dict[str, tuple[int, int]]
    achieved_hz: float
    target_hz: float
    worst_path: tuple[Step, ...]        #: of the slowest clock, from register to register

    @property
    def meets_timing(self) -> bool:
        return self.achieved_hz >= self.target_hz

    @property
    def limit(self) -> str:
        """The path that limits the clock, in words."""
        if not self.worst_path:
            return "not reported"
        wires = sum(step.delay_ns for step in self.worst_path if step.kind == "routing")
        total = sum(step.delay_ns for step in self.worst_path)
        return (f"{total:.1f} ns, {wires:.1f} ns of it on wires, from {self.worst_path[0].source} to "
                f"{self.worst_path[-1].sink}")


def read_report(path: Path, *, target_hz: float) -> BuildReport:
    """The report that nextpnr's `--report` file gives; the slowest clock counts."""
    document = json.loads(path.read_text())
    resources = {word: (document["utilization"][cell]["used"], document["utilization"][cell]["available"])
                 for cell, word in RESOURCES if cell in document["utilization"]}
    slowest = min(document["fmax"].items(), key=lambda item: item[1]["achieved"], default=None)
    if slowest is None:
        raise ValueError(f"{path} names no clock")
    name, clock = slowest
    return BuildReport(resources, clock["achieved"] * 1e6, target_hz, _worst_path(document, name))


def _worst_path(document: dict, clock: str) -> tuple[Step, ...]:
    for path in document.get("critical_paths", ()):
        if clock in path["from"] and clock in path["to"]:
            return tuple(Step(step["type"], step["delay"], step["from"]["cell"], step["to"]["cell"])
                         for step in path["path"])
    return ()


def table(report: BuildReport, *, title: str) -> FittedTable:
    """The table for the terminal: one row a resource, and the clock."""
    clock = ("Fmax (MHz)", f"{report.achieved_hz / 1e6:.1f}", f"{report.target_hz / 1e6:.1f}",
             "met" if report.meets_timing else Text("MISSED", "bold red"))
    return usage_table(title, report.resources, [clock])
