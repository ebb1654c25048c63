"""Memory of instructions and layer descriptors."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import MEMORY_WRITE
from firelane.hw.contract.config import MEMORY_BITS, EngineConfig, bits_for


class ProgramMemory(wiring.Component):
    """`cfg.program_words` words of 36 bits with one read and one write port.

    Latency     PROGRAM_LATENCY cycles from `address` to `data`; a written word can be read one cycle later.
    Throughput  a word per cycle.
    Limits      a read that meets a write of its word gives either value; write addresses past the end are the load
                port's to refuse.

    Members
    -------
    address : In(bits of a program address)
    data : Out(36)
    write_valid : In(1)
    write : In(MEMORY_WRITE)
    """

    def __init__(self, cfg: EngineConfig, *, init=()):
        self._cfg = cfg
        self._init = list(init)
        if len(self._init) > cfg.program_words:
            raise ValueError(f"a program of {len(self._init)} words does not fit {cfg.program_words}")
        super().__init__({
            "address": In(bits_for(cfg.program_words)),
            "data": Out(MEMORY_BITS),
            "write_valid": In(1), "write": In(MEMORY_WRITE),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = Memory(shape=MEMORY_BITS, depth=self._cfg.program_words, init=self._init,
                                            attrs={"ram_style": "block", "no_rw_check": 1})
        # An asynchronous port and a register, which yosys makes one: only so it believes `no_rw_check`.
        read, write = words.read_port(domain="comb"), words.write_port()
        word, fetched = Signal(MEMORY_BITS, reset_less=True), Signal(MEMORY_BITS, reset_less=True)
        m.d.comb += [
            read.addr.eq(self.address),
            self.data.eq(fetched),
            write.en.eq(self.write_valid),
            write.addr.eq(self.write.address),
            write.data.eq(self.write.data),
        ]
        m.d.sync += [word.eq(read.data), fetched.eq(word)]
        return m
