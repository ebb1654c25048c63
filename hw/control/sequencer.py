"""Runs the program: checks it, then instruction after instruction, frame after frame."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from firelane.hw.blocks.ports import TABLE_WRITES, program_read_port
from firelane.hw.contract.config import EngineConfig, bits_for
from firelane.hw.contract.instruction import HEADER_WORDS, Opcode, instruction_words
from firelane.hw.contract.timing import LOAD_SETTLE_CYCLES
from firelane.hw.control.fetch import Fetch
from firelane.hw.control.instruction_check import InstructionCheck
from firelane.hw.control.stages import work_layout


class Sequencer(wiring.Component):
    """Fetches and dispatches.

    A frame is the instructions from word HEADER_WORDS up to END. While a TILE runs, the next instruction is fetched and
    checked; if that is a TILE, it starts when the tap path can take it. All others wait until every tile is through
    (a LOAD that is `beside`: every tile but the last). AVERAGE and OUTPUT are started and waited for; LOAD is started
    as soon as the loader is free, too, and the program goes on beside it. END waits until image and results are done
    with. With `run`, the next frame follows at once.

    What is wrong with an instruction is said when it would have its turn: an error of the tile before comes first.

    Latency     START_LAG and NEXT_LAG of `hw.contract.timing` an instruction, besides its fetch and what it does.
    Stalling    by `load_busy`, `result_idle` and the blocks that are started. From the cycle after `halt` on,
                nothing changes any more.

    Members
    -------
    run, halt : In(1)
        Compute; an error is kept.
    checked : In(1)
        The memories are sound; if not, `check_start` pulses and `check_done` is waited for before the next frame.
    program_length : In
        Words of the program, known once checked.
    program : Out(program_read_port(cfg))
    work : Out(work_layout(cfg))
        The instruction in hand; stable from before its start to the second cycle after it, or until it is through.
    code_write, kernel_write : Out(TABLE_WRITES)
        Tables of the TILE to come; `work.table` says to which of two memories the kernel table goes.
    tile_start, load_start, average_start, output_start : Out(1)
        Pulses.
    tile_ready : In(1)
        A TILE may start in the next cycle.
    tiles_crowded : In(1)
        From the cycle after the start of a TILE until another instruction may be fetched behind it.
    tile_settled : In(1)
        All tiles are through but the last one that started.
    tile_busy, load_busy : In(1)
        High from the cycle after the start until everything is written.
    average_done, output_done : In(1)
        Pulses.
    result_idle : In(1)
        All results have been accepted.
    idle : Out(1)
        No frame and no check is under way.
    frame_start, frame_end : Out(1)
        Pulses. `frame_start` comes one cycle before the first fetch, `frame_end` when END is through.
    stall_input : Out(1)
        An instruction waits for the loader.
    pc, load_pc : Out
        Word of the instruction in hand, which may be fetched ahead, and of the LOAD that was started last.
    step_start, step_done : Out(1)
        Pulses for traces: an AVERAGE or OUTPUT starts; it is through.
    bad_instruction, program_range : Out(1)
        Error pulses.
    """

    def __init__(self, cfg: EngineConfig):
        self._cfg = cfg
        address = bits_for(cfg.program_words)
        super().__init__({
            "run": In(1), "halt": In(1), "checked": In(1), "check_start": Out(1), "check_done": In(1),
            "program_length": In(bits_for(cfg.program_words + 1)),
            "program": Out(program_read_port(cfg)),
            "work": Out(work_layout(cfg)),
            "code_write": Out(TABLE_WRITES), "kernel_write": Out(TABLE_WRITES),
            "tile_start": Out(1), "load_start": Out(1), "average_start": Out(1), "output_start": Out(1),
            "tile_ready": In(1), "tiles_crowded": In(1), "tile_settled": In(1), "tile_busy": In(1), "load_busy": In(1),
            "average_done": In(1), "output_done": In(1), "result_idle": In(1),
            "idle": Out(1), "frame_start": Out(1), "frame_end": Out(1), "stall_input": Out(1),
            "pc": Out(address), "load_pc": Out(address), "step_start": Out(1), "step_done": Out(1),
            "bad_instruction": Out(1), "program_range": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.fetch = fetch = Fetch(self._cfg)
        m.submodules.check = check = InstructionCheck(self._cfg)
        connect(m, fetch.program, flipped(self.program))
        connect(m, fetch.code_write, flipped(self.code_write))
        connect(m, fetch.kernel_write, flipped(self.kernel_write))
        m.d.comb += [
            fetch.program_length.eq(self.program_length), fetch.pc.eq(self.pc),
            fetch.forget.eq(self.frame_start),
            self.work.tile.eq(fetch.tile), self.work.layer.eq(fetch.layer), self.work.table.eq(fetch.table),
            self.work.pc.eq(self.pc),
            check.tile.eq(fetch.tile), check.layer.eq(fetch.layer),
            check.kernel_write.valid.eq(fetch.kernel_write.valid),
            check.kernel_write.payload.eq(fetch.kernel_write.payload),
        ]
        # The opcode is here long before its turn. What says that it is its turn comes from afar.
        self._is = {opcode: Signal(name=f"is_{opcode.name.lower()}") for opcode in Opcode}
        m.d.sync += [is_it.eq(fetch.tile.opcode.as_value() == opcode.value) for opcode, is_it in self._is.items()]
        halted, self._starting, self._load_settles = Signal(), Signal(), Signal()
        self._out_of_range = Signal()       #: a word of the instruction in hand lies beyond the program
        with m.If(fetch.range_error):
            m.d.sync += self._out_of_range.eq(1)
        # An error of the last pixel must stop the engine before the frame can count as complete.
        settling = Signal(LOAD_SETTLE_CYCLES)
        m.d.comb += self._load_settles.eq(settling.any())
        m.d.sync += [halted.eq(self.halt), settling.eq(Cat(self.load_busy, settling))]
        with m.If(~halted):
            self._run(m, fetch, check)
        self._pulse(m)
        return m

    def _run(self, m, fetch, check):
        with m.FSM(name="sequencer"):
            with m.State("IDLE"):
                m.d.comb += self.idle.eq(~self.run)
                with m.If(self.run & self.checked):
                    m.d.comb += self.frame_start.eq(1)
                    m.d.sync += self.pc.eq(HEADER_WORDS)
                    m.next = "NEXT"
                with m.Elif(self.run):
                    m.d.comb += self.check_start.eq(1)
                    m.next = "INTEGRITY"
            with m.State("INTEGRITY"):
                with m.If(self.check_done):
                    m.next = "VERDICT"
            with m.State("VERDICT"):        # for ever, if the check has found an error
                with m.If(self.checked):
                    m.next = "IDLE"
            with m.State("NEXT"):
                m.d.comb += fetch.start.eq(1)
                m.next = "FETCH"
            with m.State("FETCH"):
                with m.If(fetch.done):
                    m.next = "CHECK"
            with m.State("CHECK"):
                self._check(m)
            with m.State("WRONG"):          # for ever: `halt` follows
                m.d.comb += [self.program_range.eq(self._out_of_range & ~self.tile_busy),
                             self.bad_instruction.eq(~self._out_of_range & ~self.tile_busy)]
            with m.State("TURN"):
                beside = self._is[Opcode.LOAD] & self.work.tile.beside
                m.d.comb += self._starting.eq(Mux(self._is[Opcode.TILE], self.tile_ready,
                                                  ~self.tile_busy | (beside & self.tile_settled)))
                with m.If(self._starting):
                    m.next = "START"
                with m.If(check.bad):
                    m.d.comb += self._starting.eq(0)
                    m.next = "WRONG"
            with m.State("START"):
                self._start(m)
            with m.State("EXECUTE"):
                self._execute(m)

    def _check(self, m):
        """Need the instruction wait for the loader? Whether it is sound is known in its turn."""
        tile, opcode = self.work.tile, self.work.tile.opcode.as_value()
        is_end, waits = opcode == Opcode.END.value, Signal()
        m.d.comb += waits.eq((self.load_busy & (tile.wait_load | (opcode == Opcode.LOAD.value)))
                             | (is_end & (self.load_busy | self._load_settles)))
        with m.If(self._out_of_range):
            m.next = "WRONG"
        with m.Elif(waits):
            m.d.comb += self.stall_input.eq(~self.tile_busy)
        with m.Elif(is_end):
            with m.If(self.result_idle & ~self.tile_busy):
                m.d.comb += self.frame_end.eq(1)
                m.next = "IDLE"
        with m.Else():
            m.next = "TURN"

    def _pulse(self, m):
        """The starts, in the cycle of START: from registers, for they go far."""
        for start, opcode in ((self.tile_start, Opcode.TILE), (self.average_start, Opcode.AVERAGE),
                              (self.output_start, Opcode.OUTPUT), (self.load_start, Opcode.LOAD)):
            m.d.sync += start.eq(self._starting & self._is[opcode])

    def _start(self, m):
        m.next = "EXECUTE"
        with m.Switch(self.work.tile.opcode):
            with m.Case(Opcode.AVERAGE, Opcode.OUTPUT):
                m.d.comb += self.step_start.eq(1)
            with m.Case(Opcode.LOAD):
                m.d.sync += self.load_pc.eq(self.pc)

    def _execute(self, m):
        goes_on = Signal()
        with m.Switch(self.work.tile.opcode):
            with m.Case(Opcode.TILE):
                m.d.comb += goes_on.eq(~self.tiles_crowded)
            with m.Case(Opcode.AVERAGE):
                m.d.comb += self.step_done.eq(self.average_done)
            with m.Case(Opcode.OUTPUT):
                m.d.comb += self.step_done.eq(self.output_done)
            with m.Case(Opcode.LOAD):
                m.d.comb += goes_on.eq(1)
        with m.If(goes_on | self.step_done):
            m.d.sync += self.pc.eq(self.pc + instruction_words(self._cfg))
            m.next = "NEXT"
