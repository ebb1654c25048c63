"""Memory of instructions and layer descriptors."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In

from firelane.hw.blocks.ports import MEMORY_WRITES, program_read_port
from firelane.hw.contract.config import MEMORY_BITS, EngineConfig


class ProgramMemory(wiring.Component):
    """`cfg.program_words` words of 36 bits with one read and one write port.

    Latency     PROGRAM_LATENCY cycles from an address to its word; a written word can be read one cycle later.
    Throughput  a word per cycle.
    Limits      a read that meets a write of its word gives either value; write addresses past the end are the load
                port's to refuse.

    Members
    -------
    read : In(program_read_port(cfg))
    write : In(MEMORY_WRITES)
    """

    def __init__(self, cfg: EngineConfig, *, init=()):
        self._cfg = cfg
        self._init = list(init)
        if len(self._init) > cfg.program_words:
            raise ValueError(f"a program of {len(self._init)} words does not fit {cfg.program_words}")
        super().__init__({"read": In(program_read_port(cfg)), "write": In(MEMORY_WRITES)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = Memory(shape=MEMORY_BITS, depth=self._cfg.program_words, init=self._init,
                                            attrs={"ram_style": "block", "no_rw_check": 1})
        # An asynchronous port and a register, which yosys makes one: only so it believes `no_rw_check`.
        reader, writer = words.read_port(domain="comb"), words.write_port()
        word, fetched = Signal(MEMORY_BITS, reset_less=True), Signal(MEMORY_BITS, reset_less=True)
        m.d.comb += [
            reader.addr.eq(self.read.address),
            self.read.data.eq(fetched),
            writer.en.eq(self.write.valid),
            writer.addr.eq(self.write.payload.address),
            writer.data.eq(self.write.payload.data),
        ]
        m.d.sync += [word.eq(reader.data), fetched.eq(word)]
        return m
