"""What `make sim` prints: tables from measurements, nothing is computed here but sums and ratios."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console

from firelane.compiler.frame_io.classes import Guess
from firelane.compiler.support.counted import counted
from firelane.compiler.support.fitted_table import Column, FittedTable
from firelane.compiler.support.plain_table import PlainTable
from firelane.sim.judge.layer_cycles import LayerCycles

LAYER_COLUMNS = (       # what is left out first where there is no room has the largest number
    Column("layer", names=True), Column("measured"), Column("predicted", drop=2), Column("error"),
    Column("ideal", drop=3), Column("share", drop=1), Column("use", drop=4), Column("taps", drop=5),
    Column("runs as", drop=6))


@dataclass(frozen=True, kw_only=True)
class SimulationReport:
    """One `make sim`.

    Parameters
    ----------
    model, engine : str
        What was simulated on what, for the title.
    lanes : int
        Multipliers.
    layers : sequence of LayerCycles
    frame_cycles, predicted_frame_cycles : int
        Cycles of one frame, from the first fetch to END.
    input_bytes, input_wait, output_bytes, output_cycles : int
        The streams of one frame: cycles in which an instruction waited for the image, and from the first to the last
        result byte.
    frames, values : int
        Frames simulated; result bytes that were compared with the reference.
    correct : int, optional
        Frames whose best class is the label, where labels are known.
    guesses : sequence of Guess
        The best classes of the first frame, if they are of interest.
    simulated_cycles, seconds, build_seconds
        What the simulator did, and how long it and its build took.
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
    guesses: Sequence[Guess]
    simulated_cycles: int
    seconds: float
    build_seconds: float

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def ideal(self) -> int:
        """Cycles of the taps of all convolutions."""
        return sum(layer.ideal for layer in self.layers if layer.convolution)

    @property
    def ideal_with_windows(self) -> int:
        """Cycles of the taps of all layers; those of pooling, additions and rescaling are places of a window."""
        return sum(layer.ideal for layer in self.layers)

    @property
    def worst_prediction(self) -> LayerCycles:
        """The layer whose cycles are predicted worst, as a share of them."""
        return max(self.layers, key=lambda layer: abs(layer.error))

    @property
    def macs_per_multiplier_and_cycle(self) -> float:
        return self.macs / (self.lanes * self.frame_cycles)

    @property
    def cycles_per_second(self) -> float:
        return self.simulated_cycles / self.seconds


def print_report(console: Console, report: SimulationReport) -> None:
    """What was found, then the layers."""
    console.print(_summary_table(report), "", _layer_table(report), sep="\n")


def _layer_table(report: SimulationReport) -> FittedTable:
    title = f"{report.model} on {report.engine}: cycles of one frame (use: dense MACs per multiplier and cycle)"
    return FittedTable(title, LAYER_COLUMNS, [_layer_row(layer, report) for layer in report.layers], total=(
        "whole frame", f"{report.frame_cycles:,}", f"{report.predicted_frame_cycles:,}",
        _error(report.predicted_frame_cycles / report.frame_cycles - 1), _number(report.ideal_with_windows), "",
        _use(report.macs, report.lanes, report.frame_cycles), "", ""))


def _layer_row(layer: LayerCycles, report: SimulationReport) -> tuple[str, ...]:
    return (layer.name, f"{layer.measured:,}", f"{layer.predicted:,}", _error(layer.error), _number(layer.ideal),
            f"{layer.measured / report.frame_cycles:.1%}", _use(layer.macs, report.lanes, layer.measured),
            _number(layer.taps), f"{layer.instructions} {layer.kind}")


def _number(value: int) -> str:
    return f"{value:,}" if value else ""


def _error(share: float) -> str:
    return f"{share:+.2%}" if share else ""


def _use(macs: int, lanes: int, cycles: int) -> str:
    return f"{macs / (lanes * cycles):.2f}" if macs and cycles else ""


def _summary_table(report: SimulationReport) -> PlainTable:
    table = PlainTable(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in (*_results(report), *_cycles(report)):
        table.add_row(*row)
    return table


def _results(report: SimulationReport) -> Iterator[tuple[str, str]]:
    yield "results", (f"{report.values:,} of {report.values:,} values of {counted(report.frames, 'frame')} equal the "
                      "reference")
    if report.correct is not None:
        yield "accuracy", f"{report.correct} of {report.frames} ({report.correct / report.frames:.1%})"
    for rank, guess in enumerate(report.guesses):
        yield "" if rank else "best classes", f"{guess.share:7.4f}  {guess.index} {guess.name}".rstrip()


def _cycles(report: SimulationReport) -> Iterator[tuple[str, str]]:
    worst, ideal = report.worst_prediction, report.ideal
    yield "image in", f"{report.input_bytes:,} bytes beside the layers; these waited {report.input_wait:,} cycles"
    yield "result out", f"{report.output_bytes:,} bytes in {report.output_cycles:,} cycles"
    yield "convolutions", (f"{ideal:,} of the ideal cycles are their taps; the frame takes "
                           f"{report.frame_cycles / ideal:.3f} times as many" if ideal else "none")
    yield "prediction", f"at worst {abs(worst.error):.2%} from what was measured, in {worst.name}"
    yield "multiplier use", (f"{report.macs_per_multiplier_and_cycle:.2f} dense MACs per multiplier and cycle, "
                             f"{report.lanes} multipliers")
    yield "simulation", (f"{report.simulated_cycles:,} cycles in {report.seconds:.1f} s: "
                         f"{report.cycles_per_second:,.0f} cycles/s (build: {report.build_seconds:.0f} s, once)")
