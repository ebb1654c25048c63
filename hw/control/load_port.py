"""Writes into program, weight and table memories, from the host."""

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import MEMORY_WRITE
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.registers import CSR_BITS, LOAD_ADDRESS, LoadTarget


class LoadPort(wiring.Component):
    """Address register, high bits, and a write for each LOAD_LOW.

    Latency     1 cycle from `load_low` to a memory write and `written`.
    Throughput  a word per cycle.
    Stalling    none; while `running`, or past the end of the memory, a write is ignored and `refused` pulses.

    Members
    -------
    load_address_valid, load_high_valid, load_low_valid, load_data
        From `Csr`.
    running : In(1)
    program_write_valid, weight_write_valid, value_write_valid, run_write_valid : Out(1)
        Pulses.
    write : Out(MEMORY_WRITE)
        What is written.
    written, refused : Out(1)
        Pulses.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        super().__init__({
            "load_address_valid": In(1), "load_high_valid": In(1), "load_low_valid": In(1), "load_data": In(CSR_BITS),
            "running": In(1), "written": Out(1), "refused": Out(1),
            "program_write_valid": Out(1), "weight_write_valid": Out(1), "value_write_valid": Out(1),
            "run_write_valid": Out(1), "write": Out(MEMORY_WRITE),
        })

    def elaborate(self, platform):
        m = Module()
        cfg = self._cfg
        place = Signal(LOAD_ADDRESS)
        high = Signal(4)
        word = Signal(MEMORY_WRITE, reset_less=True)
        target = Signal(LoadTarget)
        sizes = Array((cfg.program_words, cfg.weight_words, cfg.value_symbols, cfg.run_symbols))
        exists = Signal()
        m.d.comb += exists.eq(place.address < sizes[place.target.as_value()])

        with m.If(self.load_address_valid):
            m.d.sync += place.eq(data.View(LOAD_ADDRESS, self.load_data))
        with m.If(self.load_high_valid):
            m.d.sync += high.eq(self.load_data)
        m.d.sync += [self.written.eq(0), self.refused.eq(0)]
        with m.If(self.load_low_valid):
            m.d.sync += [
                word.address.eq(place.address),
                word.data[:CSR_BITS].eq(self.load_data),
                word.data[CSR_BITS:].eq(high),
                target.eq(place.target),
                place.address.eq(place.address + 1),
                self.written.eq(exists & ~self.running),
                self.refused.eq(~exists | self.running),
            ]
        m.d.comb += self.write.eq(word)
        for number, valid in ((LoadTarget.PROGRAM, self.program_write_valid),
                              (LoadTarget.WEIGHT, self.weight_write_valid),
                              (LoadTarget.VALUE, self.value_write_valid), (LoadTarget.RUN, self.run_write_valid)):
            m.d.comb += valid.eq(self.written & (target == number))
        return m
