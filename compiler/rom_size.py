"""The size of the ROM image of a network: what its weights, biases and code tables take, to the bit."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from compiler.program import Program
from compiler.weight_memory import StreamKind
from hw.config import MEMORY_BITS, WEIGHT_BITS
from hw.instruction import CODE_WORDS, RUN_ENTRY_BITS


@dataclass(frozen=True)
class RomSize:
    """Bits in the weight memory, in the symbol tables and in the code words of the descriptors.

    `values`, `runs`, `parameters`: streams; `padding`: from the end of a stream to the next word; `tables`: value
    entries (8 bits), run entries (17) and code words (36). Instructions and the rest of the descriptors do not count.
    """

    values: int
    runs: int
    parameters: int
    padding: int
    tables: int

    @property
    def bits(self) -> int:
        return sum(asdict(self).values())

    @property
    def bytes(self) -> int:
        """Of the whole, rounded up: the figure to compare with a budget."""
        return -(-self.bits // 8)


def rom_size(program: Program) -> RomSize:
    """Of an emitted program. What layers share counts once."""
    streams = {kind.value: sum(stream.bits for stream in program.streams if stream.kind is kind)
               for kind in StreamKind}
    coded = {address for address, descriptor in zip(program.descriptor_addresses, program.descriptors)
             if descriptor.encoded}
    tables = (len(program.values) * WEIGHT_BITS + len(program.runs) * RUN_ENTRY_BITS
              + len(coded) * CODE_WORDS * MEMORY_BITS)
    return RomSize(**streams, padding=len(program.weights) * MEMORY_BITS - sum(streams.values()), tables=tables)
