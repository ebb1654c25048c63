"""Checks the contents of the memories before the first frame computes with them."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import crc, data, enum, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.pipeline import delay
from firelane.hw.blocks.ports import ScanPort, ScanSelect, program_read_port
from firelane.hw.contract.config import MEMORY_BITS, EngineConfig, bits_for
from firelane.hw.contract.error_code import ErrorCode
from firelane.hw.contract.instruction import FORMAT_VERSION, HEADER_WORDS, MAGIC, Header
from firelane.hw.contract.timing import PROGRAM_LATENCY

CRC_DATA_BITS = 40      #: a word as 5 bytes
CRC_BITS = 32
LENGTH_BITS = 18
CRCS = (Header.PROGRAM_CRC, Header.WEIGHT_CRC, Header.TABLE_CRC)
CRC_START = Header.PROGRAM_CRC + 1      #: first program word that the program's CRC covers

_TABLE_LENGTHS = data.StructLayout({"values": LENGTH_BITS, "runs": LENGTH_BITS})


class Section(enum.Enum, shape=3):
    """What is being read."""

    HEADER = 0
    PROGRAM = 1
    WEIGHT = 2
    VALUE = 3
    RUN = 4


class Integrity(wiring.Component):
    """Compares identity, configuration, lengths and the three CRCs of a program with its header.

    Latency     `hw.contract.timing.integrity_cycles` from `start` to `done` if nothing is wrong; an error ends it
    earlier. Throughput  a word per cycle.
    Limits      the memories must not be written meanwhile.

    Parameters
    ----------
    cfg : EngineConfig
    scan_latency : int
        Cycles from `scan.address` to `scan.data`.

    Members
    -------
    start : In(1)
        Pulse.
    busy : Out(1)
        The program memory's port is needed.
    done : Out(1)
        Pulse, together with `error`.
    error : Out(ErrorCode)
        NONE if the program is sound.
    program_length, program_crc : Out
        The header's, valid from `done` on.
    program : Out(program_read_port(cfg))
    scan : Out(ScanPort())
        To the weight memory and the symbol tables.
    """

    def __init__(self, cfg: EngineConfig, *, scan_latency: int):
        self._cfg = cfg
        self._scan_latency = scan_latency
        super().__init__({
            "start": In(1), "busy": Out(1), "done": Out(1), "error": Out(ErrorCode),
            "program_length": Out(bits_for(cfg.program_words + 1)), "program_crc": Out(CRC_BITS),
            "program": Out(program_read_port(cfg)), "scan": Out(ScanPort()),
        })

    def elaborate(self, platform):
        m = Module()
        self._section = section = Signal(Section)
        self._header = Signal(data.ArrayLayout(MEMORY_BITS, HEADER_WORDS), reset_less=True)
        self._issued = Signal()
        self._address = address = Signal(LENGTH_BITS + 1, reset_less=True)
        m.d.comb += [
            self.program.address.eq(address),
            self.scan.address.eq(address),
            self.scan.select.eq(Mux(section == Section.VALUE, ScanSelect.VALUE,
                                    Mux(section == Section.RUN, ScanSelect.RUN, ScanSelect.WEIGHT))),
            self.program_length.eq(self._header[Header.PROGRAM_LENGTH]),
            self.program_crc.eq(self._header[Header.PROGRAM_CRC]),
        ]
        self._receive(m)
        self._sequence(m)
        return m

    def _receive(self, m):
        """Words into the header registers and the CRC. `arrived`: a word is on its port, `pending`: or on its way."""
        section = self._section
        stages = []
        for cycle in range(max(PROGRAM_LATENCY, self._scan_latency)):
            stages.append(Signal(name=f"issued_d{cycle + 1}"))
            m.d.sync += stages[-1].eq(stages[-2] if cycle else self._issued)
        from_program = (section == Section.HEADER) | (section == Section.PROGRAM)
        arrived = Mux(from_program, stages[PROGRAM_LATENCY - 1], stages[self._scan_latency - 1])
        self._pending = Signal()
        m.d.comb += self._pending.eq(Cat(stages).any())

        place = Signal(range(HEADER_WORDS), reset_less=True)
        with m.If(section != Section.HEADER):
            m.d.sync += place.eq(0)
        with m.Elif(arrived):
            m.d.sync += [self._header[place].eq(self.program.data), place.eq(place + 1)]

        # One register ahead of the wide exclusive-ors.
        word, word_valid = Signal(MEMORY_BITS, reset_less=True), Signal()
        m.d.sync += [word.eq(Mux(from_program, self.program.data, self.scan.data)), word_valid.eq(arrived)]
        m.submodules.crc = self._crc = crc.Processor(CRC32_ISO_HDLC(data_width=CRC_DATA_BITS))
        m.d.comb += [self._crc.data.eq(word), self._crc.valid.eq(word_valid)]
        # Comparisons are registered: while a section settles, nothing that they compare changes any more.
        self._differs = {name: Signal(name=f"differs_{name.name.lower()}", reset_less=True) for name in CRCS}
        m.d.sync += [differs.eq(self._crc.crc != self._header[name][:CRC_BITS])
                     for name, differs in self._differs.items()]
        self._header_errors = self._wrong_headers(m)
        self._settled = Signal()
        m.d.comb += self._settled.eq(~self._pending & ~word_valid)

    def _wrong_headers(self, m):
        """(condition, error) of the header, a cycle late; first match counts."""
        cfg, header = self._cfg, self._header
        length, weights = header[Header.PROGRAM_LENGTH], header[Header.WEIGHT_LENGTH]
        tables = data.View(_TABLE_LENGTHS, header[Header.TABLE_LENGTHS])
        bad_length = ((length <= HEADER_WORDS) | (length > cfg.program_words) | (weights > cfg.weight_words)
                      | (tables.values > cfg.value_symbols) | (tables.runs > cfg.run_symbols))
        conditions = ((header[Header.IDENTITY] != (MAGIC << 8 | FORMAT_VERSION), ErrorCode.BAD_IDENTITY),
                      (header[Header.CONFIG_DIGEST] != cfg.digest, ErrorCode.CONFIG_MISMATCH),
                      (bad_length, ErrorCode.BAD_LENGTH))
        return [(delay(m, condition, 1, name=error.name.lower()), error) for condition, error in conditions]

    def _sequence(self, m):
        section, address = self._section, self._address
        end = Signal(LENGTH_BITS + 1, reset_less=True)
        m.d.comb += self.busy.eq(1)
        m.d.sync += self._crc.start.eq(0)
        with m.FSM(name="integrity"):
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                m.d.sync += [section.eq(Section.HEADER), address.eq(0), end.eq(HEADER_WORDS)]
                with m.If(self.start):
                    m.next = "READ"
            with m.State("READ"):
                with m.If(address == end):
                    m.next = "SETTLE"
                with m.Else():
                    m.d.comb += self._issued.eq(1)
                    m.d.sync += address.eq(address + 1)
            with m.State("SETTLE"):
                with m.If(self._settled):
                    m.next = "JUDGE"
            with m.State("JUDGE"):
                self._judge(m, end)

    def _judge(self, m, end):
        """A section is complete: compare, and begin the next."""
        header, section, address = self._header, self._section, self._address
        tables = data.View(_TABLE_LENGTHS, header[Header.TABLE_LENGTHS])

        def stop_if(condition, error):
            with m.If(condition):
                m.d.comb += [self.error.eq(error), self.done.eq(1)]
                m.next = "IDLE"

        def compare(expected, error):
            stop_if(self._differs[expected], error)

        def begin(following, first, last, *, restart):
            m.d.sync += [self._crc.start.eq(restart), section.eq(following), address.eq(first), end.eq(last)]

        m.next = "READ"
        with m.Switch(section):
            with m.Case(Section.HEADER):
                begin(Section.PROGRAM, Const(CRC_START), header[Header.PROGRAM_LENGTH], restart=1)
                for condition, error in reversed(self._header_errors):
                    stop_if(condition, error)
            with m.Case(Section.PROGRAM):
                begin(Section.WEIGHT, Const(0), header[Header.WEIGHT_LENGTH], restart=1)
                compare(Header.PROGRAM_CRC, ErrorCode.PROGRAM_CRC)
            with m.Case(Section.WEIGHT):
                begin(Section.VALUE, Const(0), tables.values, restart=1)
                compare(Header.WEIGHT_CRC, ErrorCode.WEIGHT_CRC)
            with m.Case(Section.VALUE):
                begin(Section.RUN, Const(0), tables.runs, restart=0)
            with m.Case(Section.RUN):
                m.d.comb += self.done.eq(1)
                m.next = "IDLE"
                compare(Header.TABLE_CRC, ErrorCode.TABLE_CRC)
