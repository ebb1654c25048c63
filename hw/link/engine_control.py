"""What the link does with the engine's registers, one operation at a time."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.contract.config import MEMORY_BITS
from firelane.hw.contract.registers import CONTROL, CSR_ADDRESS_BITS, CSR_BITS, STATUS, Register
from firelane.hw.contract.timing import CONTROL_SETTLE_CYCLES, CSR_READ_CYCLES


class Operation(enum.Enum, shape=3):
    """What can be asked for."""

    READ = 0            #: `value` becomes register `argument`
    LOAD_ADDRESS = 1    #: write `argument` to that register
    LOAD_WORD = 2       #: write `argument` to the memory, at the next address
    STOP = 3            #: reset the engine, and leave it idle
    CHECK = 4           #: the same, and let it check its memories; `status` has the verdict
    START = 5           #: compute one frame; the operation ends when that has begun. Only after a CHECK without error


REQUEST = data.StructLayout({"operation": Operation, "argument": MEMORY_BITS})


def _control(**fields) -> int:
    return CONTROL.const(fields).as_value().value


class EngineControl(wiring.Component):
    """The only master of the engine's register bus. While nothing is asked for it watches STATUS.

    Latency     READ 4 cycles, LOAD_ADDRESS 1, LOAD_WORD 2, STOP and START one and two settling times; CHECK as long as
                the engine takes, which is `hw.contract.timing.integrity_cycles` at most.
    Throughput  the next request is taken in the cycle after an operation is done.

    Members
    -------
    request : In(stream of REQUEST)
    done : Out(1)
        Pulse: the operation is done, and `value` and `status` follow in the cycle after.
    value : Out(32)
        Of the last READ.
    status : Out(STATUS)
        Of the engine, a few cycles old; kept while the bus is in other use.
    csr_address, csr_write, csr_write_data, csr_read_data
        The engine's.
    """

    request: In(stream.Signature(REQUEST))
    done: Out(1)
    value: Out(CSR_BITS)
    status: Out(STATUS)
    csr_address: Out(CSR_ADDRESS_BITS, init=Register.STATUS)
    csr_write: Out(1)
    csr_write_data: Out(CSR_BITS)
    csr_read_data: In(CSR_BITS)

    def elaborate(self, platform):
        m = Module()
        self._request = Signal(REQUEST)
        self._timer = Signal(range(CONTROL_SETTLE_CYCLES + 1))
        self._watch(m)
        m.d.sync += [self.csr_address.eq(Register.STATUS), self.csr_write.eq(0)]
        with m.FSM(name="control"):
            with m.State("IDLE"):
                m.d.comb += self.request.ready.eq(1)
                m.d.sync += self._request.eq(self.request.payload)
                with m.If(self.request.valid):
                    m.next = "BEGIN"
            with m.State("BEGIN"):
                self._begin(m)
            with m.State("READ"):
                m.d.sync += self.csr_address.eq(self._request.argument)
                self._after_timer(m, "CAPTURE")
            with m.State("CAPTURE"):
                m.d.sync += self.value.eq(self.csr_read_data)
                self._finish(m)
            with m.State("LOW"):
                self._write(m, Register.LOAD_LOW, self._request.argument)
                self._finish(m)
            with m.State("STOPPED"):
                self._after_timer(m, "IDLE", done=True)
            with m.State("RUNNING"):
                self._after_timer(m, "RELEASE")
            with m.State("RELEASE"):
                self._write(m, Register.CONTROL, _control(), settle=True)
                m.next = "STOPPED"
                with m.If(self._request.operation == Operation.CHECK):
                    m.next = "SETTLE"
            with m.State("SETTLE"):
                self._after_timer(m, "VERDICT")
            with m.State("VERDICT"):
                with m.If(self.status.checked | self.status.error):
                    self._finish(m)
        return m

    def _watch(self, m):
        """`status` follows the register where the bus shows it."""
        asked, shown = Signal(), Signal()
        m.d.comb += asked.eq(self.csr_address == Register.STATUS)
        m.d.sync += shown.eq(asked)
        with m.If(shown):
            m.d.sync += self.status.eq(self.csr_read_data)

    def _begin(self, m):
        with m.Switch(self._request.operation):
            with m.Case(Operation.READ):
                m.d.sync += [self.csr_address.eq(self._request.argument), self._timer.eq(CSR_READ_CYCLES - 1)]
                m.next = "READ"
            with m.Case(Operation.LOAD_ADDRESS):
                self._write(m, Register.LOAD_ADDRESS, self._request.argument)
                self._finish(m)
            with m.Case(Operation.LOAD_WORD):
                self._write(m, Register.LOAD_HIGH, self._request.argument[CSR_BITS:])
                m.next = "LOW"
            with m.Case(Operation.STOP):
                self._write(m, Register.CONTROL, _control(reset=1), settle=True)
                m.next = "STOPPED"
            with m.Case(Operation.CHECK):
                self._write(m, Register.CONTROL, _control(run=1, reset=1), settle=True)
                m.next = "RUNNING"
            with m.Case(Operation.START):
                self._write(m, Register.CONTROL, _control(run=1), settle=True)
                m.next = "RUNNING"

    def _write(self, m, register: Register, value, *, settle: bool = False):
        m.d.sync += [self.csr_address.eq(register), self.csr_write.eq(1), self.csr_write_data.eq(value)]
        if settle:
            m.d.sync += self._timer.eq(CONTROL_SETTLE_CYCLES)

    def _after_timer(self, m, following: str, *, done: bool = False):
        m.d.sync += self._timer.eq(self._timer - 1)
        with m.If(self._timer == 0):
            m.next = following
            if done:
                m.d.comb += self.done.eq(1)

    def _finish(self, m):
        m.d.comb += self.done.eq(1)
        m.next = "IDLE"
