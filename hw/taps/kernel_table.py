"""Two kernel tables, of the layer at work and of the next: moves, slots and weight of each kernel place."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.ports import TABLE_WRITES
from firelane.hw.contract.config import MAX_KERNEL_TAPS, MEMORY_BITS
from firelane.hw.contract.instruction import KERNEL_BITS, KERNEL_ENTRY, KERNEL_ENTRY_BITS

PAIR = data.ArrayLayout(KERNEL_ENTRY_BITS, 2)


class KernelTable(wiring.Component):
    """Two tables of up to 64 kernel entries in distributed memory, two a word.

    Latency     1 cycle from `place` to `entry`.
    Throughput  1 entry a cycle, or 2.

    Parameters
    ----------
    readers : int
        1, or 2 that read the same table.

    Members
    -------
    write : In(TABLE_WRITES), write_table : In(1)
        Entries 2 * index and 2 * index + 1 of a table, low half first. Not while taps are made from it.
    table : In(1)
        The one that is read.
    place : In(6)
    entry : Out(KERNEL_ENTRY)
    second_place, second_entry
        The same of the second reader.
    """

    def __init__(self, readers: int = 1):
        self._prefixes = ("", "second_")[:readers]
        super().__init__({"write": In(TABLE_WRITES), "write_table": In(1), "table": In(1),
                          **{f"{prefix}place": In(KERNEL_BITS) for prefix in self._prefixes},
                          **{f"{prefix}entry": Out(KERNEL_ENTRY) for prefix in self._prefixes}})

    def elaborate(self, platform):
        m = Module()
        m.submodules.table = table = memory.Memory(
            shape=MEMORY_BITS, depth=MAX_KERNEL_TAPS, init=[], attrs={"ram_style": "distributed"})
        readers, writer = [table.read_port(domain="comb") for _ in self._prefixes], table.write_port()
        for number, (prefix, reader) in enumerate(zip(self._prefixes, readers)):
            pair = data.View(PAIR, reader.data)
            place = getattr(self, f"{prefix}place")
            entry = Signal(KERNEL_ENTRY, name=f"{prefix}entry", reset_less=True)
            m.d.comb += reader.addr.eq(Cat(place[1:], self.table))
            if number == 0:
                m.d.comb += [
                    writer.addr.eq(Cat(self.write.payload.index, self.write_table)),
                    writer.data.eq(self.write.payload.data),
                    writer.en.eq(self.write.valid),
                ]
            m.d.comb += getattr(self, f"{prefix}entry").eq(entry)
            m.d.sync += entry.eq(Mux(place[0], pair[1], pair[0])[:KERNEL_ENTRY.size])
        return m
