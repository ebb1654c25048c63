"""What `make sim` prints: tables from measurements, nothing is computed here but sums and ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class LayerCycles:
    """One layer of one frame.

    Parameters
    ----------
    name : str
    kind : str
        The instruction that runs it.
    instructions : int
        How many it took: tiles, loads, ...
    measured, predicted : int
        Cycles in the Verilog and by the emulator.
    macs : int
        Dense multiply-accumulates of the layer: what an engine that cannot skip zeros has to do.
    """

    name: str
    kind: str
    instructions: int
    measured: int
    predicted: int
    macs: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """One `make sim`.

    Parameters
    ----------
    model, engine : str
        What was simulated on what, for the title.
    lanes : int
        Multipliers.
    layers : sequence of LayerCycles
    frame_cycles, predicted_frame_cycles : int
        Of one frame, from the first fetch to END.
    input_bytes, input_wait, output_bytes, output_cycles : int
        The streams of one frame: cycles in which an instruction waited for the image, and from the first to the last
        result byte.
    frames, values : int
        Frames simulated; result bytes that were compared with the reference.
    correct : int, optional
        Frames whose best class is the label, where labels are known.
    simulated_cycles, seconds, build_seconds
        Of the simulator.
    """

    model: str
    engine: str
    lanes: int
    layers: Sequence[LayerCycles]
    frame_cycles: int
    predicted_frame_cycles: int
    input_bytes: int
    input_wait: int
    output_bytes: int
    output_cycles: int
    frames: int
    values: int
    correct: int | None
    simulated_cycles: int
    seconds: float
    build_seconds: float

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def macs_per_multiplier_and_cycle(self) -> float:
        return self.macs / (self.lanes * self.frame_cycles)

    @property
    def cycles_per_second(self) -> float:
        return self.simulated_cycles / self.seconds


def print_report(console: Console, report: Report) -> None:
    """Both tables."""
    console.print(_layer_table(report))
    console.print(_summary_table(report))


def _layer_table(report: Report) -> Table:
    table = Table(title=f"{report.model} on {report.engine}: cycles of one frame", title_justify="left",
                  caption="use: dense MACs per multiplier and cycle", caption_justify="left")
    table.add_column("layer", overflow="fold")
    table.add_column("runs as", no_wrap=True)
    for name in ("measured", "predicted", "dense MACs", "use"):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in report.layers:
        table.add_row(layer.name, f"{layer.instructions} {layer.kind}", f"{layer.measured:,}", f"{layer.predicted:,}",
                      f"{layer.macs:,}" if layer.macs else "", _use(layer.macs, report.lanes, layer.measured))
    table.add_section()
    table.add_row("whole frame", "", f"{report.frame_cycles:,}", f"{report.predicted_frame_cycles:,}",
                  f"{report.macs:,}", _use(report.macs, report.lanes, report.frame_cycles))
    return table


def _use(macs: int, lanes: int, cycles: int) -> str:
    return f"{macs / (lanes * cycles):.2f}" if macs and cycles else ""


def _summary_table(report: Report) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    equal = f"{report.values:,} of {report.values:,} values of {report.frames} frames equal the reference"
    rows = [("results", equal)]
    if report.correct is not None:
        rows.append(("accuracy", f"{report.correct} of {report.frames} ({report.correct / report.frames:.1%})"))
    rows += [
        ("image in", f"{report.input_bytes:,} bytes beside the layers; these waited {report.input_wait:,} cycles"),
        ("result out", f"{report.output_bytes:,} bytes in {report.output_cycles:,} cycles"),
        ("multiplier use", f"{report.macs_per_multiplier_and_cycle:.2f} dense MACs per multiplier and cycle, "
                           f"{report.lanes} multipliers"),
        ("simulation", f"{report.simulated_cycles:,} cycles in {report.seconds:.1f} s: "
                       f"{report.cycles_per_second:,.0f} cycles/s (build: {report.build_seconds:.0f} s, once)"),
    ]
    for row in rows:
        table.add_row(*row)
    return table
