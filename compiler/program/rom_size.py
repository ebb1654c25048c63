"""The size of the ROM image of a network: what its weights, biases and code tables take, to the bit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from firelane.compiler.coding.weight_memory import StreamKind, WeightStream
from firelane.compiler.program.coded import CodedNetwork
from firelane.compiler.program.descriptors import Descriptor
from firelane.compiler.program.emit import Program
from firelane.hw.contract.config import MEMORY_BITS, WEIGHT_BITS
from firelane.hw.contract.instruction import CODE_WORDS, RUN_ENTRY_BITS


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
        """The size of the whole."""
        return sum(asdict(self).values())

    @property
    def bytes_by_kind(self) -> dict[str, float]:
        """What each of the fields takes, in bytes and eighths of them."""
        return {name: bits / 8 for name, bits in asdict(self).items()}

    @property
    def bytes(self) -> int:
        """The size of the whole, rounded up: the figure to compare with a budget."""
        return -(-self.bits // 8)


def rom_size(program: Program) -> RomSize:
    """The size for an emitted program. What layers share counts once."""
    return size_of(program.streams, program.descriptors, weight_words=len(program.contents.weights),
                   value_entries=len(program.contents.values), run_entries=len(program.contents.runs))


def coded_size(coded: CodedNetwork) -> RomSize:
    """The size for a network that may be too large for any program."""
    memories = coded.memories
    return size_of(memories.weights.streams, coded.descriptors, weight_words=len(memories.weights.words),
                   value_entries=len(memories.values.entries), run_entries=len(memories.runs.entries))


def rom_shares(program: Program) -> list[RomSize]:
    """What each layer of an emitted program adds to its ROM image; the sum is `rom_size`."""
    return shares_of(program.streams, program.descriptors)


def coded_shares(coded: CodedNetwork) -> list[RomSize]:
    """What each layer adds in a network that may be too large for any program."""
    return shares_of(coded.memories.weights.streams, coded.descriptors)


def shares_of(streams: Iterable[WeightStream], descriptors: Iterable[Descriptor]) -> list[RomSize]:
    """What each descriptor adds to the ROM image: what one before it has stored already counts there alone."""
    left = {stream.address: stream for stream in streams}
    values: set[int] = set()
    runs: set[int] = set()
    coded: set[tuple] = set()
    found = []
    for descriptor in descriptors:
        own = [left.pop(address) for address in descriptor.stream_addresses if address in left]
        bits = dict.fromkeys((kind.value for kind in StreamKind), 0)
        for stream in own:
            bits[stream.kind.value] += stream.bits
        tables = 0
        if descriptor.encoded:
            tables += _new(values, descriptor, "value_table", descriptor.encoded.value_table) * WEIGHT_BITS
            tables += _new(runs, descriptor, "run_table", descriptor.encoded.run_table) * RUN_ENTRY_BITS
            tables += 0 if descriptor.key in coded else CODE_WORDS * MEMORY_BITS
            coded.add(descriptor.key)
        found.append(RomSize(**bits, padding=sum(-stream.bits % MEMORY_BITS for stream in own), tables=tables))
    return found


def _new(known: set[int], descriptor: Descriptor, field: str, table: tuple[int, ...]) -> int:
    """How many entries of the descriptor's `table` are not `known`; then they are."""
    first = descriptor.number(field)
    entries = set(range(first, first + len(table))) - known
    known |= entries
    return len(entries)


def size_of(streams: Iterable[WeightStream], descriptors: Iterable[Descriptor], *, weight_words: int,
            value_entries: int, run_entries: int) -> RomSize:
    """The size for memories with so many words and entries, and for the descriptors that point to them."""
    bits = dict.fromkeys((kind.value for kind in StreamKind), 0)
    for stream in streams:
        bits[stream.kind.value] += stream.bits
    coded = {descriptor.key for descriptor in descriptors if descriptor.encoded}
    tables = value_entries * WEIGHT_BITS + run_entries * RUN_ENTRY_BITS + len(coded) * CODE_WORDS * MEMORY_BITS
    return RomSize(**bits, padding=weight_words * MEMORY_BITS - sum(bits.values()), tables=tables)
