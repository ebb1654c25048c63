"""Writes into program, weight and table memories, from the host."""

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import MEMORY_WRITE
from firelane.hw.blocks.ports import MEMORY_WRITES, LoadRegisters
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.registers import CSR_BITS, LOAD_ADDRESS, LoadTarget


class LoadPort(wiring.Component):
    """Address register, high bits, and a write for each LOAD_LOW.

    Latency     1 cycle from LOAD_LOW to a memory write and `written`.
    Throughput  a word per cycle.
    Stalling    none; while `running`, or past the end of the memory, a write is ignored and `refused` pulses.

    Members
    -------
    load : In(LoadRegisters())
    running : In(1)
    program, weight, value, run : Out(MEMORY_WRITES)
        Words for the memories of `LoadTarget`.
    written, refused : Out(1)
        Pulses.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({
            "load": In(LoadRegisters()), "running": In(1), "written": Out(1), "refused": Out(1),
            **{target.name.lower(): Out(MEMORY_WRITES) for target in LoadTarget},
        })

    def elaborate(self, platform):
        m = Module()
        cfg, load = self._cfg, self.load
        place = Signal(LOAD_ADDRESS)
        high = Signal(4)
        word = Signal(MEMORY_WRITE, reset_less=True)
        target = Signal(LoadTarget)
        sizes = Array((cfg.program_words, cfg.weight_words, cfg.value_symbols, cfg.run_symbols))
        exists = Signal()
        m.d.comb += exists.eq(place.address < sizes[place.target.as_value()])

        with m.If(load.address_valid):
            m.d.sync += place.eq(data.View(LOAD_ADDRESS, load.data))
        with m.If(load.high_valid):
            m.d.sync += high.eq(load.data)
        m.d.sync += [self.written.eq(0), self.refused.eq(0)]
        with m.If(load.low_valid):
            m.d.sync += [
                word.address.eq(place.address),
                word.data[:CSR_BITS].eq(load.data),
                word.data[CSR_BITS:].eq(high),
                target.eq(place.target),
                place.address.eq(place.address + 1),
                self.written.eq(exists & ~self.running),
                self.refused.eq(~exists | self.running),
            ]
        for number in LoadTarget:
            write = getattr(self, number.name.lower())
            m.d.comb += [write.valid.eq(self.written & (target == number)), write.payload.eq(word)]
        return m
