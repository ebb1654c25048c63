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
    Throughput  1 entry a cycle.

    Members
    -------
    write : In(TABLE_WRITES), write_table : In(1)
        Entries 2 * index and 2 * index + 1 of a table, low half first. Not while taps are made from it.
    table : In(1)
        The one that is read.
    place : In(6)
    entry : Out(KERNEL_ENTRY)
    """

    def __init__(self):
        super().__init__({"write": In(TABLE_WRITES), "write_table": In(1), "table": In(1), "place": In(KERNEL_BITS),
                          "entry": Out(KERNEL_ENTRY)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.table = table = memory.Memory(
            shape=MEMORY_BITS, depth=MAX_KERNEL_TAPS, init=[], attrs={"ram_style": "distributed"})
        reader, writer = table.read_port(domain="comb"), table.write_port()
        pair = data.View(PAIR, reader.data)
        entry = Signal(KERNEL_ENTRY, reset_less=True)
        m.d.comb += [
            reader.addr.eq(Cat(self.place[1:], self.table)),
            writer.addr.eq(Cat(self.write.payload.index, self.write_table)),
            writer.data.eq(self.write.payload.data),
            writer.en.eq(self.write.valid),
            self.entry.eq(entry),
        ]
        m.d.sync += entry.eq(Mux(self.place[0], pair[1], pair[0])[:KERNEL_ENTRY.size])
        return m
