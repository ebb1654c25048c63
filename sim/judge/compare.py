"""Finds where the memory of an engine first differs from the reference, and says it: layer, channel, row, column.

    tensors = reference.run(graph, image)
    difference = first_difference(regions(program), tensors, frame.trace, program.cfg)

Whatever ran the program, the emulator or the Verilog, it gives the same steps: the program word of each instruction
and its writes to the activation memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from firelane.compiler.program.emit import InstructionNote, Program
from firelane.compiler.tiles.layers import LoadLayer, TiledNetwork, TileLayer, View
from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from firelane.hw.contract.instruction import Opcode
from firelane.sim.emulator import Writes
from firelane.sim.emulator.memory import word_rows

Step = tuple[int, Writes]
"""Program word of an instruction, and what it wrote."""


@dataclass(frozen=True)
class Region:
    """What one instruction makes: rows of some channels of a tensor, and where they are stored.

    Channels [channel, channel + channels) and rows [row, row + rows) of `tensor`, `width` columns, are stored in
    words `address` .. from word row `word_row` on, in rows of 2**parts_log2 banks. With `split`, tensor pixel (y, x, c)
    is stored as pixel (y div 2, x div 2) of channel (2 (y mod 2) + x mod 2) * C + c, `pad` where there is none; row and
    rows count halved rows. `loaded`: made by a LOAD, whose writes a Verilog trace does not show.
    """

    pc: int
    layer: str
    tensor: str
    channel: int
    channels: int
    row: int
    rows: int
    width: int
    address: int
    word_row: int
    parts_log2: int
    loaded: bool = False
    split: bool = False
    pad: int = 0


@dataclass(frozen=True)
class Difference:
    """The first pixel that is not what the reference says; `got` is None if it was never written."""

    pc: int
    layer: str
    tensor: str
    channel: int
    row: int
    column: int
    expected: int
    got: int | None
    count: int          #: pixels that differ in the same instruction
    total: int          #: pixels that the instruction makes

    def __str__(self) -> str:
        got = "it was not written" if self.got is None else f"got {self.got}"
        return (f"layer {self.layer} (instruction at word {self.pc}), tensor {self.tensor}, channel {self.channel}, "
                f"row {self.row}, column {self.column}: expected {self.expected}, {got} "
                f"({self.count} of {self.total} pixels of this instruction differ)")


def regions(program: Program) -> dict[int, Region]:
    """What each instruction that writes a tensor of the graph makes, by its program word.

    Instructions whose result is no tensor of the graph (a step between, channel sums) are left out.
    """
    layers = {layer.name: layer for layer in program.network.layers}
    found = ((note, _region(note, layers[note.layer], program.network)) for note in program.notes)
    return {note.address: region for note, region in found if region is not None}


def _region(note: InstructionNote, layer, network: TiledNetwork) -> Region | None:
    view: View | None = getattr(layer, "output", None)
    if note.opcode is Opcode.OUTPUT or view is None:
        return None
    named = _tensor_of(view, network)
    if named is None:
        return None
    tensor, channel = named
    target = network.maps[view.map]
    width = layer.out_width if isinstance(layer, TileLayer) else target.width
    region = Region(note.address, layer.name, tensor, channel, view.channels, note.first_row, note.rows, width,
                    note.words, note.row, target.parts_log2)
    if isinstance(layer, LoadLayer):
        return replace(region, loaded=True, split=layer.space_to_depth, pad=layer.pad)
    return region


def _tensor_of(view: View, network: TiledNetwork) -> tuple[str, int] | None:
    """The smallest tensor of the graph that `view` is a part of, and the first channel of the part."""
    view = network.origin(view)
    holders = [(found.channels, name, view.channel - found.channel) for name, found in network.tensors.items()
               if found.map == view.map and found.channel <= view.channel
               and view.channel + view.channels <= found.channel + found.channels]
    return min(holders)[1:] if holders else None


def expected_pixels(region: Region, tensors: Mapping[str, np.ndarray]) -> np.ndarray:
    """uint8 (channels, rows, width) of a region, from the reference's tensors."""
    values = tensors[region.tensor]
    if region.split:
        even = np.pad(values, ((0, 0), (0, values.shape[1] % 2), (0, values.shape[2] % 2)), constant_values=region.pad)
        values = np.concatenate([even[:, y::2, x::2] for y in (0, 1) for x in (0, 1)])
    return values[region.channel:region.channel + region.channels, region.row:region.row + region.rows, :region.width]


def written_pixels(region: Region, writes: Writes, cfg: EngineConfig) -> tuple[np.ndarray, np.ndarray]:
    """The contents of the region after `writes`: (uint8, bool "was written"), (channels, rows, width) each."""
    shape = (region.channels, cfg.banks, BANK_PIXELS)
    values, written = np.zeros(shape, np.uint8), np.zeros(shape, bool)
    inside = (writes.address >= region.address) & (writes.address < region.address + region.channels)
    mine = Writes(writes.address[inside] - region.address, writes.bank[inside], writes.enable[inside],
                  writes.data[inside])
    mine.apply(values)
    Writes(mine.address, mine.bank, mine.enable, np.ones_like(mine.data)).apply(written)
    rows = cfg.banks >> region.parts_log2
    place = np.s_[:, region.word_row:region.word_row + region.rows, :region.width]
    return word_rows(values, rows)[place], word_rows(written, rows)[place]


def first_difference(where: Mapping[int, Region], tensors: Mapping[str, np.ndarray], steps: Iterable[Step],
                     cfg: EngineConfig) -> Difference | None:
    """The first pixel, in program order, that an instruction wrote wrong or not at all.

    Parameters
    ----------
    where : from `regions`
    tensors : tensor name -> uint8 (C, H, W)
        From `sim.reference.run`.
    steps : instructions of one frame as they ran
    """
    for pc, writes in steps:
        region = where.get(pc)
        if region is not None and not (region.loaded and not len(writes)):
            found = _difference(region, expected_pixels(region, tensors), *written_pixels(region, writes, cfg))
            if found is not None:
                return found
    return None


def _difference(region: Region, expected: np.ndarray, got: np.ndarray, written: np.ndarray) -> Difference | None:
    if expected.shape != got.shape:
        raise ValueError(f"layer {region.layer}: the reference has {expected.shape} pixels, the engine {got.shape}")
    wrong = ~written | (got != expected)
    if not wrong.any():
        return None
    channel, row, column = place = tuple(int(axis) for axis in np.argwhere(wrong)[0])
    channel, row = channel + region.channel, row + region.row
    if region.split:
        phase, channel = divmod(channel, region.channels // 4)
        row, column = 2 * row + phase // 2, 2 * column + phase % 2
    return Difference(region.pc, region.layer, region.tensor, channel, row, column, int(expected[place]),
                      int(got[place]) if written[place] else None, int(wrong.sum()), wrong.size)
