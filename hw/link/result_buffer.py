"""Keeps a piece of the engine's result until the host has it."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from firelane.hw.contract.block_ram import result_in_block_ram
from firelane.hw.contract.config import bits_for
from firelane.hw.contract.link_protocol import PAYLOAD_BYTES
from firelane.hw.streams.input_loader import BYTE_LAST

OFFSET_BITS = 32


class ResultBuffer(wiring.Component):
    """Collects result bytes until it is full or the result ends, and shows them as often as asked.

    Throughput  a byte per cycle in, a byte per 2 cycles out.
    Stalling    `i` stalls while a chunk is complete.
    Limits      one block RAM or, if a chunk is small, none; a result may have any length, the host fetches it chunk by
                chunk.

    Parameters
    ----------
    chunk_bytes : int
        Most bytes of a chunk.

    Members
    -------
    i : In(stream of BYTE_LAST)
        The engine's result.
    clear : In(1)
        Pulse: forget everything; a new result begins.
    advance : In(1)
        Pulse: the host has this chunk; collect the next one.
    complete, last : Out(1)
        The buffer is full or the result has ended; it has ended.
    offset, count : Out
        Where in the result the chunk begins, and its bytes.
    rewind : In(1)
        Pulse: `o` begins anew with the chunk's first byte, which is valid 3 cycles later.
    o : Out(stream of 8)
        The chunk's bytes.
    """

    def __init__(self, chunk_bytes: int = PAYLOAD_BYTES):
        if not 1 <= chunk_bytes <= PAYLOAD_BYTES:
            raise ValueError(f"chunk_bytes must be 1 to {PAYLOAD_BYTES}, not {chunk_bytes!r}")
        self._chunk_bytes = chunk_bytes
        super().__init__({
            "i": In(stream.Signature(BYTE_LAST)), "clear": In(1), "advance": In(1), "complete": Out(1), "last": Out(1),
            "offset": Out(OFFSET_BITS), "count": Out(bits_for(PAYLOAD_BYTES + 1)),
            "rewind": In(1), "o": Out(stream.Signature(8)),
        })

    def elaborate(self, platform):
        m = Module()
        style = "block" if result_in_block_ram(self._chunk_bytes) else "distributed"
        m.submodules.bytes = buffer = Memory(shape=8, depth=self._chunk_bytes, init=[],
                                             attrs={"ram_style": style, "no_rw_check": 1})
        self._collect(m, buffer.write_port())
        self._show(m, buffer.read_port(domain="comb"))      # with a register behind it, see hw.control.program_memory
        return m

    def _collect(self, m, write):
        taken = Signal()
        m.d.comb += [
            self.i.ready.eq(~self.complete), taken.eq(self.i.valid & self.i.ready),
            write.addr.eq(self.count), write.data.eq(self.i.payload.data), write.en.eq(taken),
        ]
        with m.If(taken):
            m.d.sync += [
                self.count.eq(self.count + 1), self.last.eq(self.i.payload.last),
                self.complete.eq(self.i.payload.last | (self.count == self._chunk_bytes - 1)),
            ]
        with m.If(self.advance):
            m.d.sync += [self.offset.eq(self.offset + self.count), self.count.eq(0), self.complete.eq(0)]
        with m.If(self.clear):
            m.d.sync += [self.offset.eq(0), self.count.eq(0), self.complete.eq(0), self.last.eq(0)]

    def _show(self, m, read):
        address = Signal(bits_for(self._chunk_bytes), reset_less=True)
        word, shown = Signal(8, reset_less=True), Signal(8, reset_less=True)    # the block RAM's own register is slow
        fetched, settled = Signal(), Signal()
        m.d.comb += [read.addr.eq(address), self.o.payload.eq(shown), self.o.valid.eq(settled)]
        m.d.sync += [word.eq(read.data), shown.eq(word), fetched.eq(1), settled.eq(fetched)]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [address.eq(address + 1), fetched.eq(0), settled.eq(0)]
        with m.If(self.rewind):
            m.d.sync += [address.eq(0), fetched.eq(0), settled.eq(0)]
