"""From an answer to line bytes."""

from amaranth.hdl import Module, Signal
from amaranth.lib import crc, stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from firelane.hw.contract.link_protocol import CRC_BYTES, ESCAPE, ESCAPE_XOR, FLAG, HEADER, HEADER_BYTES


class FrameSender(wiring.Component):
    """Sends frames: FLAG, header, payload, CRC, FLAG, with FLAG and ESCAPE escaped in between.

    Latency     3 cycles from `header` to the first FLAG.
    Throughput  a byte per 2 cycles, and 2 cycles a frame.
    Stalling    on `payload` and `o`.

    Members
    -------
    header : In(stream of HEADER)
        Begins a frame.
    payload : In(stream of 8)
        The `length` bytes that the header promises.
    o : Out(stream of 8)
        To the line.
    """

    header: In(stream.Signature(HEADER))
    payload: In(stream.Signature(8))
    o: Out(stream.Signature(8))

    def elaborate(self, platform):
        m = Module()
        self._byte, self._valid = Signal(8), Signal()       #: what is to be sent,
        self._plain = Signal()                              #: without escaping,
        self._taken = Signal()                              #: is taken
        self._escape(m)
        self._sequence(m)
        return m

    def _escape(self, m):
        staged, staged_valid, plain = Signal(8, reset_less=True), Signal(), Signal(reset_less=True)
        second, second_valid = Signal(8, reset_less=True), Signal()     # what an ESCAPE announced
        free = ~self.o.valid | self.o.ready
        m.d.comb += self._taken.eq(self._valid & ~staged_valid)
        with m.If(self._taken):
            m.d.sync += [staged_valid.eq(1), staged.eq(self._byte), plain.eq(self._plain)]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(free & second_valid):
            m.d.sync += [self.o.valid.eq(1), self.o.payload.eq(second), second_valid.eq(0)]
        with m.Elif(free & staged_valid):
            m.d.sync += [self.o.valid.eq(1), self.o.payload.eq(staged), staged_valid.eq(0)]
            with m.If(~plain & ((staged == FLAG) | (staged == ESCAPE))):
                m.d.sync += [self.o.payload.eq(ESCAPE), second.eq(staged ^ ESCAPE_XOR), second_valid.eq(1)]

    def _sequence(self, m):
        m.submodules.crc = self._crc = check = crc.Processor(CRC32_ISO_HDLC(data_width=8))
        shift = Signal(max(HEADER.size, 8 * CRC_BYTES), reset_less=True)     # header, then CRC
        left = Signal(HEADER["length"].shape, reset_less=True)              # bytes of this part
        length = Signal.like(left, reset_less=True)
        begin, end = Signal(), Signal()     # `shift` becomes the header, the CRC; registers of the states BEGIN and END
        m.d.comb += [
            self._byte.eq(shift[:8]),
            check.data.eq(self._byte),
        ]
        m.d.sync += [begin.eq(0), end.eq(0)]
        with m.If(self._taken):
            m.d.sync += [left.eq(left - 1), shift.eq(shift >> 8)]
        with m.If(begin):
            m.d.sync += [left.eq(HEADER_BYTES), shift.eq(self.header.payload), length.eq(self.header.payload.length)]
        with m.If(end):
            m.d.sync += [left.eq(CRC_BYTES), shift.eq(check.crc)]

        with m.FSM(name="sender"):
            self._states(m, left, length, begin, end)

    def _states(self, m, left, length, begin, end):
        """FLAG, header, payload, CRC, FLAG."""
        check = self._crc
        with m.State("IDLE"):
            m.d.comb += [self._byte.eq(FLAG), self._plain.eq(1), self._valid.eq(self.header.valid),
                         check.start.eq(1)]
            with m.If(self._taken):
                m.d.sync += begin.eq(1)
                m.next = "BEGIN"
        with m.State("BEGIN"):
            m.d.comb += self.header.ready.eq(1)
            m.next = "HEADER"
        with m.State("HEADER"):
            m.d.comb += [self._valid.eq(1), check.valid.eq(self._taken)]
            with m.If(self._taken & (left == 1)):
                m.d.sync += left.eq(length)
                m.next = "PAYLOAD"
        with m.State("PAYLOAD"):
            m.d.comb += [self._byte.eq(self.payload.payload), self._valid.eq(self.payload.valid & (left != 0)),
                         self.payload.ready.eq(self._taken), check.valid.eq(self._taken)]
            with m.If(left == 0):
                m.d.sync += end.eq(1)
                m.next = "END"
        with m.State("END"):
            m.next = "CRC"
        with m.State("CRC"):
            m.d.comb += self._valid.eq(1)
            with m.If(self._taken & (left == 1)):
                m.next = "FLAG"
        with m.State("FLAG"):
            m.d.comb += [self._byte.eq(FLAG), self._plain.eq(1), self._valid.eq(1)]
            with m.If(self._taken):
                m.next = "IDLE"
