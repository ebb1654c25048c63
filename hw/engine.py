"""The engine: its blocks and the wires between them."""

from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from firelane.hw.blocks.ports import BYTES, CsrBus, TracePort
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.memory_contents import NOTHING, MemoryContents
from firelane.hw.contract.timing import PEEK_LATENCY, scan_cycles
from firelane.hw.control.counters import FrameCounters
from firelane.hw.control.csr import Csr
from firelane.hw.control.fault import FaultRecorder
from firelane.hw.control.integrity import Integrity
from firelane.hw.control.load_port import LoadPort
from firelane.hw.control.program_memory import ProgramMemory
from firelane.hw.control.sequencer import Sequencer
from firelane.hw.control.stages import Stages
from firelane.hw.pixels.datapath import Datapath
from firelane.hw.streams.gathering_loader import GatheringLoader
from firelane.hw.streams.input_loader import InputLoader
from firelane.hw.streams.result_stream import ResultStream
from firelane.hw.taps.tap_path import TapPath


class Engine(wiring.Component):
    """Images in, results out, all from on-chip memory.

        csr <--> registers --> load port --> program memory, weights, tables      (written)
                     |                             ^
                     |         integrity ----------+                              (checked, once)
                     v                             |
                 sequencer <-- instructions -------+                              (run, frame after frame)
                     |
                     +--> input loader, result stream                             (one instruction in hand)
                     +--> stages --> tap path, data path                          (the next tile behind the one at work)

        image --> input loader --> data path --> result stream --> result
                                     ^   ^
                               taps  |   |  parameters
                                    tap path

    Errors of all blocks end in the fault recorder, which halts them; what a frame costs is counted beside it.

    Latency     a frame takes what its instructions take: see `hw.contract.timing`.
    Throughput  one image byte and one result byte a cycle at most.
    Stalling    `image` is ready only while a LOAD is under way; a result that is not taken stalls the program.
    Limits      A few cycles after an error `image` is not ready and nothing more is sent (a result that was cut off
                gets no `last`; a byte already offered stays) until CONTROL.reset. That reset forgets everything but the
                memories and CONTROL.run, in the middle of images and results, too: the other ends of the streams must
                begin anew with it.

    Parameters
    ----------
    cfg : EngineConfig
    contents : MemoryContents
        Of the memories at configuration.
    auto_run : bool
        CONTROL.run after power-up.

    Members
    -------
    image : In(BYTES)
        Pixels in row, column, channel order; `last` with the last one.
    result : Out(BYTES)
    csr : In(CsrBus())
        Registers, see `hw.contract.registers`.
    trace : Out(TracePort(cfg))
        Only with `cfg.trace`.
    """

    def __init__(self, cfg: EngineConfig, contents: MemoryContents = NOTHING, *, auto_run: bool = False):
        self._cfg = cfg
        self._contents = contents
        self._auto_run = auto_run
        members = {"image": In(BYTES), "result": Out(BYTES), "csr": In(CsrBus())}
        if cfg.trace:
            members["trace"] = Out(TracePort(cfg))
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        self._add_blocks(m)
        self._connect_registers(m)
        self._connect_memories(m)
        self._connect_program(m)
        self._connect_datapath(m)
        self._connect_streams(m)
        self._connect_errors(m)
        self._connect_counters(m)
        if self._cfg.trace:
            self._connect_trace(m)
        return m

    def _add_blocks(self, m):
        cfg, contents = self._cfg, self._contents
        self._reset = Signal()      #: CONTROL.reset: of all blocks but the registers and the program memory
        self._csr = m.submodules.csr = Csr(cfg, auto_run=self._auto_run)
        self._program_memory = m.submodules.program_memory = ProgramMemory(cfg, init=contents.program)
        self._load_port = self._add(m, "load_port", LoadPort(cfg))
        self._integrity = self._add(m, "integrity", Integrity(cfg, scan_latency=scan_cycles(cfg)))
        self._sequencer = self._add(m, "sequencer", Sequencer(cfg))
        self._stages = self._add(m, "stages", Stages(cfg))
        self._tap_path = self._add(m, "tap_path", TapPath(cfg, weights=contents.weights, values=contents.values,
                                                            runs=contents.runs))
        self._datapath = self._add(m, "datapath", Datapath(cfg))
        self._loader = self._add(m, "loader", (InputLoader if cfg.taps_per_cycle == 1 else GatheringLoader)(cfg))
        self._results = self._add(m, "results", ResultStream(cfg, peek_latency=PEEK_LATENCY))
        self._fault = self._add(m, "fault", FaultRecorder(cfg))
        self._counters = self._add(m, "counters", FrameCounters(cfg))

    def _add(self, m, name: str, block):
        """A submodule that CONTROL.reset resets."""
        m.submodules[name] = ResetInserter(self._reset)(block)
        return block

    def _connect_registers(self, m):
        """The bus, and what it shows."""
        csr, sequencer, fault, counters = self._csr, self._sequencer, self._fault, self._counters
        checked, refused = Signal(), Signal()
        with m.If(self._integrity.done & (self._integrity.error == ErrorCode.NONE)):
            m.d.sync += checked.eq(1)
        with m.If(self._load_port.written | self._reset):
            m.d.sync += checked.eq(0)
        with m.If(self._load_port.refused):
            m.d.sync += refused.eq(1)
        with m.If(self._reset):
            m.d.sync += refused.eq(0)
        connect(m, flipped(self.csr), csr.bus)
        m.d.comb += [
            self._reset.eq(csr.reset),
            csr.status.busy.eq(~sequencer.idle & ~fault.halt), csr.status.idle.eq(sequencer.idle),
            csr.status.checked.eq(checked), csr.status.error.eq(fault.halt), csr.status.refused.eq(refused),
            csr.error.eq(fault.code), csr.error_pc.eq(fault.error_pc),
            csr.program_digest.eq(Mux(checked, self._integrity.program_crc, 0)),
            csr.frames.eq(counters.frames), csr.last.eq(counters.last),
            sequencer.run.eq(csr.run), sequencer.halt.eq(fault.halt), sequencer.checked.eq(checked),
        ]

    def _connect_memories(self, m):
        """The load port's writes, and the integrity check's reads."""
        port, tap_path, memory = self._load_port, self._tap_path, self._program_memory
        integrity, sequencer = self._integrity, self._sequencer
        connect(m, self._csr.load, port.load)
        connect(m, port.program, memory.write)
        connect(m, port.weight, tap_path.weight_write)
        connect(m, port.value, tap_path.value_write)
        connect(m, port.run, tap_path.run_write)
        connect(m, integrity.scan, tap_path.scan)
        m.d.comb += [
            port.running.eq(self._csr.run | ~sequencer.idle),
            integrity.start.eq(sequencer.check_start), sequencer.check_done.eq(integrity.done),
            sequencer.program_length.eq(integrity.program_length),
            memory.read.address.eq(sequencer.program.address),
        ]
        with m.If(integrity.busy):
            m.d.comb += memory.read.address.eq(integrity.program.address)
        for block in (integrity, sequencer):
            m.d.comb += block.program.data.eq(memory.read.data)

    def _connect_program(self, m):
        """The instruction in hand goes to all blocks; each says when it is through."""
        sequencer, tap_path, datapath, stages = self._sequencer, self._tap_path, self._datapath, self._stages
        for block in (self._loader, self._results):
            m.d.comb += [block.tile.eq(sequencer.work.tile), block.layer.eq(sequencer.work.layer)]
        m.d.comb += [
            stages.coming.eq(sequencer.work), stages.tile_start.eq(sequencer.tile_start),
            stages.average_start.eq(sequencer.average_start), stages.crowded.eq(tap_path.crowded),
            stages.last.eq(tap_path.last), stages.pixels_end.eq(datapath.ends),
            tap_path.coming.eq(sequencer.work.layer), tap_path.layer.eq(stages.decode.layer),
            tap_path.address_layer.eq(stages.address.layer), tap_path.address_tile.eq(stages.address.tile),
            tap_path.table.eq(stages.address.table), tap_path.write_table.eq(sequencer.work.table),
            datapath.layer.eq(stages.pixels.layer), datapath.tile.eq(stages.pixels.tile),
            datapath.start.eq(stages.pixels_start), datapath.average_start.eq(stages.average),
        ]
        connect(m, sequencer.code_write, tap_path.code_write)
        connect(m, sequencer.kernel_write, tap_path.kernel_write)
        m.d.comb += [
            tap_path.start.eq(sequencer.tile_start),
            self._loader.start.eq(sequencer.load_start),
            self._results.start.eq(sequencer.output_start),
            sequencer.tile_ready.eq(tap_path.ready), sequencer.tiles_crowded.eq(tap_path.crowded),
            sequencer.tile_settled.eq(stages.settled), sequencer.tile_busy.eq(stages.busy),
            sequencer.load_busy.eq(self._loader.busy),
            sequencer.average_done.eq(datapath.average_done),
            sequencer.output_done.eq(self._results.done),
            sequencer.result_idle.eq(self._results.idle),
        ]

    def _connect_datapath(self, m):
        datapath = self._datapath
        connect(m, self._tap_path.taps, datapath.taps)
        connect(m, self._tap_path.parameters, datapath.parameters)
        connect(m, self._loader.write, datapath.load_write)
        if self._cfg.taps_per_cycle == 2:
            m.d.comb += [self._tap_path.load_request.eq(self._loader.request),
                         datapath.load_slot.eq(self._tap_path.load_slot)]
        connect(m, self._results.peek, datapath.peek)
        connect(m, datapath.result, self._results.average)

    def _connect_streams(self, m):
        connect(m, flipped(self.image), self._loader.image)
        connect(m, self._results.o, flipped(self.result))
        m.d.comb += [self._loader.halt.eq(self._fault.halt), self._results.halt.eq(self._fault.halt)]

    def _connect_errors(self, m):
        fault, sequencer, loader = self._fault, self._sequencer, self._loader
        tap_path, datapath = self._tap_path, self._datapath
        flags = {
            ErrorCode.BAD_INSTRUCTION: sequencer.bad_instruction,
            ErrorCode.PROGRAM_RANGE: sequencer.program_range,
            ErrorCode.ADDRESS_RANGE: (loader.address_range | self._results.address_range | tap_path.address_range
                                      | datapath.address_range),
            ErrorCode.BAD_CODE: tap_path.bad_code,
            ErrorCode.WEIGHT_RANGE: tap_path.weight_range,
            ErrorCode.PARAMETER_UNDERRUN: datapath.parameter_underrun,
            ErrorCode.DRAIN_OVERRUN: datapath.drain_overrun,
            ErrorCode.IMAGE_SHORT: loader.image_short,
            ErrorCode.IMAGE_LONG: loader.image_long,
        }
        for code in ErrorCode:
            of_check = self._integrity.done & (self._integrity.error == code)
            m.d.comb += fault.raised[code].eq(flags.get(code, of_check))
        m.d.comb += [fault.load_address.eq(loader.address_range),
                     fault.pc.eq(sequencer.pc), fault.load_pc.eq(sequencer.load_pc)]
        with m.If(tap_path.bad_code | tap_path.weight_range | tap_path.address_range):
            m.d.comb += fault.pc.eq(self._stages.address.pc)
        with m.If(datapath.address_range | datapath.parameter_underrun | datapath.drain_overrun):
            m.d.comb += fault.pc.eq(self._stages.pixels.pc)

    def _connect_counters(self, m):
        counters, sequencer, tap_path = self._counters, self._sequencer, self._tap_path
        m.d.comb += [
            counters.frame_start.eq(sequencer.frame_start), counters.frame_end.eq(sequencer.frame_end),
            counters.events.taps.eq(tap_path.tap_taken),
            counters.events.stall_decoder.eq(tap_path.stall_decoder),
            counters.events.stall_drain.eq(tap_path.stall_drain),
            counters.events.stall_input.eq(sequencer.stall_input),
            counters.events.stall_output.eq(self.result.valid & ~self.result.ready),
        ]

    def _connect_trace(self, m):
        sequencer, stages, trace = self._sequencer, self._stages, self.trace
        connect(m, self._datapath.trace, flipped(trace).write)
        load_shown = Signal()       # waits to be shown: a tile has the port in this cycle
        tile_begins, of_tile = Signal(), Signal()
        m.d.comb += [tile_begins.eq(stages.pixels_start & ~stages.average),
                     of_tile.eq(tile_begins | stages.tile_through)]
        with m.If(sequencer.load_start):
            m.d.sync += load_shown.eq(1)
        with m.Elif(~of_tile):
            m.d.sync += load_shown.eq(0)
        with m.If(of_tile):
            m.d.comb += [trace.tile_start.eq(tile_begins), trace.tile_done.eq(stages.tile_through),
                         trace.pc.eq(stages.pixels.pc)]
        with m.Elif(load_shown):
            m.d.comb += [trace.tile_start.eq(1), trace.tile_done.eq(1), trace.pc.eq(sequencer.load_pc)]
        with m.Else():
            m.d.comb += [trace.tile_start.eq(sequencer.step_start), trace.tile_done.eq(sequencer.step_done),
                         trace.pc.eq(sequencer.pc)]
