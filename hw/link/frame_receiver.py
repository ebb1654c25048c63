"""From line bytes to checked frames."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import crc, stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.ports import Port
from firelane.hw.contract.config import bits_for
from firelane.hw.contract.link_protocol import (
    CRC_BYTES,
    ESCAPE,
    ESCAPE_XOR,
    FLAG,
    HEADER,
    HEADER_BYTES,
    PAYLOAD_BYTES,
    Status,
)

OVERHEAD = HEADER_BYTES + CRC_BYTES


class FramePort(Port):
    """The frame that is held, from the side that holds it.

    Members
    -------
    valid : Out(1)
        A frame is held: all the others belong to it.
    status : Out(Status)
        OK, or a frame error.
    header : Out(HEADER)
    payload : Out(stream of 8)
        The next payload byte; skip or take as many as wanted.
    empty : Out(1)
        No payload byte is left.
    release : In(1)
        Pulse: the frame is done with.
    """

    def __init__(self):
        super().__init__({"valid": Out(1), "status": Out(Status), "header": Out(HEADER),
                          "payload": Out(stream.Signature(8)), "empty": Out(1), "release": In(1)})


class FrameReceiver(wiring.Component):
    """Holds one frame, good or bad, until it is released; what comes meanwhile is dropped up to the next FLAG.

    A good frame shows its header, and its payload byte by byte. A bad one shows why, with a header of zeros and
    without payload. FLAGs without anything between them are no frame.

    Latency     3 cycles from the closing FLAG to `frame.valid`.
    Throughput  a byte per cycle in, a payload byte per 2 cycles out.
    Stalling    `i` never stalls.
    Limits      one block RAM holds PAYLOAD_BYTES.

    Members
    -------
    i : In(stream of 8)
        From the line; always taken.
    frame : Out(FramePort())
    """

    i: In(stream.Signature(8, always_ready=True))
    frame: Out(FramePort())

    def elaborate(self, platform):
        m = Module()
        m.submodules.buffer = buffer = Memory(shape=8, depth=PAYLOAD_BYTES, init=[],
                                              attrs={"ram_style": "block", "no_rw_check": 1})
        m.submodules.crc = self._crc = crc.Processor(CRC32_ISO_HDLC(data_width=8))
        self._hunting = Signal(init=1)      #: for the FLAG that begins a frame
        self._count = Signal(range(PAYLOAD_BYTES + OVERHEAD + 2))       #: bytes of the frame, up to one too many
        self._header = Signal(HEADER, reset_less=True)
        self._closed = Signal()             #: a FLAG has ended a frame, the cycle before
        byte, byte_valid, flag = self._unescape(m)
        self._collect(m, byte, byte_valid, flag, buffer.write_port())
        self._delimit(m, byte_valid, flag)
        self._judge(m)
        self._read(m, buffer.read_port(domain="comb"))      # with a register behind it, see hw.control.program_memory
        return m

    def _unescape(self, m):
        """(byte, it is one, FLAG), a cycle behind the line."""
        escaped, byte, byte_valid, flag = Signal(), Signal(8, reset_less=True), Signal(), Signal()
        is_flag, is_escape = self.i.payload == FLAG, self.i.payload == ESCAPE
        m.d.sync += [
            byte.eq(Mux(escaped, self.i.payload ^ ESCAPE_XOR, self.i.payload)),
            byte_valid.eq(self.i.valid & ~is_flag & ~is_escape),
            flag.eq(self.i.valid & is_flag),
        ]
        with m.If(self.i.valid):
            m.d.sync += escaped.eq(is_escape)
        return byte, byte_valid, flag

    def _collect(self, m, byte, byte_valid, flag, write):
        """Header to its register, payload and CRC to the buffer (which may be too small for the CRC, and need not)."""
        count, header = self._count, self._header
        take, in_header = Signal(), count < HEADER_BYTES
        m.d.comb += [
            take.eq(byte_valid & ~self._hunting & ~self._closed & ~self.frame.valid),
            self._crc.data.eq(byte), self._crc.valid.eq(take), self._crc.start.eq(flag),
            write.addr.eq(count - HEADER_BYTES), write.data.eq(byte),
            write.en.eq(take & ~in_header & (count < PAYLOAD_BYTES + HEADER_BYTES)),
        ]
        with m.If(take):
            with m.If(count <= PAYLOAD_BYTES + OVERHEAD):
                m.d.sync += count.eq(count + 1)
            with m.If(in_header):
                m.d.sync += header.eq(header.as_value() >> 8 | byte << 8 * (HEADER_BYTES - 1))

    def _delimit(self, m, byte_valid, flag):
        """Where frames begin and end; a frame that begins while another is held is not taken."""
        busy = self._closed | self.frame.valid
        m.d.sync += self._closed.eq(flag & ~self._hunting & ~busy & (self._count != 0))
        with m.If(flag):
            m.d.sync += self._hunting.eq(0)
        with m.Elif(byte_valid & busy):
            m.d.sync += self._hunting.eq(1)
        with m.If((flag & self._hunting) | busy):
            m.d.sync += self._count.eq(0)

    def _judge(self, m):
        """The verdict, in the cycle of `closed`, from what was registered in the cycle of the FLAG."""
        matches, sane, good = Signal(), Signal(), Signal()
        length = Signal(HEADER["length"].shape)
        m.d.comb += [length.eq(self._header.length), good.eq(matches & sane)]
        m.d.sync += [
            matches.eq(self._crc.match_detected),
            sane.eq((length + OVERHEAD == self._count) & (self._count >= OVERHEAD)),
        ]
        with m.If(self._closed):
            m.d.sync += [self.frame.valid.eq(1), self.frame.header.eq(Mux(good, self._header.as_value(), 0))]
            with m.If(self._count > PAYLOAD_BYTES + OVERHEAD):
                m.d.sync += [self.frame.status.eq(Status.OVERSIZED), self.frame.header.eq(0)]
            with m.Elif(~matches):
                m.d.sync += self.frame.status.eq(Status.BAD_CRC)
            with m.Elif(~sane):
                m.d.sync += self.frame.status.eq(Status.BAD_LENGTH)
            with m.Else():
                m.d.sync += self.frame.status.eq(Status.OK)
        with m.If(self.frame.release):
            m.d.sync += self.frame.valid.eq(0)

    def _read(self, m, read):
        """The payload, from the buffer."""
        address, left = Signal(bits_for(PAYLOAD_BYTES), reset_less=True), Signal(bits_for(PAYLOAD_BYTES + 1))
        word, started, settled = Signal(8, reset_less=True), Signal(), Signal()
        some = Signal(reset_less=True)      # of `left`, a cycle late: it changes only while nothing is `settled`
        m.d.comb += [
            read.addr.eq(address), self.frame.payload.payload.eq(word),
            self.frame.empty.eq(started & (left == 0)), self.frame.payload.valid.eq(settled & some),
        ]
        m.d.sync += [some.eq(left != 0), word.eq(read.data), started.eq(self.frame.valid), settled.eq(started)]
        with m.If(~started):
            m.d.sync += [address.eq(0), left.eq(self.frame.header.length)]
        with m.Elif(self.frame.payload.valid & self.frame.payload.ready):
            m.d.sync += [address.eq(address + 1), left.eq(left - 1), settled.eq(0)]
        with m.If(self.frame.release):
            m.d.sync += [started.eq(0), settled.eq(0)]
