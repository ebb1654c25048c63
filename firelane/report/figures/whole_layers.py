"""Layers as a reader knows them: the parts into which the compiler may have cut one count together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

from firelane.compiler.fit.report import LayerLine
from firelane.compiler.program.rom_size import RomSize
from firelane.sim.judge.layer_cycles import whole_name

BYTE_BITS = 8


@dataclass(frozen=True)
class WholeLayer:
    """A layer in numbers; see `compiler.fit.report.LayerLine`.

    `nonzero`: weights that are not zero; `streamed_bits`: what all its instructions of a frame read of its weights;
    `macs`: multiplications of a frame, zero weights counted.
    """

    name: str
    kind: str
    instructions: int
    cycles: int
    ideal: int
    weights: int
    nonzero: int
    coded_bits: int
    entropy_bits: float
    streamed_bits: int
    rom: RomSize
    macs: int

    @property
    def density(self) -> float | None:
        """Share of the weights that are not zero; None without weights."""
        return self.nonzero / self.weights if self.weights else None

    @property
    def code_bits(self) -> float | None:
        """Bits a weight that is not zero; None without weights."""
        return self.coded_bits / max(self.nonzero, 1) if self.weights else None


def whole_layers(lines: Sequence[LayerLine], macs: Mapping[str, int]) -> list[WholeLayer]:
    """All layers in their order; `macs` by name, as `compiler.fit.report.Report` has them."""
    parts: dict[str, list[LayerLine]] = {}
    for line in lines:
        parts.setdefault(whole_name(line.name), []).append(line)
    return [_together(name, together, macs.get(name, 0)) for name, together in parts.items()]


def _together(name: str, lines: Sequence[LayerLine], macs: int) -> WholeLayer:
    return WholeLayer(
        name=name, kind=lines[0].kind, instructions=sum(line.instructions for line in lines),
        cycles=sum(line.cycles for line in lines), ideal=sum(line.ideal for line in lines),
        weights=sum(line.weights for line in lines),
        nonzero=sum(round((line.density or 0) * line.weights) for line in lines),
        coded_bits=sum(line.coded_bits for line in lines), entropy_bits=sum(line.entropy_bits for line in lines),
        streamed_bits=sum(line.coded_bits * line.instructions for line in lines),
        rom=RomSize(*map(sum, zip(*(astuple(line.rom) for line in lines)))), macs=macs)
