"""Keeps a piece of the engine's result until the host has it."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.ports import BYTES, Port
from firelane.hw.contract.block_ram import result_in_block_ram
from firelane.hw.contract.config import bits_for
from firelane.hw.contract.link_protocol import PAYLOAD_BYTES

OFFSET_BITS = 32
COUNT_BITS = bits_for(PAYLOAD_BYTES + 1)


class ResultControl(Port):
    """What happens to a result, from the side that decides it.

    Members
    -------
    clear : Out(1)
        Pulse: forget everything; a new result begins.
    advance : Out(1)
        Pulse: the host has this chunk; collect the next one.
    complete, last : In(1)
        The buffer is full or the result has ended; it has ended.
    offset, count : In
        Where in the result the chunk begins, and its bytes.
    """

    def __init__(self):
        super().__init__({"clear": Out(1), "advance": Out(1), "complete": In(1), "last": In(1),
                          "offset": In(OFFSET_BITS), "count": In(COUNT_BITS)})


class ResultChunk(Port):
    """A chunk of a result, as often as asked, from the side that has it.

    Members
    -------
    last : Out(1)
        The result ends with it.
    count : Out
        Its bytes.
    rewind : In(1)
        Pulse: `bytes` begins anew with the chunk's first byte, which is valid 3 cycles later.
    bytes : Out(stream of 8)
    """

    def __init__(self):
        super().__init__({"last": Out(1), "count": Out(COUNT_BITS), "rewind": In(1),
                          "bytes": Out(stream.Signature(8))})


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
    i : In(BYTES)
        The engine's result.
    control : In(ResultControl())
    chunk : Out(ResultChunk())
    """

    def __init__(self, chunk_bytes: int = PAYLOAD_BYTES):
        if not 1 <= chunk_bytes <= PAYLOAD_BYTES:
            raise ValueError(f"chunk_bytes must be 1 to {PAYLOAD_BYTES}, not {chunk_bytes!r}")
        self._chunk_bytes = chunk_bytes
        super().__init__({"i": In(BYTES), "control": In(ResultControl()), "chunk": Out(ResultChunk())})

    def elaborate(self, platform):
        m = Module()
        style = "block" if result_in_block_ram(self._chunk_bytes) else "distributed"
        m.submodules.bytes = buffer = Memory(shape=8, depth=self._chunk_bytes, init=[],
                                             attrs={"ram_style": style, "no_rw_check": 1})
        self._collect(m, buffer.write_port())
        self._show(m, buffer.read_port(domain="comb"))      # with a register behind it, see hw.control.program_memory
        return m

    def _collect(self, m, write):
        taken, control = Signal(), self.control
        m.d.comb += [
            self.i.ready.eq(~control.complete), taken.eq(self.i.valid & self.i.ready),
            write.addr.eq(control.count), write.data.eq(self.i.payload.data), write.en.eq(taken),
            self.chunk.last.eq(control.last), self.chunk.count.eq(control.count),
        ]
        with m.If(taken):
            m.d.sync += [
                control.count.eq(control.count + 1), control.last.eq(self.i.payload.last),
                control.complete.eq(self.i.payload.last | (control.count == self._chunk_bytes - 1)),
            ]
        with m.If(control.advance):
            m.d.sync += [control.offset.eq(control.offset + control.count), control.count.eq(0), control.complete.eq(0)]
        with m.If(control.clear):
            m.d.sync += [control.offset.eq(0), control.count.eq(0), control.complete.eq(0), control.last.eq(0)]

    def _show(self, m, read):
        chunk, address = self.chunk, Signal(bits_for(self._chunk_bytes), reset_less=True)
        word, shown = Signal(8, reset_less=True), Signal(8, reset_less=True)    # the block RAM's own register is slow
        fetched, settled = Signal(), Signal()
        m.d.comb += [read.addr.eq(address), chunk.bytes.payload.eq(shown), chunk.bytes.valid.eq(settled)]
        m.d.sync += [word.eq(read.data), shown.eq(word), fetched.eq(1), settled.eq(fetched)]
        with m.If(chunk.bytes.valid & chunk.bytes.ready):
            m.d.sync += [address.eq(address + 1), fetched.eq(0), settled.eq(0)]
        with m.If(chunk.rewind):
            m.d.sync += [address.eq(0), fetched.eq(0), settled.eq(0)]
