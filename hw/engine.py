"""The engine: its blocks and the wires between them."""

from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import BANK_WORD_BITS
from firelane.hw.contract.config import BANK_PIXELS, PIXEL_BITS, EngineConfig, bits_for
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.registers import CSR_ADDRESS_BITS, CSR_BITS
from firelane.hw.contract.timing import PEEK_LATENCY, scan_cycles
from firelane.hw.control.counters import FrameCounters
from firelane.hw.control.csr import Csr
from firelane.hw.control.fault import FaultRecorder
from firelane.hw.control.integrity import Integrity
from firelane.hw.control.load_port import LoadPort
from firelane.hw.control.program_memory import ProgramMemory
from firelane.hw.control.sequencer import Sequencer
from firelane.hw.pixels.datapath import Datapath
from firelane.hw.streams.input_loader import InputLoader
from firelane.hw.streams.result_stream import ResultStream
from firelane.hw.taps.tap_path import TapPath


def _stream(m, source, sink):
    """Connect two streams of equally laid out payloads."""
    m.d.comb += [sink.valid.eq(source.valid), sink.payload.eq(source.payload), source.ready.eq(sink.ready)]


class Engine(wiring.Component):
    """Images in, results out, all from on-chip memory.

    Latency     a frame takes what its instructions take: see `hw.contract.timing`.
    Throughput  one image byte and one result byte a cycle at most.
    Stalling    `s_axis` is ready only while a LOAD is under way; a result that is not taken stalls the program.
    Limits      A few cycles after an error `s_axis` is not ready and nothing more is sent (a packet that was cut off
                gets no tlast; a byte already offered stays) until CONTROL.reset. That reset forgets everything but the
                memories and CONTROL.run, in the middle of packets, too: the other ends of the streams must begin anew
                with it.

    Parameters
    ----------
    cfg : EngineConfig
    program, weights, values, runs : sequence of int
        First words of the memories at configuration.
    auto_run : bool
        CONTROL.run after power-up.

    Members
    -------
    s_axis_tdata, s_axis_tvalid, s_axis_tready, s_axis_tlast
        Image bytes in row, column, channel order; tlast with the last one.
    m_axis_tdata, m_axis_tvalid, m_axis_tready, m_axis_tlast
        Results.
    csr_address, csr_write, csr_write_data, csr_read_data
        Registers, see `hw.contract.registers`.
    trace_write_valid, trace_write_bank, trace_write_address, trace_write_enable, trace_write_data : Out
        (cfg.trace) Each write into the activation memory but the loader's.
    trace_tile_start, trace_tile_done, trace_pc : Out
        (cfg.trace) An instruction other than END starts; the program goes on (at a LOAD: while it is under way); the
        instruction's word.
    """

    def __init__(self, cfg: EngineConfig, *, program=(), weights=(), values=(), runs=(), auto_run: bool = False):
        self._cfg = cfg
        self._program = program
        self._tables = {"weights": weights, "values": values, "runs": runs}
        self._auto_run = auto_run
        ports = {
            "s_axis_tdata": In(PIXEL_BITS), "s_axis_tvalid": In(1), "s_axis_tready": Out(1), "s_axis_tlast": In(1),
            "m_axis_tdata": Out(PIXEL_BITS), "m_axis_tvalid": Out(1), "m_axis_tready": In(1), "m_axis_tlast": Out(1),
            "csr_address": In(CSR_ADDRESS_BITS), "csr_write": In(1), "csr_write_data": In(CSR_BITS),
            "csr_read_data": Out(CSR_BITS),
        }
        if cfg.trace:
            ports |= {
                "trace_write_valid": Out(1), "trace_write_bank": Out(bits_for(cfg.banks)),
                "trace_write_address": Out(cfg.address_bits), "trace_write_enable": Out(BANK_PIXELS),
                "trace_write_data": Out(BANK_WORD_BITS),
                "trace_tile_start": Out(1), "trace_tile_done": Out(1), "trace_pc": Out(bits_for(cfg.program_words)),
            }
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        cfg = self._cfg
        self._reset = Signal()
        self._csr = m.submodules.csr = Csr(cfg, auto_run=self._auto_run)
        self._program_memory = m.submodules.program_memory = ProgramMemory(cfg, init=self._program)
        self._load_port = self._add(m, "load_port", LoadPort(cfg))
        self._integrity = self._add(m, "integrity", Integrity(cfg, scan_latency=scan_cycles(cfg)))
        self._sequencer = self._add(m, "sequencer", Sequencer(cfg))
        self._tap_path = self._add(m, "tap_path", TapPath(cfg, **self._tables))
        self._datapath = self._add(m, "datapath", Datapath(cfg))
        self._loader = self._add(m, "loader", InputLoader(cfg))
        self._results = self._add(m, "results", ResultStream(cfg, peek_latency=PEEK_LATENCY))
        self._fault = self._add(m, "fault", FaultRecorder(cfg))
        self._counters = self._add(m, "counters", FrameCounters())
        self._build_registers(m)
        self._build_memories(m)
        self._build_program(m)
        self._build_datapath(m)
        self._build_streams(m)
        self._build_errors(m)
        self._build_counters(m)
        if cfg.trace:
            self._build_trace(m)
        return m

    def _add(self, m, name: str, block):
        """A submodule that CONTROL.reset resets."""
        m.submodules[name] = ResetInserter(self._reset)(block)
        return block

    def _build_registers(self, m):
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
        m.d.comb += [
            self._reset.eq(csr.reset),
            csr.csr_address.eq(self.csr_address), csr.csr_write.eq(self.csr_write),
            csr.csr_write_data.eq(self.csr_write_data), self.csr_read_data.eq(csr.csr_read_data),
            csr.status.busy.eq(~sequencer.idle & ~fault.halt), csr.status.idle.eq(sequencer.idle),
            csr.status.checked.eq(checked), csr.status.error.eq(fault.halt), csr.status.refused.eq(refused),
            csr.error.eq(fault.code), csr.error_pc.eq(fault.error_pc),
            csr.program_digest.eq(Mux(checked, self._integrity.program_crc, 0)),
            csr.frames.eq(counters.frames), csr.last.eq(counters.last),
            sequencer.run.eq(csr.run), sequencer.halt.eq(fault.halt), sequencer.checked.eq(checked),
        ]

    def _build_memories(self, m):
        """The load port's writes, and the integrity check's reads."""
        csr, port, tap_path, memory = self._csr, self._load_port, self._tap_path, self._program_memory
        integrity, sequencer = self._integrity, self._sequencer
        m.d.comb += [
            port.load_address_valid.eq(csr.load_address_valid), port.load_high_valid.eq(csr.load_high_valid),
            port.load_low_valid.eq(csr.load_low_valid), port.load_data.eq(csr.load_data),
            port.running.eq(csr.run | ~sequencer.idle),
            memory.write_valid.eq(port.program_write_valid), memory.write.eq(port.write),
            memory.address.eq(sequencer.address),
            integrity.start.eq(sequencer.check_start), sequencer.check_done.eq(integrity.done),
            integrity.data.eq(memory.data), sequencer.data.eq(memory.data),
            sequencer.program_length.eq(integrity.program_length),
            tap_path.scan_select.eq(integrity.scan_select), tap_path.scan_address.eq(integrity.scan_address),
            integrity.scan_data.eq(tap_path.scan_data),
        ]
        with m.If(integrity.busy):
            m.d.comb += memory.address.eq(integrity.address)
        for valid, write in ((port.weight_write_valid, tap_path.weight_write),
                             (port.value_write_valid, tap_path.value_write),
                             (port.run_write_valid, tap_path.run_write)):
            m.d.comb += [write.valid.eq(valid), write.payload.eq(port.write)]

    def _build_program(self, m):
        """The instruction in hand goes to all blocks; each says when it is through."""
        sequencer, tap_path, datapath = self._sequencer, self._tap_path, self._datapath
        for block in (tap_path, datapath, self._loader, self._results):
            m.d.comb += [block.tile.eq(sequencer.tile), block.layer.eq(sequencer.layer)]
        m.d.comb += [
            tap_path.code_write.valid.eq(sequencer.code_write_valid),
            tap_path.code_write.payload.eq(sequencer.code_write),
            tap_path.kernel_write.valid.eq(sequencer.kernel_write_valid),
            tap_path.kernel_write.payload.eq(sequencer.kernel_write),
            tap_path.start.eq(sequencer.tile_start), datapath.start.eq(sequencer.tile_start),
            self._loader.start.eq(sequencer.load_start),
            datapath.average_start.eq(sequencer.average_start),
            self._results.start.eq(sequencer.output_start),
            sequencer.tile_busy.eq(tap_path.busy | datapath.busy),
            sequencer.load_busy.eq(self._loader.busy),
            sequencer.average_done.eq(datapath.average_done),
            sequencer.output_done.eq(self._results.done),
            sequencer.result_idle.eq(self._results.idle),
        ]

    def _build_datapath(self, m):
        tap_path, datapath, results = self._tap_path, self._datapath, self._results
        m.d.comb += [
            datapath.tap_valid.eq(tap_path.tap_valid), datapath.tap.eq(tap_path.tap),
            datapath.peek_enable.eq(results.peek_enable), datapath.peek_address.eq(results.peek_address),
            datapath.peek_bank.eq(results.peek_bank), datapath.peek_pixel.eq(results.peek_pixel),
            results.peek_data.eq(datapath.peek_data),
        ]
        _stream(m, tap_path.parameters, datapath.parameters)
        _stream(m, self._loader.write, datapath.load_write)
        _stream(m, datapath.result, results.average)

    def _build_streams(self, m):
        image, result = self._loader.image, self._results.o
        m.d.comb += [
            image.payload.data.eq(self.s_axis_tdata), image.payload.last.eq(self.s_axis_tlast),
            image.valid.eq(self.s_axis_tvalid), self.s_axis_tready.eq(image.ready),
            self.m_axis_tdata.eq(result.payload.data), self.m_axis_tlast.eq(result.payload.last),
            self.m_axis_tvalid.eq(result.valid), result.ready.eq(self.m_axis_tready),
            self._loader.halt.eq(self._fault.halt), self._results.halt.eq(self._fault.halt),
        ]

    def _build_errors(self, m):
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

    def _build_counters(self, m):
        counters, sequencer, tap_path = self._counters, self._sequencer, self._tap_path
        m.d.comb += [
            counters.frame_start.eq(sequencer.frame_start), counters.frame_end.eq(sequencer.frame_end),
            counters.events.taps.eq(tap_path.tap_taken),
            counters.events.stall_decoder.eq(tap_path.stall_decoder),
            counters.events.stall_drain.eq(tap_path.stall_drain),
            counters.events.stall_input.eq(sequencer.stall_input),
            counters.events.stall_output.eq(self.m_axis_tvalid & ~self.m_axis_tready),
        ]

    def _build_trace(self, m):
        datapath, sequencer = self._datapath, self._sequencer
        m.d.comb += [
            self.trace_write_valid.eq(datapath.trace_valid), self.trace_write_bank.eq(datapath.trace_bank),
            self.trace_write_address.eq(datapath.trace_address), self.trace_write_enable.eq(datapath.trace_enable),
            self.trace_write_data.eq(datapath.trace_data),
            self.trace_tile_start.eq(sequencer.step_start), self.trace_tile_done.eq(sequencer.step_done),
            self.trace_pc.eq(sequencer.pc),
        ]
