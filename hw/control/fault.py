"""The first error stops the engine and is kept."""

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.pipeline import delay, delay_control
from firelane.hw.contract.config import EngineConfig, bits_for
from firelane.hw.contract.error_code import ErrorCode

#: Errors of the image belong to the LOAD under way, all others to the instruction in hand.
LOAD_ERRORS = (ErrorCode.IMAGE_SHORT, ErrorCode.IMAGE_LONG)


class FaultRecorder(wiring.Component):
    """Keeps the code of the first error and the instruction it belongs to, until reset.

    Latency     FAULT_LATENCY from an error's pulse to `halt`: errors come from everywhere, and are registered.
    Throughput  any number of pulses a cycle; the lowest code is kept.

    Members
    -------
    raised : In(number of error codes)
        Bit n: pulse of `ErrorCode(n)`. Bit 0 is not looked at.
    load_address : In(1)
        An ADDRESS_RANGE of this cycle is the loader's.
    pc, load_pc : In
        The instruction in hand, and the LOAD that is or was under way.
    halt : Out(1)
        An error is kept.
    code, error_pc : Out
    """

    def __init__(self, cfg: EngineConfig):
        pc_bits = bits_for(cfg.program_words)
        super().__init__({
            "raised": In(len(ErrorCode)), "load_address": In(1), "pc": In(pc_bits), "load_pc": In(pc_bits),
            "halt": Out(1), "code": Out(ErrorCode), "error_pc": Out(pc_bits),
        })

    def elaborate(self, platform):
        m = Module()
        raised = delay_control(m, self.raised & ~1, 1, name="raised")
        load_address = delay(m, self.load_address, 1, name="load_address")
        pc, load_pc = delay(m, self.pc, 1, name="pc"), delay(m, self.load_pc, 1, name="load_pc")
        of_load = load_address | Cat(raised[code] for code in LOAD_ERRORS).any()
        with m.If(raised.any() & ~self.halt):
            m.d.sync += [self.halt.eq(1), self.error_pc.eq(pc)]
            for code in reversed(ErrorCode):
                with m.If(raised[code]):
                    m.d.sync += self.code.eq(code)
            with m.If(of_load):
                m.d.sync += self.error_pc.eq(load_pc)
        return m
