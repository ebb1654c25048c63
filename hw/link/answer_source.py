"""Writes the answers' payloads."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from firelane.hw.contract.link_protocol import ANSWER, HEADER, PAYLOAD_BYTES, REGISTERS_SHOWN, STATE, Status
from firelane.hw.contract.registers import CSR_BITS, Register
from firelane.hw.link.engine_control import Operation, OperationPort
from firelane.hw.link.result_buffer import ResultChunk

WORD_BYTES = CSR_BITS // 8


class Body(enum.Enum, shape=3):
    """What follows the status byte of an answer."""

    EMPTY = 0
    OFFSET = 1          #: the offset given, 4 bytes
    ERROR = 2           #: the ERROR register
    REGISTERS = 3       #: link state, REGISTERS_SHOWN registers
    IDENTITY = 4        #: these, and the identity
    RESULT = 5          #: flags, a chunk of the result


ANSWER_LAYOUT = data.StructLayout({"sequence": 8, "command": 8, "status": Status, "body": Body})


class AnswerSource(wiring.Component):
    """From a verdict to a frame's header and payload.

    After IDLE, MEASURE and HEADER comes the payload, a byte or more in each state, by the answer's body:

        EMPTY           STATUS
        OFFSET          STATUS, WORD
        ERROR           STATUS, register
        REGISTERS       STATUS, STATE, register for each of REGISTERS_SHOWN        register: ASK, WAIT, READ, WORD
        IDENTITY        the same, IDENTITY
        RESULT          STATUS, FLAGS, RESULT

    Latency     3 cycles from `answer` to `header`.
    Throughput  a byte per 2 cycles, a register's first after 6 cycles.
    Stalling    on `header`, `payload` and `request`.

    Parameters
    ----------
    identity : bytes
        What IDENTIFY says about board and engine.
    block_ram : bool
        Keep it in a block RAM, in place of about 300 LUTs.

    Members
    -------
    answer : In(stream of ANSWER_LAYOUT)
        Taken when the answer before has been sent. `offset`, `state` and `result` must be kept until `answer` can be
        taken again.
    offset : In(32), state : In(STATE)
        What OFFSET and the registers' bodies show.
    header, payload : Out(stream)
        To a `FrameSender`.
    operation : Out(OperationPort())
        To `EngineControl`.
    result : In(ResultChunk())
    """

    def __init__(self, identity: bytes, *, block_ram: bool = True):
        self._identity = bytes(identity)
        self._memory_style = "block" if block_ram else "logic"        # distributed RAM has no initial contents
        self._registers_bytes = 1 + WORD_BYTES * REGISTERS_SHOWN
        if not 1 <= len(self._identity) <= PAYLOAD_BYTES - self._registers_bytes:
            raise ValueError(f"identity must have 1 to {PAYLOAD_BYTES - self._registers_bytes} bytes, "
                             f"not {len(self._identity)}")
        super().__init__({
            "answer": In(stream.Signature(ANSWER_LAYOUT)),
            "offset": In(CSR_BITS), "state": In(STATE),
            "header": Out(stream.Signature(HEADER)), "payload": Out(stream.Signature(8)),
            "operation": Out(OperationPort()), "result": In(ResultChunk()),
        })

    def elaborate(self, platform):
        m = Module()
        self._answer = Signal(ANSWER_LAYOUT)
        self._register = Signal(range(REGISTERS_SHOWN + 1))
        self._word, self._left = Signal(CSR_BITS), Signal(range(WORD_BYTES + 1))
        self._count = Signal.like(self.result.count)
        self._byte, self._valid, self._sent = Signal(8), Signal(), Signal()     #: next of `payload`; it is taken
        self._fill_header(m)
        self._fill_payload(m)
        m.d.comb += [
            self.operation.request.payload.operation.eq(Operation.READ),
            self.operation.request.payload.argument.eq(self._register),
        ]
        with m.FSM(name="answers"):
            self._header_states(m)
            with m.State("STATUS"):
                self._send_byte(m, self._answer.status)
                with m.If(self._sent):
                    self._after_status(m)
            with m.State("STATE"):
                self._send_byte(m, self.state)
                with m.If(self._sent):
                    m.next = "ASK"
            self._register_states(m)
            with m.State("IDENTITY"):
                self._send_identity(m)
            with m.State("FLAGS"):
                self._send_byte(m, self.result.last)
                with m.If(self._sent):
                    m.next = "RESULT"
            with m.State("RESULT"):
                self._send_result(m)
        return m

    def _fill_header(self, m):
        header, length = self.header.payload, Signal(HEADER["length"].shape, reset_less=True)
        m.d.sync += length.eq(1 + self._body_bytes())
        m.d.comb += [
            header.sequence.eq(self._answer.sequence),
            header.command.eq(self._answer.command | ANSWER),
            header.length.eq(length),
        ]

    def _fill_payload(self, m):
        """The register of `payload`, which takes a byte in every other cycle at most."""
        m.d.comb += self._sent.eq(self._valid & ~self.payload.valid)
        with m.If(self._sent):
            m.d.sync += [self.payload.valid.eq(1), self.payload.payload.eq(self._byte)]
        with m.Elif(self.payload.ready):
            m.d.sync += self.payload.valid.eq(0)

    def _send_byte(self, m, byte):
        m.d.comb += [self._valid.eq(1), self._byte.eq(byte)]

    def _header_states(self, m):
        """Take an answer, compute its length, and hand its header over."""
        with m.State("IDLE"):
            m.d.comb += self.answer.ready.eq(1)
            m.d.sync += [self._answer.eq(self.answer.payload), self._count.eq(self.result.count),
                         self._word.eq(self.offset), self._left.eq(WORD_BYTES)]
            with m.If(self.answer.valid):
                m.next = "MEASURE"
        with m.State("MEASURE"):
            m.next = "HEADER"
        with m.State("HEADER"):
            m.d.comb += [self.header.valid.eq(1), self.result.rewind.eq(1)]
            with m.If(self.header.ready):
                m.next = "STATUS"

    def _register_states(self, m):
        """Read a register, and send it; WORD alone sends an offset."""
        with m.State("ASK"):
            m.d.comb += self.operation.request.valid.eq(1)
            m.d.sync += self._left.eq(WORD_BYTES)
            with m.If(self.operation.request.ready):
                m.next = "WAIT"
        with m.State("WAIT"):
            with m.If(self.operation.done):
                m.next = "READ"
        with m.State("READ"):
            m.d.sync += [self._word.eq(self.operation.value), self._register.eq(self._register + 1)]
            m.next = "WORD"
        with m.State("WORD"):
            self._send_byte(m, self._word[:8])
            with m.If(self._sent):
                m.d.sync += [self._word.eq(self._word >> 8), self._left.eq(self._left - 1)]
                with m.If(self._left == 1):
                    self._after_word(m)

    def _body_bytes(self):
        registers = self._registers_bytes
        count = Const(0)
        sizes = {Body.OFFSET: WORD_BYTES, Body.ERROR: WORD_BYTES, Body.REGISTERS: registers,
                 Body.IDENTITY: registers + len(self._identity), Body.RESULT: 1 + self._count}
        for body, size in sizes.items():
            count = Mux(self._answer.body == body, size, count)
        return count

    def _after_status(self, m):
        with m.Switch(self._answer.body):
            with m.Case(Body.EMPTY):
                m.next = "IDLE"
            with m.Case(Body.OFFSET):
                m.next = "WORD"
            with m.Case(Body.ERROR):
                m.d.sync += self._register.eq(Register.ERROR)
                m.next = "ASK"
            with m.Case(Body.RESULT):
                m.next = "FLAGS"
            with m.Default():
                m.d.sync += self._register.eq(0)
                m.next = "STATE"

    def _after_word(self, m):
        m.next = "IDLE"
        with m.If((self._answer.body == Body.REGISTERS) | (self._answer.body == Body.IDENTITY)):
            m.next = "ASK"
            with m.If(self._register == REGISTERS_SHOWN):
                with m.If(self._answer.body == Body.IDENTITY):
                    m.next = "IDENTITY"
                with m.Else():
                    m.next = "IDLE"

    def _send_identity(self, m):
        m.submodules.identity = identity = Memory(shape=8, depth=len(self._identity), init=self._identity,
                                                attrs={"ram_style": self._memory_style})
        read = identity.read_port(domain="comb")
        place = Signal(range(len(self._identity) + 1))
        byte = Signal(8, reset_less=True)
        m.d.comb += read.addr.eq(place)
        self._send_byte(m, byte)
        m.d.sync += byte.eq(read.data)          # in time: no byte is sent in the cycle behind another
        with m.If(self._sent):
            m.d.sync += place.eq(place + 1)
            with m.If(place == len(self._identity) - 1):
                m.d.sync += place.eq(0)
                m.next = "IDLE"

    def _send_result(self, m):
        chunk = self.result.bytes
        m.d.comb += [self._valid.eq(chunk.valid), self._byte.eq(chunk.payload), chunk.ready.eq(self._sent)]
        with m.If(self._sent):
            m.d.sync += self._count.eq(self._count - 1)
            with m.If(self._count == 1):
                m.next = "IDLE"
