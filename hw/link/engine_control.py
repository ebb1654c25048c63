"""What the link does with the engine's registers, one operation at a time."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.ports import CsrBus, Port
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


class OperationPort(Port):
    """Operations on the engine, from the side that asks for them.

    Members
    -------
    request : Out(stream of REQUEST)
    done : In(1)
        Pulse: the operation is done, and `value` follows in the cycle after.
    value : In(32)
        The register that the last READ named.
    """

    def __init__(self):
        super().__init__({"request": Out(stream.Signature(REQUEST)), "done": In(1), "value": In(CSR_BITS)})


def operate(m, port, asked, operation: Operation, argument, following: str):
    """Ask for an operation in a state of an FSM, and go on to the state `following` when it is done.

    Parameters
    ----------
    port : OperationPort
        The asker's end.
    asked : Signal
        Set here once the request was taken; 0 when the state is entered.
    """
    request = port.request
    m.d.comb += [request.valid.eq(~asked), request.payload.operation.eq(operation),
                 request.payload.argument.eq(argument)]
    with m.If(request.ready):
        m.d.sync += asked.eq(1)
    with m.If(port.done):
        m.d.sync += asked.eq(0)
        m.next = following


class EngineControl(wiring.Component):
    """The only master of the engine's register bus. While nothing is asked for it watches STATUS.

    Latency     READ 4 cycles, LOAD_ADDRESS 1, LOAD_WORD 2, STOP and START one and two settling times; CHECK as long as
                the engine takes, which is `hw.contract.timing.integrity_cycles` at most.
    Throughput  the next request is taken in the cycle after an operation is done.

    Members
    -------
    operation : In(OperationPort())
    status : Out(STATUS)
        The engine's, a few cycles old; kept while the bus is in other use, and up to date after `operation.done`.
    csr : Out(CsrBus())
        The engine's.
    """

    operation: In(OperationPort())
    status: Out(STATUS)
    csr: Out(CsrBus())

    def elaborate(self, platform):
        m = Module()
        self._request = Signal(REQUEST)
        self._timer = Signal(range(CONTROL_SETTLE_CYCLES + 1))
        self._address = Signal(CSR_ADDRESS_BITS, init=Register.STATUS)
        m.d.comb += self.csr.address.eq(self._address)
        self._watch(m)
        m.d.sync += [self._address.eq(Register.STATUS), self.csr.write.eq(0)]
        with m.FSM(name="control"):
            with m.State("IDLE"):
                m.d.comb += self.operation.request.ready.eq(1)
                m.d.sync += self._request.eq(self.operation.request.payload)
                with m.If(self.operation.request.valid):
                    m.next = "BEGIN"
            with m.State("BEGIN"):
                self._begin(m)
            with m.State("READ"):
                m.d.sync += self._address.eq(self._request.argument)
                self._after_timer(m, "CAPTURE")
            with m.State("CAPTURE"):
                m.d.sync += self.operation.value.eq(self.csr.read_data)
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
        m.d.comb += asked.eq(self._address == Register.STATUS)
        m.d.sync += shown.eq(asked)
        with m.If(shown):
            m.d.sync += self.status.eq(self.csr.read_data)

    def _begin(self, m):
        with m.Switch(self._request.operation):
            with m.Case(Operation.READ):
                m.d.sync += [self._address.eq(self._request.argument), self._timer.eq(CSR_READ_CYCLES - 1)]
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
        m.d.sync += [self._address.eq(register), self.csr.write.eq(1), self.csr.write_data.eq(value)]
        if settle:
            m.d.sync += self._timer.eq(CONTROL_SETTLE_CYCLES)

    def _after_timer(self, m, following: str, *, done: bool = False):
        m.d.sync += self._timer.eq(self._timer - 1)
        with m.If(self._timer == 0):
            m.next = following
            if done:
                m.d.comb += self.operation.done.eq(1)

    def _finish(self, m):
        m.d.comb += self.operation.done.eq(1)
        m.next = "IDLE"
