"""The weight memory: 36-bit words, one read and one write a cycle, any number of block RAMs."""

from collections.abc import Iterator, Sequence

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hw.config import MEMORY_BITS
from hw.payload import MEMORY_WRITE

BLOCK_SIZES = (2048, 1024, 512)     #: words that 4, 2 or 1 block RAMs of 18 Kbit hold, 9, 18 or 36 bits wide
CLUSTER_BLOCKS = 4                  #: blocks that share one copy of the address registers
GATHER_WAYS = 16                    #: inputs of one pipeline stage of the read data's OR tree
GATHER_STAGES = 2                   #: GATHER_WAYS ** GATHER_STAGES blocks at most


def block_sizes(words: int) -> Iterator[int]:
    """Sizes of the blocks that make a memory of `words` words: ceil(words / 512) block RAMs in all."""
    while words > 0:
        size = next((size for size in BLOCK_SIZES if size <= words), BLOCK_SIZES[-1])
        yield size
        words -= size


def _any(values: list):
    """OR of values, as a tree."""
    if len(values) == 1:
        return values[0]
    middle = len(values) // 2
    return _any(values[:middle]) | _any(values[middle:])


class WeightMemory(wiring.Component):
    """Words of compressed weights, read through one pipelined port.

    The memory is cut into blocks that fill block RAMs exactly. A block that is not addressed gives zeros (by the
    synchronous reset of its output register), so that the blocks are gathered by ORs. Words past the end read as 0.

    Latency     READ_CYCLES from `address` to `data`.
    Throughput  one read and one write a cycle. A read that meets a write of its word gives either value.

    Parameters
    ----------
    words : int
    init : sequence of int
        First words of the memory at configuration; the rest is 0.

    Members
    -------
    address : In(18)
    data : Out(36)
    write_valid : In(1)
    write : In(MEMORY_WRITE)
        A write outside the memory is ignored.
    """

    READ_CYCLES = 3 + GATHER_STAGES     #: address register, block RAM, its output register, OR tree

    def __init__(self, words: int, init: Sequence[int] = ()):
        if len(init) > words:
            raise ValueError(f"the image has {len(init)} words, the weight memory {words}")
        self._sizes = list(block_sizes(words))
        if len(self._sizes) > GATHER_WAYS ** GATHER_STAGES:
            raise ValueError(f"a weight memory of {words} words needs more than {GATHER_WAYS ** GATHER_STAGES} blocks")
        self._words = words
        self._init = [int(word) for word in init]
        super().__init__({"address": In(18), "data": Out(MEMORY_BITS),
                          "write_valid": In(1), "write": In(MEMORY_WRITE)})

    def elaborate(self, platform):
        m = Module()
        outputs = []
        base = 0
        for index, size in enumerate(self._sizes):
            if index % CLUSTER_BLOCKS == 0:
                read, write = self._cluster_registers(m, index // CLUSTER_BLOCKS)
            outputs.append(self._block(m, index, base, size, read, write))
            base += size
        m.d.comb += self.data.eq(self._gather(m, outputs))
        return m

    def _cluster_registers(self, m, cluster: int):
        """Copies of the read address and the write for some blocks that can stand near each other."""
        copy = {"keep": 1}      # yosys would merge the copies of all clusters
        address = Signal(18, name=f"address_{cluster}", reset_less=True, attrs=copy)
        write_valid = Signal(name=f"write_valid_{cluster}", attrs=copy)
        write = Signal(MEMORY_WRITE, name=f"write_{cluster}", reset_less=True)
        m.d.sync += [address.eq(self.address), write_valid.eq(self.write_valid), write.eq(self.write)]
        return address, (write_valid, write)

    def _block(self, m, index: int, base: int, size: int, address, write):
        """One block of memory; its output is 0 unless it was addressed."""
        write_valid, write = write
        image = self._init[base:base + size]
        m.submodules[f"block_{index}"] = block = memory.Memory(
            shape=MEMORY_BITS, depth=size, init=image, attrs={"ram_style": "block", "no_rw_check": 1})
        # An asynchronous port and a register, which yosys makes one: only so it believes `no_rw_check`, and does not
        # spend bypass registers on the old data that a synchronous port of Amaranth promises.
        reader, writer = block.read_port(domain="comb"), block.write_port()
        word = Signal(MEMORY_BITS, name=f"word_{index}", reset_less=True)
        low_bits = size.bit_length() - 1
        number = base >> low_bits       # blocks are in order of falling size, so each is aligned to its own
        selected = Signal(name=f"selected_{index}")
        output = Signal(MEMORY_BITS, name=f"output_{index}", reset_less=True)
        m.d.comb += [
            reader.addr.eq(address[:low_bits]),
            writer.addr.eq(write.address[:low_bits]),
            writer.data.eq(write.data),
            writer.en.eq(write_valid & (write.address[low_bits:] == number)
                         & (write.address < self._words)),
        ]
        m.d.sync += [selected.eq((address[low_bits:] == number) & (address < self._words)),
                     word.eq(reader.data), output.eq(Mux(selected, word, 0))]
        return output

    def _gather(self, m, outputs: list):
        for stage in range(GATHER_STAGES):
            groups = [outputs[first:first + GATHER_WAYS] for first in range(0, len(outputs), GATHER_WAYS)]
            outputs = []
            for index, group in enumerate(groups):
                gathered = Signal(MEMORY_BITS, name=f"gathered_{stage}_{index}", reset_less=True)
                m.d.sync += gathered.eq(_any(group))
                outputs.append(gathered)
        return outputs[0]
