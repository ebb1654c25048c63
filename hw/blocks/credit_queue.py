"""A queue that is reserved before it is written, for the far end of a pipeline that cannot stall."""

from amaranth.hdl import Module, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out


class CreditQueue(wiring.Component):
    """First in, first out, in distributed memory, with an output register.

    A place is reserved here when something is started into the pipeline (`reserve`, only while there is `room`, or was
    in the cycle before); when it comes out of the pipeline it is written without asking. A place is free again in the
    cycle after its word has left.

    Latency     2 cycles from `write.valid` to `o.valid`.
    Throughput  1 word a cycle.

    Parameters
    ----------
    shape : shape-like
        Shape of a word.
    depth : int
        Places, a power of two.
    low : int, optional
        Fewer words, with those under way, are `few`.

    Members
    -------
    clear : In(1)
        Drop all words, free all places. What still comes out of the pipeline must be withheld by the owner.
    release : In(1)
        Free the places that are reserved and not written yet: what they were for is not coming. Not with `reserve`.
    reserve : In(1)
    room : Out(1)
        There are two free places, so one may be reserved a cycle after looking. A register.
    empty : Out(1)
        All places are free: nothing is stored, nothing under way.
    few : Out(1)
        With `low` only. A register.
    write : In(stream of shape, always ready)
    o : Out(stream of shape)
    """

    def __init__(self, shape, *, depth: int, low: int = 0):
        if depth < 2 or depth & (depth - 1):
            raise ValueError(f"depth must be a power of two, not {depth!r}")
        self._shape, self._depth, self._low = shape, depth, low
        super().__init__({"clear": In(1), "release": In(1), "reserve": In(1), "room": Out(1), "empty": Out(1),
                          **({"few": Out(1)} if low else {}),
                          "write": In(stream.Signature(shape, always_ready=True)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = memory.Memory(
            shape=self._shape, depth=self._depth, init=[], attrs={"ram_style": "distributed"})
        reader, writer = words.read_port(domain="comb"), words.write_port()
        self._keep_credit(m)
        index_bits = (self._depth - 1).bit_length()
        write_index, read_index = Signal(index_bits + 1), Signal(index_bits + 1)
        payload = Signal(self._shape, reset_less=True)
        m.d.comb += [
            writer.addr.eq(write_index[:index_bits]),
            writer.data.eq(self.write.payload),
            writer.en.eq(self.write.valid),
            reader.addr.eq(read_index[:index_bits]),
            self.o.payload.eq(payload),
        ]
        with m.If(self.write.valid):
            m.d.sync += write_index.eq(write_index + 1)
        with m.If(self.o.ready | ~self.o.valid):
            m.d.sync += [payload.eq(reader.data), self.o.valid.eq(read_index != write_index)]
            with m.If(read_index != write_index):
                m.d.sync += read_index.eq(read_index + 1)
        with m.If(self.clear):
            m.d.sync += [write_index.eq(0), read_index.eq(0), self.o.valid.eq(0)]
        return m

    def _keep_credit(self, m):
        """Free places less two, in two's complement, so that the sign alone says whether there is room."""
        free = Signal(range(-2, self._depth - 1), init=self._depth - 2)
        unwritten = Signal.like(free, name="unwritten", init=self._depth - 2)   # the same, as if all came that could
        left = self.o.valid & self.o.ready
        not_written = Signal.like(free)
        m.d.comb += not_written.eq(unwritten + left - self.write.valid)
        m.d.sync += unwritten.eq(not_written)
        m.d.comb += [self.room.eq(~free[-1]), self.empty.eq(free == self._depth - 2)]
        if self._low:
            self._keep_few(m, free, not_written, left)
        with m.If(self.clear):
            m.d.sync += [free.eq(self._depth - 2), unwritten.eq(self._depth - 2)]
        with m.Elif(self.release):
            m.d.sync += free.eq(not_written)
        with m.Elif(self.reserve & ~left):
            m.d.sync += free.eq(free - 1)
        with m.Elif(left & ~self.reserve):
            m.d.sync += free.eq(free + 1)

    def _keep_few(self, m, free, not_written, left):
        """`few`, kept beside `free` for itself: it is asked for early in its cycle."""
        least = self._depth - 2 - self._low + 1
        few = Signal(init=1)
        m.d.comb += self.few.eq(few)
        with m.If(self.clear):
            m.d.sync += few.eq(1)
        with m.Elif(self.release):
            m.d.sync += few.eq(not_written >= least)
        with m.Elif(self.reserve & ~left):
            m.d.sync += few.eq(free >= least + 1)
        with m.Elif(left & ~self.reserve):
            m.d.sync += few.eq(free >= least - 1)
