"""Control and status registers: the hardware behind the map in `hw.contract.registers`."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.ports import CsrBus, LoadRegisters
from firelane.hw.contract.config import EngineConfig, bits_for
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import FORMAT_VERSION, MAGIC
from firelane.hw.contract.registers import CONTROL, CSR_BITS, ERROR, STATUS, Register
from firelane.hw.control.counters import COUNTER_BITS, FRAME_COUNTS


class Csr(wiring.Component):
    """Registers on a synchronous bus.

    Latency     `bus.read_data` one cycle behind `bus.address`; a write acts in the cycle after it.
    Throughput  an access per cycle; registers that do not exist read 0 and ignore writes.

    Members
    -------
    bus : In(CsrBus())
    status, error, program_digest, frames, last
        What is shown.
    run : Out(1)
        CONTROL.run.
    reset : Out(1)
        Pulse.
    load : Out(LoadRegisters())
    """

    def __init__(self, cfg: EngineConfig, *, auto_run: bool = False):
        self._cfg = cfg
        self._auto_run = auto_run
        super().__init__({
            "bus": In(CsrBus()),
            "status": In(STATUS), "error": In(ErrorCode), "error_pc": In(bits_for(cfg.program_words)),
            "program_digest": In(CSR_BITS),
            "frames": In(COUNTER_BITS), "last": In(FRAME_COUNTS),
            "run": Out(1, init=int(auto_run)), "reset": Out(1),
            "load": Out(LoadRegisters()),
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
        m.d.sync += self.bus.read_data.eq(0)
        with m.Switch(self.bus.address):
            for number, value in shown.items():
                with m.Case(number):
                    m.d.sync += self.bus.read_data.eq(value)

    def _write(self, m):
        m.d.sync += self.reset.eq(0)
        bus, load = self.bus, self.load
        m.d.comb += load.data.eq(bus.write_data)
        for number, valid in ((Register.LOAD_ADDRESS, load.address_valid), (Register.LOAD_HIGH, load.high_valid),
                              (Register.LOAD_LOW, load.low_valid)):
            m.d.comb += valid.eq(bus.write & (bus.address == number))
        control = data.View(CONTROL, bus.write_data[:CONTROL.size])
        with m.If(bus.write & (bus.address == Register.CONTROL)):
            m.d.sync += [self.run.eq(control.run), self.reset.eq(control.reset)]
