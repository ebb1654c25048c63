"""What a network has to do for a frame, whatever the engine: the least that it takes on any.

It is for networks that cannot be scheduled: rows that are longer than an engine has lanes, or so many weights that it
would take minutes to code them and change nothing. A layer takes at least a cycle a tap, and as many as it takes to
drain an output channel, for each pass of its pixels over the lanes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from firelane.compiler.coding.parameter_form import store_parameters
from firelane.compiler.coding.prefix_code import entropy_bits
from firelane.compiler.coding.weight_code import encode_layer
from firelane.compiler.fit.report import LayerLine, Report, usage_of
from firelane.compiler.ir.graph import AveragePool, Conv, Graph, MaxPool
from firelane.compiler.lower.widths import too_wide
from firelane.compiler.program.rom_size import RomSize
from firelane.compiler.schedule.cost_model import FrameCost
from firelane.compiler.support.errors import FirelaneError
from firelane.hw.contract.config import MEMORY_BITS, WEIGHT_BITS, EngineConfig
from firelane.hw.contract.instruction import CODE_WORDS, RUN_ENTRY_BITS

MOST_CODED = 1 << 24        #: weights that are coded; of more, the entropy is taken
PARAMETER_BITS = 45         #: of bias, multiplier and shift of a channel, where they are not coded either
STEP = 1 << 22             #: weights that are counted at a time
NOTHING = RomSize(0, 0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Work:
    """What one layer has to do.

    Parameters
    ----------
    name : str
    taps : numpy.ndarray
        int64 (O,): of each output channel.
    rows, columns : int
        Rows of its output, and lanes that each takes: more than it has pixels if the engine halves the result.
    macs : int
        Multiplications of a frame, zero weights counted.
    weights, nonzero : int
        All weights, and those that are not zero; 0 for windows.
    rom : RomSize
    entropy_bits : float
    halved_maximum : tuple of int
        The window of a maximum with a stride of 2; else nothing.
    """

    name: str
    taps: np.ndarray
    rows: int
    columns: int
    macs: int = 0
    weights: int = 0
    nonzero: int = 0
    rom: RomSize = NOTHING
    entropy_bits: float = 0.0
    halved_maximum: tuple[int, ...] = ()

    def passes(self, cfg: EngineConfig) -> int:
        """How often the lanes are filled with its pixels."""
        return -(-self.rows * self.columns // cfg.lanes)

    def line(self, cfg: EngineConfig) -> LayerLine:
        """The layer in numbers, all of them at least."""
        passes, coded = self.passes(cfg), self.rom.values + self.rom.runs
        taps, at_once = self.taps, cfg.taps_per_cycle if self.weights else 1
        blocks = cfg.merges_blocks and min(self.halved_maximum, default=1) > 1
        if blocks:
            taps = np.full(len(taps), math.prod(size - 1 for size in self.halved_maximum))
        channels = np.maximum(-(-taps // at_once), cfg.block_cycles if blocks else cfg.drain_cycles)
        count = int(taps.sum())
        return LayerLine(
            self.name, "tile", passes, passes * int(channels.sum()), self.rom, taps=count,
            ideal=passes * -(-count // at_once), weights=self.weights, coded_bits=coded, entropy_bits=self.entropy_bits,
            density=self.nonzero / self.weights if self.weights else None,
            code_bits=coded / max(self.nonzero, 1) if self.weights else None,
            overhead=coded / self.entropy_bits - 1 if self.entropy_bits else None)


@dataclass(frozen=True, eq=False)
class Workload:
    """The layers of a network, in its order."""

    layers: tuple[Work, ...]

    @property
    def weights(self) -> int:
        """All of them, zeros included."""
        return sum(layer.weights for layer in self.layers)

    @property
    def nonzero(self) -> int:
        return sum(layer.nonzero for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiplications of a frame, zeros included."""
        return sum(layer.macs for layer in self.layers)

    @property
    def weight_words(self) -> int:
        """Words of weight memory, at least."""
        return sum(-(-bits // MEMORY_BITS) for layer in self.layers
                   for bits in (layer.rom.values, layer.rom.runs, layer.rom.parameters))

    def report(self, cfg: EngineConfig) -> Report:
        """What an engine takes for it at least, if it could do it at all."""
        lines = tuple(layer.line(cfg) for layer in self.layers)
        rom = RomSize(*(sum(getattr(layer.rom, kind) for layer in self.layers)
                        for kind in ("values", "runs", "parameters", "padding", "tables")))
        cost = FrameCost({line.name: line.cycles for line in lines}, 0, 0, ())
        return Report(tuple(usage_of(cfg, {"weight_words": self.weight_words})), lines, cost, rom,
                      {layer.name: layer.macs for layer in self.layers if layer.macs}, cfg.multipliers, None)

    def too_wide(self, cfg: EngineConfig) -> tuple[FirelaneError, ...]:
        """The layers whose rows are longer than the engine has lanes."""
        return tuple(too_wide(f"node '{layer.name}'", layer.columns, cfg) for layer in self.layers
                     if layer.columns > cfg.lanes)


def workload(graph: Graph, cfg: EngineConfig) -> Workload:
    """What the network has to do; bits of parameters are those of `cfg`, whose other sizes do not matter."""
    return Workload(tuple(_works(graph, cfg)))


def _works(graph: Graph, cfg: EngineConfig) -> Iterator[Work]:
    for node in graph.nodes:
        if not isinstance(node, Conv | MaxPool | AveragePool):
            continue
        output, halves = graph.tensors[node.output], node.inputs[0] != graph.input
        rows, columns = output.height, lanes_of(output.width, node.window.stride[1] if halves else 1)
        if isinstance(node, Conv):
            parameters = len(store_parameters(node.requantize, len(node.weight), cfg, node.name).bits)
            yield weighted(node.name, node.weight, (rows, columns), output.height * output.width, parameters)
        else:
            halved = isinstance(node, MaxPool) and node.window.stride == (2, 2)
            yield Work(node.name, np.full(output.channels, math.prod(node.window.kernel)), rows, columns,
                       halved_maximum=node.window.kernel if halved else ())


def lanes_of(size: int, stride: int) -> int:
    """Lanes of a row of `size` results, of which the engine keeps one in `stride`."""
    return stride * (size - 1) + 1


def weighted(name: str, weight: np.ndarray, lanes: tuple[int, int], pixels: int, parameter_bits: int) -> Work:
    """A layer with weights, int8 (O, I, ...), making `pixels` of each channel in rows and columns of lanes."""
    taps = np.count_nonzero(weight.reshape(len(weight), -1), axis=1)
    nonzero = int(taps.sum())
    if weight.size <= MOST_CODED:
        encoded = encode_layer(weight.reshape(*weight.shape[:2], -1))
        tables = (len(encoded.value_table) * WEIGHT_BITS + len(encoded.run_table) * RUN_ENTRY_BITS
                  + CODE_WORDS * MEMORY_BITS)
        rom = RomSize(encoded.value_size, encoded.run_size, parameter_bits, 0, tables)
        entropy = encoded.entropy_bits
    else:
        entropy = entropy_bits(_counts(weight.reshape(-1).view(np.uint8)))
        rom = RomSize(math.ceil(entropy), 0, parameter_bits, 0, 0)
    return Work(name, np.maximum(taps, 1), *lanes, macs=weight.size * pixels, weights=weight.size, nonzero=nonzero,
                rom=rom, entropy_bits=entropy)


def _counts(values: np.ndarray) -> np.ndarray:
    """How often each byte occurs; in parts, because NumPy makes numbers of 8 bytes to count them."""
    return sum((np.bincount(values[first:first + STEP], minlength=1 << WEIGHT_BITS)
                for first in range(0, len(values), STEP)), np.zeros(1 << WEIGHT_BITS, np.int64))
