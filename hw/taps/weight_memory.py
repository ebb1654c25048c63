"""The weight memory: 36-bit words, any number of block RAMs along a pipeline."""

from collections.abc import Sequence
from itertools import accumulate

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In

from firelane.hw.blocks.ports import MEMORY_WRITES, MemoryReadPort
from firelane.hw.contract.block_ram import STATION_BLOCKS, weight_blocks
from firelane.hw.contract.config import MEMORY_BITS
from firelane.hw.contract.instruction import WEIGHT_ADDRESS_BITS


class WeightMemory(wiring.Component):
    """Words of compressed weights, read through one pipelined port.

    The memory is cut into blocks that fill block RAMs exactly, and three of them make a station. Addresses travel from
    station to station, a register each, and so does what has been read, one block RAM and two registers behind: no wire
    is longer than from one station to the next, however large the memory.

        address --> register ------> register ------> ...
                       |                |
                    3 blocks         3 blocks
                       |                |
        zeros ------> OR, register --> OR, register --> ... --> data

    A block that is not addressed gives zeros (by the synchronous reset of its output register), and the clock of its
    block RAMs is off, to save power. Words past the end read as 0. A write travels with the addresses, in the place of
    a read.

    Latency     `weight_read_cycles(words)` from an address to its word.
    Throughput  one read or one write a cycle: what is read in a cycle with a write is undefined.

    Parameters
    ----------
    words : int
    init : sequence of int
        First words of the memory at configuration; the rest is 0.

    Members
    -------
    read : In(MemoryReadPort(18))
    write : In(MEMORY_WRITES)
        A write outside the memory is ignored.
    """

    def __init__(self, words: int, init: Sequence[int] = ()):
        if len(init) > words:
            raise ValueError(f"the image has {len(init)} words, the weight memory {words}")
        self._words = words
        self._init = [int(word) for word in init]
        super().__init__({"read": In(MemoryReadPort(WEIGHT_ADDRESS_BITS)), "write": In(MEMORY_WRITES)})

    def elaborate(self, platform):
        m = Module()
        sizes = list(weight_blocks(self._words))
        blocks = list(zip(range(len(sizes)), accumulate(sizes, initial=0), sizes))
        write_valid, write_data = self.write.valid, self.write.payload.data
        address = Mux(write_valid, self.write.payload.address, self.read.address)
        gathered = Const(0, MEMORY_BITS)
        for number, first in enumerate(range(0, len(blocks), STATION_BLOCKS)):
            station = blocks[first:first + STATION_BLOCKS]
            chosen = [self._choose(m, *block, address, write_valid) for block in station]
            address = self._register(m, address, f"address_{number}")
            write_valid = self._register(m, write_valid, f"write_valid_{number}")
            write_data = self._register(m, write_data, f"write_data_{number}")
            for block, (addressed, written) in zip(station, chosen):
                gathered = gathered | self._block(m, *block, address, write_data, addressed, written)
            gathered = self._register(m, gathered, f"gathered_{number}")
        m.d.comb += self.read.data.eq(gathered)
        return m

    @staticmethod
    def _register(m, value, name: str):
        register = Signal(len(value), name=name, reset_less=True)
        m.d.sync += register.eq(value)
        return register

    def _choose(self, m, index: int, base: int, size: int, address, write_valid):
        """Whether a block is addressed, and written, by what comes into its station. 1 cycle."""
        low_bits = size.bit_length() - 1
        addressed = address[low_bits:] == base >> low_bits      # sizes fall, so each block is aligned to its own
        if base + size > self._words:
            addressed &= address < self._words
        return (self._register(m, addressed, f"addressed_{index}"),
                self._register(m, addressed & write_valid, f"written_{index}"))

    def _block(self, m, index: int, base: int, size: int, address, write_data, addressed, written):
        """One block of memory; its output is 0 unless it was addressed. 2 cycles."""
        image = self._init[base:base + size]
        m.submodules[f"block_{index}"] = block = memory.Memory(
            shape=MEMORY_BITS, depth=size, init=image, attrs={"ram_style": "block", "no_rw_check": 1})
        # An asynchronous port and a register, which yosys makes one: only so it believes `no_rw_check`, and does not
        # spend bypass registers on the old data that a synchronous port of Amaranth promises.
        reader, writer = block.read_port(domain="comb"), block.write_port()
        low_bits = size.bit_length() - 1
        m.d.comb += [
            reader.addr.eq(address[:low_bits]),
            writer.addr.eq(address[:low_bits]),
            writer.data.eq(write_data),
            writer.en.eq(written),
        ]
        selected = self._register(m, addressed, f"selected_{index}")
        word = Signal(MEMORY_BITS, name=f"word_{index}", reset_less=True)
        with m.If(addressed):               # the block RAM's clock enable: it rests while others are read
            m.d.sync += word.eq(reader.data)
        return self._register(m, Mux(selected, word, 0), f"output_{index}")
