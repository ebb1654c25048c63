"""What each layer of a network costs: ideal, predicted, measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from firelane.compiler.fit.report import layer_macs
from firelane.compiler.ir.graph import Graph
from firelane.compiler.program.emit import Program
from firelane.compiler.schedule.cost_model import ideal_cycles, layer_taps
from firelane.compiler.tiles.layers import Layer
from firelane.compiler.tiles.slicing import whole_name
from firelane.sim.emulator import InstructionCycles
from firelane.sim.verilog.run import Outcome


@dataclass(frozen=True, kw_only=True)
class LayerCycles:
    """One layer of one frame; the parts into which the compiler may have cut it count together.

    Parameters
    ----------
    name : str
    kind : str
        The instruction that runs it.
    instructions : int
        How many it took: tiles, loads, ...
    tiles : int
        How many tiles it takes at least; more instructions are tiles that are computed again.
    taps : int
        Taps of one tile: weights that are not zero, or places of a window times channels.
    convolution : bool
        Whether the taps have weights of their own.
    ideal : int
        Cycles if each tap of each tile took one (or two taps, where the engine takes two) and nothing else took any.
    measured, predicted : int
        Cycles in the Verilog and by the emulator.
    macs : int
        Dense multiply-accumulates of the layer: what an engine that cannot skip zeros has to do.
    """

    name: str
    kind: str
    instructions: int
    tiles: int
    taps: int
    convolution: bool
    ideal: int
    measured: int
    predicted: int
    macs: int

    @property
    def error(self) -> float:
        """The error of the prediction, as a share of what was measured."""
        return (self.predicted - self.measured) / max(self.measured, 1)


def instruction_cycles(outcome: Outcome, count: int, frame: int = 0) -> list[int]:
    """Cycles of the `count` instructions of a frame, in program order.

    An instruction's cycles begin with the end of the one before, so fetch and waiting are included; those of the first
    one, whose fetch begins unseen, with its start.
    """
    tiles = outcome.tiles[frame * count:(frame + 1) * count]
    ends = [tile.done for tile in tiles]
    return [end - begin for begin, end in zip([tiles[0].start, *ends], ends, strict=False)]


def layer_cycles(graph: Graph, program: Program, measured: Sequence[int],
                 predicted: Sequence[InstructionCycles]) -> list[LayerCycles]:
    """Cycles by layer, in the order of the network's layers; `measured` and `predicted` by instruction."""
    macs = layer_macs(graph)
    parts: dict[str, list[Layer]] = {}
    for layer in program.network.layers:
        parts.setdefault(whole_name(layer.name), []).append(layer)
    return [_together(name, layers, program, measured, predicted, macs.get(name, 0)) for name, layers in parts.items()]


def _together(name: str, layers: Sequence[Layer], program: Program, measured: Sequence[int],
              predicted: Sequence[InstructionCycles], macs: int) -> LayerCycles:
    """The row of a layer from its parts."""
    names = {layer.name for layer in layers}
    notes = [(number, note) for number, note in enumerate(program.notes) if note.layer in names]
    different = {(note.layer, note.first_row) for _, note in notes}
    tiles = {layer.name: sum(layer.name == part for part, _ in different) for layer in layers}
    return LayerCycles(
        name=name, kind=notes[0][1].opcode.name, instructions=len(notes), tiles=max(tiles.values()),
        taps=sum(layer_taps(layer) for layer in layers), convolution=getattr(layers[0], "weights", None) is not None,
        ideal=sum(ideal_cycles(layer, program.cfg) * tiles[layer.name] for layer in layers),
        measured=sum(measured[number] for number, _ in notes),
        predicted=sum(predicted[number].end - predicted[number].start for number, _ in notes), macs=macs)
