"""Does what the host's frames ask for."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.link_protocol import ARGUMENT_BYTES, ARGUMENTS, STATE, WITH_DATA, WORD_BYTES, Command, Status
from firelane.hw.contract.registers import CSR_BITS, STATUS, Register
from firelane.hw.link.answer_source import ANSWER_LAYOUT, Body
from firelane.hw.link.engine_control import Operation, OperationPort, operate
from firelane.hw.link.frame_receiver import FramePort
from firelane.hw.link.image_feeder import ImageControl
from firelane.hw.link.result_buffer import ResultControl

NO_COMMAND = 0      #: what the link does by itself, and does not answer
_ARGUMENT_BITS = 8 * ARGUMENT_BYTES


class CommandProcessor(wiring.Component):
    """One command at a time: checks it, does it, and hands the verdict to the `AnswerSource`.

    After power-up it lets the engine check its memories. A run in which nothing moves for `patience_cycles` is
    abandoned: the engine is reset.

    Every command goes through IDLE, DECODE, ARGUMENTS, COMPARE and EXECUTE; from there on, if nothing is wrong with it:

        IDENTIFY, REGISTERS, RESULT                                       ANSWER
        RESET, LOAD_BEGIN       STOP, STOPPED                             ANSWER
        LOAD_COMMIT             CHECK, DIGEST, DIGEST COMPARE, JUDGE      ANSWER
        RUN                     the same, START                           ANSWER
        IMAGE                   FEED                                      ANSWER
        LOAD_WORDS              LOAD ADDRESS, COLLECT and LOAD WORD for each word, LOADED, LOAD VERDICT, ANSWER

    Latency     the operations of `EngineControl` that a command takes, a slice of `ImageFeeder`, and about ten cycles.

    Parameters
    ----------
    cfg : EngineConfig
        Its digest is what LOAD_BEGIN must name.
    patience_cycles : int

    Members
    -------
    frame : In(FramePort())
        The command.
    answer : Out(stream of ANSWER_LAYOUT)
    state : Out(STATE)
    operation : Out(OperationPort()), engine : In(STATUS)
        To `EngineControl`; `engine` is its `status`.
    image : Out(ImageControl())
    result : Out(ResultControl())
    moved : In(1)
        A byte went into the engine or came out of it.
    """

    def __init__(self, cfg: EngineConfig, *, patience_cycles: int):
        if patience_cycles < 1:
            raise ValueError(f"patience_cycles must be at least 1, not {patience_cycles!r}")
        self._cfg = cfg
        self._patience_cycles = patience_cycles
        super().__init__({
            "frame": In(FramePort()), "answer": Out(stream.Signature(ANSWER_LAYOUT)), "state": Out(STATE),
            "operation": Out(OperationPort()), "engine": In(STATUS),
            "image": Out(ImageControl()), "result": Out(ResultControl()), "moved": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        self._arguments = Signal(2 * _ARGUMENT_BITS, reset_less=True)
        self._argument = self._arguments[-_ARGUMENT_BITS:]      #: the last one, or the only one
        self._command, self._status = Signal(8), Signal(Status)
        self._bytes_left = Signal(range(2 * ARGUMENT_BYTES + 1))
        self._loading, self._active, self._timed_out = Signal(), Signal(), Signal()
        self._asked = Signal()
        m.d.comb += [
            self.state.loading.eq(self._loading), self.state.active.eq(self._active),
            self.state.timed_out.eq(self._timed_out),
            self.state.image_complete.eq(self._active & self.image.complete),
            self.image.length.eq(self._arguments[:_ARGUMENT_BITS]),
        ]
        self._compare(m)
        self._watch(m)
        with m.FSM(name="processor", init="CHECK"):
            self._command_states(m)
            self._check_states(m)
            with m.State("FEED"):
                self._feed(m)
            self._load_states(m)
            with m.State("ANSWER"):
                self._send(m)
        return m

    def _compare(self, m):
        """What commands ask about their last argument, registered; settled in EXECUTE and JUDGE."""
        argument, next_chunk = self._argument, Signal(CSR_BITS, reset_less=True)
        self._engine_same, self._program_same = Signal(), Signal()
        self._is_chunk, self._is_next_chunk = Signal(), Signal()
        self._ahead = Signal()                  #: an image offset that bytes are missing before
        self._skip = Signal(CSR_BITS, reset_less=True)
        m.d.sync += [
            self._engine_same.eq(argument == self._cfg.digest), self._program_same.eq(argument == self.operation.value),
            next_chunk.eq(self.result.offset + self.result.count),
            self._is_chunk.eq(argument == self.result.offset), self._is_next_chunk.eq(argument == next_chunk),
            Cat(self._skip, self._ahead).eq(self.image.offset - argument),
        ]
        m.d.comb += self.image.skip.eq(self._skip)

    def _watch(self, m):
        """The patience with a run that can go on but does not."""
        silence = Signal(range(self._patience_cycles + 1))
        self._result_ready, self._expired = Signal(), Signal()
        m.d.sync += [
            self._result_ready.eq(self.result.complete & (~self.result.last | self.engine.idle)),
            self._expired.eq(silence == self._patience_cycles),
        ]
        waiting = self._active & ~self.engine.error & ~(self._result_ready & self.result.last)
        with m.If(self.moved | ~waiting):
            m.d.sync += silence.eq(0)
        with m.Elif(~self._expired):
            m.d.sync += silence.eq(silence + 1)

    def _command_states(self, m):
        """What every command goes through."""
        with m.State("IDLE"):
            self._idle(m)
        with m.State("DECODE"):
            self._decode(m)
        with m.State("ARGUMENTS"):
            self._take_arguments(m)
        with m.State("COMPARE"):
            m.next = "EXECUTE"
        with m.State("EXECUTE"):
            self._execute(m)

    def _check_states(self, m):
        """The engine is reset, and checks its memories; or starts a frame."""
        with m.State("STOP"):
            self._operate(m, Operation.STOP, 0, "STOPPED")
        with m.State("STOPPED"):
            self._finish(m)
        with m.State("CHECK"):
            self._operate(m, Operation.CHECK, 0, "DIGEST")
        with m.State("DIGEST"):
            self._operate(m, Operation.READ, Register.PROGRAM_DIGEST, "DIGEST COMPARE")
        with m.State("DIGEST COMPARE"):
            m.next = "JUDGE"
        with m.State("JUDGE"):
            self._judge(m)
        with m.State("START"):
            self._operate(m, Operation.START, 0, "ANSWER")

    def _idle(self, m):
        m.d.sync += [self._command.eq(NO_COMMAND), self._asked.eq(0)]
        with m.If(~self.answer.ready):
            pass                                # what the answer before shows must not change under it
        with m.Elif(self.frame.valid):
            m.next = "DECODE"
        with m.Elif(self._expired & self._active):
            m.d.sync += self._timed_out.eq(1)
            m.next = "STOP"

    def _decode(self, m):
        """Has the command the arguments that it needs?"""
        header = self.frame.header
        m.d.sync += [self._command.eq(header.command), self._status.eq(self.frame.status)]
        m.next = "ANSWER"
        with m.If(self.frame.status == Status.OK):
            with m.Switch(header.command):
                for command, arguments in ARGUMENTS.items():
                    with m.Case(command):
                        size = arguments * ARGUMENT_BYTES
                        fits = header.length > size if command in WITH_DATA else header.length == size
                        m.d.sync += self._bytes_left.eq(size)
                        m.next = "ARGUMENTS"
                        with m.If(~fits):
                            self._refuse(m, Status.BAD_LENGTH)
                with m.Default():
                    self._refuse(m, Status.UNKNOWN_COMMAND)

    def _take_arguments(self, m):
        with m.If(self._bytes_left == 0):
            m.next = "COMPARE"
        with m.Else():
            m.d.comb += self.frame.payload.ready.eq(1)
            with m.If(self.frame.payload.valid):
                m.d.sync += [self._arguments.eq(Cat(self._arguments[8:], self.frame.payload.payload)),
                             self._bytes_left.eq(self._bytes_left - 1)]

    def _execute(self, m):
        m.next = "ANSWER"
        with m.Switch(self._command):
            with m.Case(Command.RESET):
                m.next = "STOP"
            with m.Case(Command.LOAD_BEGIN):
                with m.If(self._engine_same):
                    m.d.sync += self._loading.eq(1)
                    m.next = "STOP"
                with m.Else():
                    self._refuse(m, Status.WRONG_ENGINE)
            with m.Case(Command.LOAD_WORDS):
                m.next = "LOAD ADDRESS"
                with m.If(~self._loading):
                    self._refuse(m, Status.WRONG_ORDER)
            with m.Case(Command.LOAD_COMMIT):
                m.d.sync += self._loading.eq(0)
                m.next = "CHECK"
            with m.Case(Command.RUN):
                m.next = "CHECK"
                with m.If(self._loading):
                    self._refuse(m, Status.NO_MODEL)
                with m.Elif(self.image.length == 0):
                    self._refuse(m, Status.BAD_LENGTH)
            with m.Case(Command.IMAGE, Command.RESULT):
                with m.If(self._timed_out):
                    self._refuse(m, Status.TIMEOUT)
                with m.Elif(~self._active):
                    self._refuse(m, Status.WRONG_ORDER)
                with m.Elif(self.engine.error):
                    self._refuse(m, Status.ENGINE_ERROR)
                with m.Elif(self._command == Command.RESULT):
                    self._result(m)
                with m.Elif(self._ahead):
                    self._refuse(m, Status.WRONG_ORDER)
                with m.Else():
                    m.d.comb += self.image.start.eq(1)
                    m.next = "FEED"

    def _result(self, m):
        """The chunk that is here, or on to the next one."""
        with m.If(self._is_chunk & self.image.complete):
            with m.If(~self._result_ready):
                self._refuse(m, Status.PENDING)
        with m.Elif(self._is_next_chunk & self._result_ready & ~self.result.last):
            m.d.comb += self.result.advance.eq(1)
            self._refuse(m, Status.PENDING)
        with m.Else():
            self._refuse(m, Status.WRONG_ORDER)

    def _operate(self, m, operation: Operation, argument, following: str):
        operate(m, self.operation, self._asked, operation, argument, following)
        if operation in (Operation.STOP, Operation.CHECK):      # either resets the engine: its run is over
            m.d.sync += self._active.eq(0)
            m.d.comb += [self.image.begin.eq(1), self.result.clear.eq(1)]

    def _finish(self, m):
        """Answer, if somebody asked."""
        m.next = "ANSWER"
        with m.If(self._command == NO_COMMAND):
            m.next = "IDLE"
        with m.Else():
            m.d.sync += self._timed_out.eq(0)

    def _judge(self, m):
        """After the check of the memories."""
        self._finish(m)
        with m.If(self._command != NO_COMMAND):
            with m.If(self.engine.error):
                self._refuse(m, Status.ENGINE_ERROR)
            with m.Elif(~self._program_same):
                self._refuse(m, Status.WRONG_MODEL)
            with m.Elif(self._command == Command.RUN):
                m.d.sync += self._active.eq(1)
                m.next = "START"

    def _feed(self, m):
        m.d.comb += [
            self.image.payload.payload.eq(self.frame.payload.payload),
            self.image.payload.valid.eq(self.frame.payload.valid),
            self.frame.payload.ready.eq(self.image.payload.ready), self.image.empty.eq(self.frame.empty),
        ]
        with m.If(self.image.done):
            m.next = "ANSWER"
            with m.If(self.image.too_long):
                self._refuse(m, Status.BAD_LENGTH)
            with m.If(self.engine.error):
                self._refuse(m, Status.ENGINE_ERROR)

    def _load_states(self, m):
        """LOAD_WORDS: the address, then word after word; at the end the engine says whether it took them."""
        word = Signal(8 * WORD_BYTES, reset_less=True)
        count = Signal(range(WORD_BYTES + 1))
        with m.State("LOAD ADDRESS"):
            m.d.sync += count.eq(0)
            self._operate(m, Operation.LOAD_ADDRESS, self._argument, "COLLECT")
        with m.State("COLLECT"):
            m.d.comb += self.frame.payload.ready.eq(1)
            with m.If(self.frame.payload.valid):
                m.d.sync += [word.eq(Cat(word[8:], self.frame.payload.payload)), count.eq(count + 1)]
                with m.If(count == WORD_BYTES - 1):
                    m.next = "LOAD WORD"
            with m.If(self.frame.empty):
                m.next = "LOADED"
                with m.If(count != 0):
                    self._refuse(m, Status.BAD_LENGTH)
        with m.State("LOAD WORD"):
            m.d.sync += count.eq(0)
            self._operate(m, Operation.LOAD_WORD, word, "COLLECT")
        with m.State("LOADED"):
            self._operate(m, Operation.READ, Register.STATUS, "LOAD VERDICT")
        with m.State("LOAD VERDICT"):
            m.next = "ANSWER"
            with m.If(self.operation.value[STATUS["refused"].offset]):
                self._refuse(m, Status.REFUSED)

    def _send(self, m):
        answer = self.answer.payload
        m.d.comb += [
            self.answer.valid.eq(1), answer.sequence.eq(self.frame.header.sequence), answer.command.eq(self._command),
            answer.status.eq(self._status), answer.body.eq(Body.ERROR), self.frame.release.eq(self.answer.ready),
        ]
        with m.If(self._status == Status.OK):
            with m.Switch(self._command):
                for command, body in ((Command.IDENTIFY, Body.IDENTITY), (Command.REGISTERS, Body.REGISTERS),
                                      (Command.IMAGE, Body.OFFSET), (Command.RESULT, Body.RESULT)):
                    with m.Case(command):
                        m.d.comb += answer.body.eq(body)
                with m.Default():
                    m.d.comb += answer.body.eq(Body.EMPTY)
        with m.If(self.answer.ready):
            m.next = "IDLE"

    def _refuse(self, m, status: Status):
        m.d.sync += self._status.eq(status)
        m.next = "ANSWER"
