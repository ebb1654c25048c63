"""Finds where the memory of an engine first differs from the reference, and says it: layer, channel, row, column.

    tensors = reference.run(graph, image)
    difference = first_difference(tensor_parts(program), tensors, frame.trace, program.cfg)

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
class TensorPart:
    """What one instruction makes: rows of some channels of a tensor, and where they are stored.

    Channels [channel, channel + channels) and rows [row, row + rows) of `tensor`, `width` columns, are stored in
    words `address` .. from word row `word_row` on, in rows of 2**parts_log2 banks from column `first_column` on. With
    `split`, tensor pixel (y, x, c) is stored as pixel (y div 2, x div 2) of channel (2 (y mod 2) + x mod 2) * C + c,
    `pad` where there is none; row and rows count halved rows. `loaded`: made by a LOAD, whose writes a Verilog trace
    does not show.
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
    first_column: int = 0
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


def tensor_parts(program: Program) -> dict[int, TensorPart]:
    """What each instruction that writes a tensor of the graph makes, by its program word.

    Instructions whose result is no tensor of the graph (a step between, channel sums) are left out.
    """
    layers = {layer.name: layer for layer in program.network.layers}
    found = ((note, _tensor_part(note, layers[note.layer], program.network)) for note in program.notes)
    return {note.address: part for note, part in found if part is not None}


def _tensor_part(note: InstructionNote, layer, network: TiledNetwork) -> TensorPart | None:
    view: View | None = getattr(layer, "output", None)
    if note.opcode is Opcode.OUTPUT or view is None:
        return None
    named = _tensor_of(view, network)
    if named is None:
        return None
    tensor, channel = named
    target = network.maps[view.map]
    width = layer.out_width if isinstance(layer, TileLayer) else target.width
    part = TensorPart(note.address, layer.name, tensor, channel, view.channels, note.first_row, note.rows, width,
                      note.words, note.row, target.parts_log2, target.first_column)
    if isinstance(layer, LoadLayer):
        return replace(part, loaded=True, split=layer.space_to_depth, pad=layer.pad)
    return part


def _tensor_of(view: View, network: TiledNetwork) -> tuple[str, int] | None:
    """The smallest tensor of the graph that `view` is a part of, and the first channel of the part."""
    view = network.origin(view)
    holders = [(found.channels, name, view.channel - found.channel) for name, found in network.tensors.items()
               if found.map == view.map and found.channel <= view.channel
               and view.channel + view.channels <= found.channel + found.channels]
    return min(holders)[1:] if holders else None


def expected_pixels(part: TensorPart, tensors: Mapping[str, np.ndarray]) -> np.ndarray:
    """uint8 (channels, rows, width) of a part, from the reference's tensors."""
    values = tensors[part.tensor]
    if part.split:
        even = np.pad(values, ((0, 0), (0, values.shape[1] % 2), (0, values.shape[2] % 2)), constant_values=part.pad)
        values = np.concatenate([even[:, y::2, x::2] for y in (0, 1) for x in (0, 1)])
    return values[part.channel:part.channel + part.channels, part.row:part.row + part.rows, :part.width]


def written_pixels(part: TensorPart, writes: Writes, cfg: EngineConfig) -> tuple[np.ndarray, np.ndarray]:
    """The contents of the part after `writes`: (uint8, bool "was written"), (channels, rows, width) each."""
    shape = (part.channels, cfg.banks, BANK_PIXELS)
    values, written = np.zeros(shape, np.uint8), np.zeros(shape, bool)
    inside = (writes.address >= part.address) & (writes.address < part.address + part.channels)
    mine = Writes(writes.address[inside] - part.address, writes.bank[inside], writes.enable[inside],
                  writes.data[inside])
    mine.apply(values)
    Writes(mine.address, mine.bank, mine.enable, np.ones_like(mine.data)).apply(written)
    rows = cfg.banks >> part.parts_log2
    place = np.s_[:, part.word_row:part.word_row + part.rows, part.first_column:part.first_column + part.width]
    return word_rows(values, rows)[place], word_rows(written, rows)[place]


def first_difference(where: Mapping[int, TensorPart], tensors: Mapping[str, np.ndarray], steps: Iterable[Step],
                     cfg: EngineConfig) -> Difference | None:
    """The first pixel, in program order, that an instruction wrote wrong or not at all.

    Parameters
    ----------
    where : from `tensor_parts`
    tensors : tensor name -> uint8 (C, H, W)
        From `sim.reference.run`.
    steps : instructions of one frame as they ran
    """
    for pc, writes in steps:
        part = where.get(pc)
        if part is not None and not (part.loaded and not len(writes)):
            found = _difference(part, expected_pixels(part, tensors), *written_pixels(part, writes, cfg))
            if found is not None:
                return found
    return None


def _difference(part: TensorPart, expected: np.ndarray, got: np.ndarray, written: np.ndarray) -> Difference | None:
    if expected.shape != got.shape:
        raise ValueError(f"layer {part.layer}: the reference has {expected.shape} pixels, the engine {got.shape}")
    wrong = ~written | (got != expected)
    if not wrong.any():
        return None
    channel, row, column = place = tuple(int(axis) for axis in np.argwhere(wrong)[0])
    channel, row = channel + part.channel, row + part.row
    if part.split:
        phase, channel = divmod(channel, part.channels // 4)
        row, column = 2 * row + phase // 2, 2 * column + phase % 2
    return Difference(part.pc, part.layer, part.tensor, channel, row, column, int(expected[place]),
                      int(got[place]) if written[place] else None, int(wrong.sum()), wrong.size)
