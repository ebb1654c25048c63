"""A build: what it uses of the device, where everything is, how dense the wires are, what limits the clock."""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import Image

from firelane.boards.flow.finished_build import FinishedBuild
from firelane.boards.report.die_plot import DIES, die_plot
from firelane.report.figures import device as figures
from firelane.report.figures import usage
from firelane.report.page.document import Picture, Plot, Section, Table


def sections(build: FinishedBuild) -> Iterator[Section]:
    """All of them."""
    yield clock(build)
    yield die(build)
    yield routing(build)


def clock(build: FinishedBuild) -> Section:
    """Resources, the clock, and the path that limits it."""
    report = build.report
    wires = sum(step.delay_ns for step in report.worst_path if step.kind == "routing")
    total = sum(step.delay_ns for step in report.worst_path)
    rows = (*((name, version) for name, version in build.tools.items()), ("seed of the placer", str(build.seed)),
            ("SHA-256 of the bitstream", build.bitstream))
    parts: list[Plot | Table] = [
        Plot("resources", "Used of the device", "What was placed, not what was estimated; beyond nine tenths of the "
             "LUTs routing becomes hard.", usage.usage(figures.resources(report))),
        Plot("clocks", "The clock", "What is used is what the board's PLL makes; what is possible is by the slowest "
             "path, at the slowest corner of temperature and voltage.", figures.clocks(report))]
    if report.worst_path:
        parts.append(Plot("critical-path", "The path that limits the clock", f"{total:.1f} ns from register to "
                          f"register, {wires:.1f} of them on wires. Long orange bars are cells that are far apart: "
                          "another seed may bring them nearer; blue ones are logic, which stays.",
                          figures.path(report.worst_path)))
    return Section("timing", "Device and clock", "", (*parts, Table("How it was made", ("", ""), rows, words=True)))


def die(build: FinishedBuild) -> Section:
    """Where cells are, and of what part of the engine."""
    parts: list[Plot | Picture] = []
    if build.device.rpartition("-")[2] in DIES:
        png = die_plot(build.placement, build.device, f"{build.model} on {build.board}")
        with Image.open(io.BytesIO(png)) as picture:
            width, height = picture.size
        parts.append(Picture("die", "The die", "Every LUT, flip-flop, block RAM and multiplier where it was placed, in "
                             "the colour of its part of the engine. A part in pieces has long wires.", png,
                             width, height))
    parts.append(Plot("blocks-of-the-die", "Cells by part of the engine", "Block RAMs are in the memories, multipliers "
                      "in lanes and requantization; where a device has few of these, lanes multiply with LUTs.",
                      figures.blocks(build.placement)))
    return Section("die-and-parts", "Placement", "", tuple(parts))


def routing(build: FinishedBuild) -> Section:
    """How dense routed wires are."""
    row, column, most = build.wires.densest
    text = (f"{int(build.wires.counts.sum()):,} switches connect wires. Most, {most}, are in the tile at row {row}, "
            f"column {column}.")
    return Section("routing", "Routing", text, (
        Plot("wires", "Switches set in each tile", "Bright regions are where wires are dense: signals make detours "
             "around them, and a path that has to cross them is slow. Dark rows are block RAMs and multipliers, dark "
             "corners are free.", figures.wires(build.wires)),))
