"""A report of what fits and what does not: resources, memories, cycles, weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np
from rich.console import Group
from rich.text import Text

from firelane.compiler.coding.weight_code import Codes, EncodedLayer
from firelane.compiler.fit.resources import engine_resources
from firelane.compiler.ir.graph import Conv, Graph
from firelane.compiler.program.coded import encoded_layers
from firelane.compiler.program.compiled import Compiled
from firelane.compiler.program.descriptors import Descriptor
from firelane.compiler.program.rom_size import RomSize, rom_shares, rom_size
from firelane.compiler.schedule.cost_model import FrameCost, frame_cost, ideal_cycles
from firelane.compiler.schedule.search import Schedule
from firelane.compiler.support.counted import counted
from firelane.compiler.support.fitted_table import Column, FittedTable, shortened
from firelane.compiler.support.indented import Indented
from firelane.compiler.tiles.layers import TileLayer
from firelane.compiler.tiles.slicing import whole_name
from firelane.hw.contract.config import EngineConfig

MEMORIES = {            # sizes of an engine, and what reports call them
    "activation_words": "activation memory (words)",
    "weight_words": "weight memory (words)",
    "program_words": "program memory (words)",
    "value_symbols": "value table (entries)",
    "run_symbols": "run table (entries)",
}
NAMED, NAME_WIDTH = 3, 32       # layers that a sentence names, and characters of each
# What is left out first where there is no room has the largest number.
LAYER_COLUMNS = (
    Column("layer", names=True), Column("cycles"), Column("share", drop=1), Column("bytes", drop=2),
    Column("density", drop=3), Column("bits/weight", drop=4), Column("taps", drop=5), Column("excess", drop=7),
    Column("runs", drop=6))
USAGE_COLUMNS = (Column("", names=True), Column("needed"), Column("there are"), Column("share", drop=1),
                 Column("", text=True))
ROM_COLUMNS = (Column("", names=True), Column("bytes"), Column("share"))


class Device(Protocol):
    """What an FPGA holds: block RAMs, multipliers, LUTs."""

    @property
    def ebr(self) -> int: ...

    @property
    def dsp(self) -> int: ...

    @property
    def lut(self) -> int: ...


class Target(Protocol):
    """What a report wants to know of a board; `boards.board.Board` is one."""

    @property
    def device(self) -> Device: ...

    @property
    def result_bytes(self) -> int: ...

    @property
    def clock_hz(self) -> float: ...


@dataclass(frozen=True)
class Usage:
    """One line of what is used of what there is; `available` None: nothing to compare with."""

    name: str
    used: int
    available: int | None

    @property
    def fits(self) -> bool:
        return self.available is None or self.used <= self.available


@dataclass(frozen=True)
class LayerLine:
    """One layer in numbers.

    Layers with a weight stream have `weights`, how many there are, zeros included; `density`; `coded_bits`, the size of
    the stream; `code_bits` per weight that is not zero; `entropy_bits` of values and runs; `overhead`, how much larger
    the code is than that (0.02: 2 %), None if that is 0; `fillers`, taps of weight 0 in a tile; and `codes`, None
    without: the best ones, or others of `extra_taps` taps more in a tile, so that two decoders get them in time.
    `rom`: what it takes of the ROM image, without what a layer before it has there already. `ideal`: cycles if each tap
    of each tile took one (or two taps, where the engine takes two), nothing else took any, and nothing was computed
    twice.
    """

    name: str
    kind: str
    instructions: int
    cycles: int
    rom: RomSize
    taps: int = 0
    density: float | None = None
    code_bits: float | None = None
    overhead: float | None = None
    coded_bits: int = 0
    ideal: int = 0
    weights: int = 0
    entropy_bits: float = 0.0
    fillers: int = 0
    codes: Codes | None = None
    extra_taps: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The figures for programs, `rom` in bytes."""
        return asdict(self) | {"rom": self.rom.bytes_by_kind}


@dataclass(frozen=True)
class Report:
    """All figures of a network on an engine.

    `rom`: the image; `macs`: multiplications of a frame by the name of the convolution, zero weights counted; `lanes`:
    multipliers that work on it.
    """

    usage: tuple[Usage, ...]
    layers: tuple[LayerLine, ...]
    cost: FrameCost
    rom: RomSize
    macs: dict[str, int]
    lanes: int
    clock_hz: float | None

    @property
    def dense_macs(self) -> int:
        """Multiplications of a frame, zero weights counted."""
        return sum(self.macs.values())

    @property
    def frames_per_second(self) -> float | None:
        return self.clock_hz / self.cost.total if self.clock_hz else None

    @property
    def macs_per_lane_and_cycle(self) -> float:
        return self.dense_macs / (self.lanes * self.cost.total)

    @property
    def fits(self) -> bool:
        return all(line.fits for line in self.usage)

    @property
    def coding(self) -> str:
        """What fillers there are, and whose codes are not the best because they have to come in time, in words."""
        coded = [line for line in self.layers if line.codes]
        if not coded:
            return ""
        text = f"{sum(line.fillers for line in coded):,} of {sum(line.taps for line in coded):,} taps are fillers"
        if others := [line for line in coded if line.codes is Codes.SHORTENED]:
            text += ("; other codes than the best, so that two decoders get them in time: "
                     f"{_layers_in_words(others)}, {sum(line.extra_taps for line in others):,} taps more")
        if late := [line for line in coded if line.codes is Codes.LATE]:
            text += f"; codes that come late, which costs each tile a cycle or two: {_layers_in_words(late)}"
        return text


def _layers_in_words(lines: Sequence[LayerLine]) -> str:
    """The first of some layers, and how many there are beside them."""
    names = ", ".join(shortened(line.name, NAME_WIDTH) for line in lines[:NAMED])
    return names if len(lines) <= NAMED else f"{names} and {counted(len(lines) - NAMED, 'layer')} more"


def make_report(compiled: Compiled, board: Target | None = None, clock_hz: float | None = None) -> Report:
    """The report of a compiled network, on `board` if there is one."""
    contents, plan = compiled.program.contents, compiled.plan
    used = {"activation_words": max(plan.addresses[life.block] + life.words for life in plan.lives),
            "weight_words": len(contents.weights), "program_words": len(contents.program),
            "value_symbols": len(contents.values), "run_symbols": len(contents.runs)}
    return report_of(compiled.graph, plan, compiled.cfg, Coding(compiled.program.descriptors,
                                                                rom_size(compiled.program),
                                                                rom_shares(compiled.program), used), board, clock_hz)


@dataclass(frozen=True, eq=False)
class Coding:
    """A network in bits.

    Descriptors, ROM image, what each layer adds to that, and how many of each size of an engine it uses.
    """

    descriptors: Sequence[Descriptor]
    rom: RomSize
    shares: Sequence[RomSize]
    used: Mapping[str, int]


def report_of(graph: Graph, plan: Schedule, cfg: EngineConfig, coding: Coding, board: Target | None = None,
              clock_hz: float | None = None) -> Report:
    """The report of a network that was scheduled and coded, whether or not an engine holds it."""
    cost = frame_cost(plan.network, plan.steps, plan.wait_load, cfg,
                      encoded_layers(plan.network, coding.descriptors), plan.beside)
    sizes = {node.name: node.weight[0].size for node in graph.nodes if isinstance(node, Conv)}
    return Report(tuple(usage_of(cfg, coding.used, board)), tuple(_layer_lines(plan, cfg, coding, cost, sizes)), cost,
                  coding.rom, layer_macs(graph), cfg.multipliers, clock_hz or (board.clock_hz if board else None))


def usage_of(cfg: EngineConfig, used: Mapping[str, int], board: Target | None = None) -> Iterator[Usage]:
    """What is used of memories, block RAMs, multipliers and LUTs."""
    yield from memory_usage(cfg, used)
    needs = engine_resources(cfg, board.result_bytes) if board else engine_resources(cfg)
    device = board.device if board else None
    for name, blocks in needs.ebr.items():
        yield Usage(f"EBR: {name}", blocks, None)
    yield Usage("EBR", needs.ebr_total, device.ebr if device else None)
    yield Usage("DSP", needs.dsp, device.dsp if device else None)
    yield Usage("LUT (estimate)", needs.lut, device.lut if device else None)


def memory_usage(cfg: EngineConfig, used: Mapping[str, int]) -> Iterator[Usage]:
    """What is used of the engine's memories, of those of which it is known."""
    for size, name in MEMORIES.items():
        if size in used:
            yield Usage(name, used[size], getattr(cfg, size))


def _layer_lines(plan: Schedule, cfg: EngineConfig, coding: Coding, cost: FrameCost,
                 sizes: Mapping[str, int]) -> Iterator[LayerLine]:
    """All layers; `sizes`: weights of an output channel by the name of the convolution, as the network has them."""
    counts = np.bincount([step.layer for step in plan.steps], minlength=len(plan.network.layers)).tolist()
    tiles = Counter(layer for layer, _ in {(step.layer, step.first_row) for step in plan.steps})
    for number, (layer, descriptor) in enumerate(zip(plan.network.layers, coding.descriptors)):
        line = LayerLine(layer.name, layer.kind, counts[number], cost.layers[layer.name], coding.shares[number],
                         ideal=ideal_cycles(layer, cfg) * tiles[number])
        yield _with_taps(line, layer, descriptor.encoded, sizes) if isinstance(layer, TileLayer) else line


def _with_taps(line: LayerLine, layer: TileLayer, encoded: EncodedLayer | None,
               sizes: Mapping[str, int]) -> LayerLine:
    """`line` with the figures of a layer that runs as tiles.

    Weights are counted as the network has them: for the engine an image in blocks of 2 x 2 pixels adds zeros to them.
    """
    if layer.weights is None or encoded is None:
        return replace(line, taps=layer.channels_out * len(layer.places))
    nonzero = max(int(np.count_nonzero(layer.weights)), 1)
    own = sizes.get(whole_name(layer.name), 0) * layer.channels_out or layer.weights.size
    return replace(line, taps=int(encoded.taps.sum()), density=nonzero / own,
                   coded_bits=encoded.coded_bits, code_bits=encoded.coded_bits / nonzero,
                   weights=own, entropy_bits=encoded.entropy_bits, fillers=encoded.fillers, codes=encoded.codes,
                   extra_taps=encoded.extra_taps,
                   overhead=encoded.coded_bits / encoded.entropy_bits - 1 if encoded.entropy_bits else None)


def layer_macs(graph: Graph) -> dict[str, int]:
    """Multiplications of each convolution by the name of its node, zero weights included."""
    return {node.name: node.weight.size * graph.tensors[node.output].height * graph.tensors[node.output].width
            for node in graph.nodes if isinstance(node, Conv)}


def dense_macs(graph: Graph) -> int:
    """Multiplications of all convolutions."""
    return sum(layer_macs(graph).values())


def render(report: Report) -> Group:
    """The report for the terminal: the answer, what fits, and the layers."""
    title = f"Layers: {report.cost.total:,} cycles, {report.rom.bytes:,} bytes"
    return Group(Indented(_answer(report), 0, style="bold"), Indented(_summary(report), 0), "", _usage_table(report),
                 "", _rom_table(report.rom), "", layer_table(title, report))


def layer_table(title: str, report: Report) -> FittedTable:
    """The layers of a report."""
    return FittedTable(title, LAYER_COLUMNS, [_layer_row(line, report.cost.total) for line in report.layers])


def _layer_row(line: LayerLine, total: int) -> tuple[str, ...]:
    return (line.name, f"{line.cycles:,}", f"{line.cycles / total:.1%}",
            f"{line.coded_bits / 8:,.0f}" if line.coded_bits else "",
            "" if line.density is None else f"{line.density:.1%}",
            f"{line.code_bits:.2f}" if line.code_bits and line.density else "",
            f"{line.taps:,}" if line.taps else "", "" if line.overhead is None else f"{line.overhead:.1%}",
            f"{line.instructions}")


def _usage_table(report: Report) -> FittedTable:
    return FittedTable("What fits", USAGE_COLUMNS, [_usage_row(line) for line in report.usage])


def _usage_row(line: Usage) -> tuple[str | Text, ...]:
    if line.available is None:
        return line.name, f"{line.used:,}", "", "", ""
    return (line.name, f"{line.used:,}", f"{line.available:,}", f"{line.used / line.available:.0%}",
            "fits" if line.fits else Text(_too_many(line), "bold red"))


def _too_many(line: Usage) -> str:
    return f"{line.used - (line.available or 0):,} too many"


def _rom_table(rom: RomSize) -> FittedTable:
    rows = [(name, f"{count:,.0f}", f"{8 * count / max(rom.bits, 1):.1%}") for name, count in rom.bytes_by_kind.items()]
    return FittedTable("ROM image", ROM_COLUMNS, rows, total=("all", f"{rom.bytes:,}", ""))


def _answer(report: Report) -> str:
    """The answer, in a line."""
    short = [f"{line.name}: {_too_many(line)}" for line in report.usage if not line.fits]
    text = f"does not fit: {'; '.join(short)}" if short else f"fits: {report.cost.total:,} cycles a frame"
    if not short and report.clock_hz:
        text += f", {report.frames_per_second:,.1f} frames/s at {report.clock_hz / 1e6:g} MHz"
    return text if short else f"{text}, {report.rom.bytes:,} bytes of ROM"


def _summary(report: Report) -> str:
    text = (f"{report.cost.waiting:,} of {report.cost.total:,} cycles wait for the image; "
            f"{report.macs_per_lane_and_cycle:.2f} dense multiplications per multiplier and cycle")
    if report.clock_hz and not report.fits:
        text += f"; {report.frames_per_second:,.1f} frames/s at {report.clock_hz / 1e6:g} MHz if there were room"
    return "\n".join(filter(None, [text, report.coding]))
