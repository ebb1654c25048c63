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


class PairTable(wiring.Component):
    """A symbol table of two decoders, in one block RAM still: each has a port of it, and writes use the first one's.

    Latency     TABLE_READ_CYCLES from `symbol`, `second_symbol` or `scan_address` to its entry.
    Throughput  2 entries a cycle.
    Limits      reads are undefined in the cycles of writes; addresses wrap at the depth's next power of two.

    Parameters
    ----------
    width, depth, init : as of SymbolTable

    Members
    -------
    base : In(12)
        First entry of the layer.
    symbol, second_symbol : In(8)
    scan : In(1)
        Read `scan_address` instead of `base + symbol`.
    scan_address : In(18)
    entry, second_entry : Out(width)
    write : In(MEMORY_WRITES)
    """

    def __init__(self, *, width: int, depth: int, init: Sequence[int] = ()):
        if len(init) > depth:
            raise ValueError(f"the image has {len(init)} entries, the table {depth}")
        self._width, self._depth = width, depth
        self._init = [int(entry) for entry in init]
        super().__init__({"base": In(TABLE_BITS), "symbol": In(MAX_CODE_BITS), "second_symbol": In(MAX_CODE_BITS),
                          "scan": In(1), "scan_address": In(18), "entry": Out(width), "second_entry": Out(width),
                          "write": In(MEMORY_WRITES)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.table = table = memory.Memory(
            shape=self._width, depth=self._depth, init=self._init, attrs={"ram_style": "block", "no_rw_check": 1})
        write_valid = Signal()
        write = Signal(MEMORY_WRITE, reset_less=True)
        m.d.sync += [write_valid.eq(self.write.valid), write.eq(self.write.payload)]
        first = Mux(write_valid, write.address, Mux(self.scan, self.scan_address, self.base + self.symbol))
        address = self._read(m, table, first, self.entry, "first")
        self._read(m, table, self.base + self.second_symbol, self.second_entry, "second")

        writer = table.write_port()         # at the first port's address: only so it is a port of the same block
        enable, written = Signal(), Signal(self._width, reset_less=True)
        m.d.sync += [enable.eq(write_valid & (write.address < self._depth)), written.eq(write.data)]
        m.d.comb += [writer.addr.eq(address), writer.data.eq(written), writer.en.eq(enable)]
        return m

    def _read(self, m, table, wanted, output, name: str):
        """A port, and the register of its address."""
        reader = table.read_port(domain="comb")     # see WeightMemory
        address = Signal(bits_for(self._depth), name=f"{name}_address", reset_less=True)
        word = Signal(self._width, name=f"{name}_word", reset_less=True)
        entry = Signal(self._width, name=f"{name}_entry", reset_less=True)
        m.d.sync += [address.eq(wanted), word.eq(reader.data), entry.eq(word)]
        m.d.comb += [reader.addr.eq(address), output.eq(entry)]
        return address
