"""Where bytes of the next image wait while the engine takes none; and how half an image becomes a whole one."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import BYTE_LAST
from firelane.hw.blocks.ports import BYTES
from firelane.hw.contract.config import bits_for
from firelane.hw.contract.link_protocol import LAYOUT, QUEUE_SPARE


class ImageQueue(wiring.Component):
    """A queue of image bytes in block RAM. With `layout.double` each pixel leaves it twice, and each row twice.

    A row that is read a second time is still in the memory: its room becomes free with its last byte's last reading. So
    doubling takes three addresses and no memory of its own.

                     row              first         place                   end
                      |                 |             |                      |
        ...  free     |  read, kept for the second    |   not yet read       |     free  ...
                         time that the row is read

    Latency     5 cycles from a byte to `o`.
    Throughput  a byte per 2 cycles in and out.
    Stalling    on `o`; `i` while the memory is full.
    Limits      a row that is doubled has at most `bytes_held - QUEUE_SPARE` bytes, a pixel at least one.

    Parameters
    ----------
    bytes_held : int
        A power of two.

    Members
    -------
    clear : In(1)
        Forget everything, and what comes in this cycle.
    layout : In(LAYOUT)
        Kept while there is anything in the queue.
    i : In(BYTES)
        `last` with the last byte of each image. A byte at most every other cycle.
    o : Out(BYTES)
        Withdrawn by `clear` only.
    room : Out
        Bytes that `i` takes now, whatever `o` does.
    """

    def __init__(self, bytes_held: int):
        if bytes_held < 2 * QUEUE_SPARE or bytes_held & bytes_held - 1:
            raise ValueError(f"bytes_held must be a power of two, at least {2 * QUEUE_SPARE}, not {bytes_held!r}")
        self._bytes_held = bytes_held
        super().__init__({"clear": In(1), "layout": In(LAYOUT), "i": In(BYTES), "o": Out(BYTES),
                          "room": Out(bits_for(bytes_held))})

    def elaborate(self, platform):
        m, held = Module(), self._bytes_held
        m.submodules.bytes = cells = Memory(shape=BYTE_LAST.size, depth=held, init=[],
                                            attrs={"ram_style": "block", "no_rw_check": 1})
        # One bit more than an address: a full queue is not an empty one.
        self._row, self._first, self._place, self._end = (
            Signal(range(2 * held), name=name) for name in ("row", "first", "place", "end"))
        self._put(m, cells.write_port())
        self._get = Signal()
        self._pixel_again, self._row_again = Signal(), Signal()     #: it is read for the second time
        self._bytes_left = Signal.like(self.layout.pixel_bytes)     #: of the pixel, behind the next one
        self._pixels_left = Signal.like(self.layout.row_pixels)     #: of the row, behind this one
        self._get_bytes(m, cells.read_port(domain="comb"))      # with a register behind it, see ProgramMemory
        with m.If(self._get):
            self._advance(m)
        with m.If(self.clear):
            m.d.sync += [signal.eq(0) for signal in (self._row, self._first, self._place, self._end)]
            m.d.sync += self._begin()
        return m

    def _put(self, m, write):
        held = self._bytes_held
        filled, most = Signal.like(self._end), held - QUEUE_SPARE
        full, taken = Signal(), Signal()
        m.d.sync += [                       # late by two cycles, for which there is QUEUE_SPARE
            filled.eq(self._end - self._row), full.eq(filled >= held - QUEUE_SPARE // 2),
            self.room.eq(Mux(filled > most, 0, most - filled)),
        ]
        m.d.comb += [
            self.i.ready.eq(~full), taken.eq(self.i.valid & ~full), write.en.eq(taken),
            write.addr.eq(self._end[:-1]), write.data.eq(self.i.payload),
        ]
        with m.If(taken):
            m.d.sync += self._end.eq(self._end + 1)

    def _get_bytes(self, m, read):
        """Memory, its register, and that of `o`. A byte is asked for in every other cycle at most."""
        there, rest, moves = Signal(), Signal(), Signal()
        word, shown = Signal(BYTE_LAST, reset_less=True), Signal(BYTE_LAST, reset_less=True)
        word_valid, final = Signal(), Signal(reset_less=True)
        m.d.comb += [
            moves.eq(~self.o.valid | self.o.ready), self._get.eq(there & ~rest & (moves | ~word_valid)),
            read.addr.eq(self._place[:-1]), self.o.payload.eq(shown),
        ]
        m.d.sync += [there.eq((self._place != self._end) & ~self._get), rest.eq(self._get)]
        with m.If(moves):
            m.d.sync += [shown.data.eq(word.data), shown.last.eq(word.last & final), self.o.valid.eq(word_valid),
                         word_valid.eq(0)]
        with m.If(self._get):
            m.d.sync += [word.eq(read.data), word_valid.eq(1),
                         final.eq(~self.layout.double | (self._pixel_again & self._row_again))]
        with m.If(self.clear):
            m.d.sync += [there.eq(0), word_valid.eq(0), self.o.valid.eq(0)]

    def _advance(self, m):
        """Where the next byte stands, and what is no longer needed."""
        following = Signal.like(self._place)
        m.d.comb += following.eq(self._place + 1)
        m.d.sync += self._place.eq(following)
        with m.If(~self.layout.double):
            m.d.sync += self._row.eq(following)
        with m.Elif(self._bytes_left != 0):
            m.d.sync += self._bytes_left.eq(self._bytes_left - 1)
        with m.Else():
            m.d.sync += [self._bytes_left.eq(self.layout.pixel_bytes - 1), self._pixel_again.eq(~self._pixel_again)]
            with m.If(~self._pixel_again):
                m.d.sync += self._place.eq(self._first)
            with m.Else():
                m.d.sync += [self._first.eq(following), self._pixels_left.eq(self._pixels_left - 1)]
                with m.If(self._pixels_left == 0):
                    self._end_row(m, following)

    def _end_row(self, m, following):
        m.d.sync += [self._pixels_left.eq(self.layout.row_pixels - 1), self._row_again.eq(~self._row_again)]
        with m.If(~self._row_again):
            m.d.sync += [self._place.eq(self._row), self._first.eq(self._row)]
        with m.Else():
            m.d.sync += self._row.eq(following)

    def _begin(self):
        """The counters, as they are at the beginning of an image."""
        return [
            self._bytes_left.eq(self.layout.pixel_bytes - 1), self._pixels_left.eq(self.layout.row_pixels - 1),
            self._pixel_again.eq(0), self._row_again.eq(0),
        ]
