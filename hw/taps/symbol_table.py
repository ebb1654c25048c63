"""A table from symbols to the values that they code: one block RAM that all layers share."""

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import MEMORY_WRITE
from firelane.hw.blocks.ports import MEMORY_WRITES
from firelane.hw.contract.config import MAX_CODE_BITS, bits_for
from firelane.hw.contract.instruction import TABLE_BITS


class SymbolTable(wiring.Component):
    """Memory of entries, addressed by a layer's base and a symbol, or by the scanner.

    Latency     TABLE_READ_CYCLES from `symbol` or `scan_address` to `entry`.
    Throughput  1 entry a cycle.
    Limits      a read while the entry is written gives either value; addresses wrap at the depth's next power of two.

    Parameters
    ----------
    width, depth : int
        Bits of an entry, and number of entries.
    init : sequence of int
        First entries at configuration, as unsigned numbers; the rest is 0.

    Members
    -------
    base : In(12)
        First entry of the layer.
    symbol : In(8)
    scan : In(1)
        Read `scan_address` instead of `base + symbol`.
    scan_address : In(18)
    entry : Out(width)
    write : In(MEMORY_WRITES)
    """

    def __init__(self, *, width: int, depth: int, init: Sequence[int] = ()):
        if len(init) > depth:
            raise ValueError(f"the image has {len(init)} entries, the table {depth}")
        self._width, self._depth = width, depth
        self._init = [int(entry) for entry in init]
        super().__init__({"base": In(TABLE_BITS), "symbol": In(MAX_CODE_BITS), "scan": In(1),
                          "scan_address": In(18), "entry": Out(width),
                          "write": In(MEMORY_WRITES)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.table = table = memory.Memory(
            shape=self._width, depth=self._depth, init=self._init, attrs={"ram_style": "block", "no_rw_check": 1})
        reader, writer = table.read_port(domain="comb"), table.write_port()     # see WeightMemory for `comb`
        address = Signal(bits_for(self._depth), reset_less=True)
        word = Signal(self._width, reset_less=True)
        entry = Signal(self._width, reset_less=True)
        m.d.sync += [
            address.eq(Mux(self.scan, self.scan_address, self.base + self.symbol)),
            word.eq(reader.data),
            entry.eq(word),
        ]
        write_valid = Signal()
        write = Signal(MEMORY_WRITE, reset_less=True)
        m.d.sync += [write_valid.eq(self.write.valid), write.eq(self.write.payload)]
        m.d.comb += [
            reader.addr.eq(address),
            writer.addr.eq(write.address),
            writer.data.eq(write.data),
            writer.en.eq(write_valid & (write.address < self._depth)),
            self.entry.eq(entry),
        ]
        return m
