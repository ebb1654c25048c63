"""Control and status registers: the hardware behind the map in `hw.contract.registers`."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.contract.config import EngineConfig, bits_for
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import FORMAT_VERSION, MAGIC
from firelane.hw.contract.registers import CONTROL, CSR_ADDRESS_BITS, CSR_BITS, ERROR, STATUS, Register
from firelane.hw.control.counters import COUNTER_BITS, FRAME_COUNTS


class Csr(wiring.Component):
    """Registers on a synchronous bus.

    Latency     `csr_read_data` one cycle behind `csr_address`; a write acts in the cycle after it.
    Throughput  an access per cycle; registers that do not exist read 0 and ignore writes.

    Members
    -------
    csr_address, csr_write, csr_write_data, csr_read_data
        The bus.
    status, error, program_digest, frames, last
        What is shown.
    run : Out(1)
        CONTROL.run.
    reset : Out(1)
        Pulse.
    load_address_valid, load_high_valid, load_low_valid : Out(1)
        Write of `load_data` to this register of the load port.
    load_data : Out(32)
    """

    def __init__(self, cfg: EngineConfig, *, auto_run: bool = False):
        self._cfg = cfg
        self._auto_run = auto_run
        super().__init__({
            "csr_address": In(CSR_ADDRESS_BITS), "csr_write": In(1), "csr_write_data": In(CSR_BITS),
            "csr_read_data": Out(CSR_BITS),
            "status": In(STATUS), "error": In(ErrorCode), "error_pc": In(bits_for(cfg.program_words)),
            "program_digest": In(CSR_BITS),
            "frames": In(COUNTER_BITS), "last": In(FRAME_COUNTS),
            "run": Out(1, init=int(auto_run)), "reset": Out(1),
            "load_address_valid": Out(1), "load_high_valid": Out(1), "load_low_valid": Out(1),
            "load_data": Out(CSR_BITS),
        })

    def elaborate(self, platform):
        m = Module()
        self._read(m)
        self._write(m)
        return m

    def _read(self, m):
        error = Signal(ERROR)
        last = self.last
        m.d.comb += [error.code.eq(self.error), error.pc.eq(self.error_pc)]
        shown = {
            Register.IDENTITY: MAGIC << 8 | FORMAT_VERSION,
            Register.CONFIG_DIGEST: self._cfg.digest,
            Register.CONTROL: self.run,
            Register.STATUS: self.status.as_value(),
            Register.ERROR: error.as_value(),
            Register.FRAMES: self.frames,
            Register.FRAME_CYCLES: last.cycles,
            Register.TAPS: last.taps,
            Register.STALL_DECODER: last.stall_decoder,
            Register.STALL_DRAIN: last.stall_drain,
            Register.STALL_INPUT: last.stall_input,
            Register.STALL_OUTPUT: last.stall_output,
            Register.PROGRAM_DIGEST: self.program_digest,
        }
        m.d.sync += self.csr_read_data.eq(0)
        with m.Switch(self.csr_address):
            for number, value in shown.items():
                with m.Case(number):
                    m.d.sync += self.csr_read_data.eq(value)

    def _write(self, m):
        m.d.sync += self.reset.eq(0)
        m.d.comb += self.load_data.eq(self.csr_write_data)
        for number, valid in ((Register.LOAD_ADDRESS, self.load_address_valid),
                              (Register.LOAD_HIGH, self.load_high_valid), (Register.LOAD_LOW, self.load_low_valid)):
            m.d.comb += valid.eq(self.csr_write & (self.csr_address == number))
        control = data.View(CONTROL, self.csr_write_data[:CONTROL.size])
        with m.If(self.csr_write & (self.csr_address == Register.CONTROL)):
            m.d.sync += [self.run.eq(control.run), self.reset.eq(control.reset)]
