"""Where rows of a picture wait while the engine takes none."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import BYTE_LAST
from firelane.hw.blocks.ports import BYTES

QUEUE_BLOCK_BYTES = 2048        #: in a block RAM, each with its `last`


class ByteQueue(wiring.Component):
    """Bytes in block RAM, first in, first out.

    Latency     3 cycles.
    Throughput  a byte a cycle.
    Stalling    on `o`; a byte that comes to a full queue is lost, and `overflow` pulses.

    Parameters
    ----------
    bytes_held : int
        Room in the memory.

    Members
    -------
    clear : In(1)
        Forget everything, and what comes in this cycle.
    i : In(stream of BYTE_LAST, always_ready)
    o : Out(BYTES)
        Withdrawn by `clear` only.
    overflow : Out(1)
    """

    def __init__(self, bytes_held: int = QUEUE_BLOCK_BYTES):
        if bytes_held < 2:
            raise ValueError(f"bytes_held must be at least 2, not {bytes_held!r}")
        self._bytes_held = bytes_held
        super().__init__({"clear": In(1), "i": In(stream.Signature(BYTE_LAST, always_ready=True)), "o": Out(BYTES),
                          "overflow": Out(1)})

    def elaborate(self, platform):
        m, room = Module(), self._bytes_held
        m.submodules.bytes = cells = Memory(shape=BYTE_LAST.size, depth=room, init=[],
                                            attrs={"ram_style": "block", "no_rw_check": 1})
        write, read = cells.write_port(), cells.read_port(domain="comb")      # see hw.control.program_memory
        first, end, count = Signal(range(room)), Signal(range(room)), Signal(range(room + 1))
        word, shown = Signal(BYTE_LAST, reset_less=True), Signal(BYTE_LAST, reset_less=True)
        word_valid, put, get, moves, full = Signal(), Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            full.eq(count == room), put.eq(self.i.valid & ~full & ~self.clear),
            moves.eq(~self.o.valid | self.o.ready), get.eq((count != 0) & (moves | ~word_valid)),
            write.addr.eq(end), write.data.eq(self.i.payload), write.en.eq(put), read.addr.eq(first),
            self.o.payload.eq(shown),
        ]
        m.d.sync += [count.eq(count + put - get), self.overflow.eq(self.i.valid & full & ~self.clear)]
        with m.If(moves):
            m.d.sync += [shown.eq(word), self.o.valid.eq(word_valid), word_valid.eq(0)]
        with m.If(put):
            m.d.sync += end.eq(_next(m, end, room))
        with m.If(get):
            m.d.sync += [first.eq(_next(m, first, room)), word.eq(read.data), word_valid.eq(1)]
        with m.If(self.clear):
            m.d.sync += [count.eq(0), first.eq(0), end.eq(0), word_valid.eq(0), self.o.valid.eq(0)]
        return m


def _next(m, place, room: int):
    """The place behind one, around the end."""
    following = Signal.like(place, name=f"{place.name}_next")
    m.d.comb += following.eq(place + 1)
    with m.If(place == room - 1):
        m.d.comb += following.eq(0)
    return following
