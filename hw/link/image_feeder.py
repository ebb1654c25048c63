"""Gives the engine its image, from chunks that may come twice."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.contract.registers import CSR_BITS
from firelane.hw.streams.input_loader import BYTE_LAST


class ImageFeeder(wiring.Component):
    """Takes the bytes of a chunk, skips those that came before, and hands the others to the engine.

    Latency     1 cycle from a byte to `image`; the first byte is taken 3 cycles after `start`.
    Throughput  a byte per 2 cycles.
    Stalling    while the engine takes nothing, for `slice_cycles` a chunk at most: then the chunk is given up, and
                `offset` says how far it went.

    Parameters
    ----------
    slice_cycles : int

    Members
    -------
    begin : In(1)
        Pulse: a new image of `length` bytes begins.
    length : In(32)
        Kept until the next `begin`.
    start : In(1)
        Pulse: a chunk is at `payload`. Its first `skip` bytes came before.
    skip : In(32)
        Taken a cycle after `start`.
    payload, empty
        The chunk's bytes; none is left.
    image : Out(stream of BYTE_LAST)
        To the engine. Only `begin` withdraws a byte that the engine has not taken: it comes with the engine's reset.
    offset : Out(32)
        Bytes of the image that were taken from chunks.
    complete : Out(1)
        All of them were.
    done : Out(1)
        Pulse: the chunk is used up or given up.
    too_long : Out(1)
        With `done`: it had bytes behind the image's end.
    """

    def __init__(self, *, slice_cycles: int):
        if slice_cycles < 1:
            raise ValueError(f"slice_cycles must be at least 1, not {slice_cycles!r}")
        self._slice_cycles = slice_cycles
        super().__init__({
            "begin": In(1), "length": In(CSR_BITS), "start": In(1), "skip": In(CSR_BITS),
            "payload": In(stream.Signature(8)), "empty": In(1),
            "image": Out(stream.Signature(BYTE_LAST)),
            "offset": Out(CSR_BITS), "complete": Out(1), "done": Out(1), "too_long": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        byte = Signal(BYTE_LAST, reset_less=True)
        left = Signal(CSR_BITS, reset_less=True)                # of the image
        skip = Signal(CSR_BITS, reset_less=True)                # of the chunk
        slice_left = Signal(range(self._slice_cycles + 1))
        active, ready, enter, pass_over, start = Signal(), Signal(), Signal(), Signal(), Signal()
        skipping, over = Signal(), Signal()
        m.d.sync += [       # a cycle late: so long nothing is taken
            skipping.eq(skip != 0), self.complete.eq(left == 0), start.eq(self.start),
            ready.eq(active & ~self.done & ~(self.payload.valid & self.payload.ready)),
        ]
        m.d.comb += [
            self.image.payload.eq(byte),
            pass_over.eq(ready & self.payload.valid & skipping),
            enter.eq(ready & self.payload.valid & ~skipping & ~self.complete & ~over
                     & (~self.image.valid | self.image.ready)),
            self.payload.ready.eq(enter | pass_over),
            self.too_long.eq(self.payload.valid & ~skipping & self.complete),
            self.done.eq(ready & (self.empty | over | self.too_long)),
        ]
        with m.If(active):
            m.d.sync += slice_left.eq(slice_left - 1)
        with m.If(slice_left == 0):
            m.d.sync += over.eq(1)
        with m.If(self.done):
            m.d.sync += active.eq(0)
        with m.If(pass_over):
            m.d.sync += skip.eq(skip - 1)
        with m.If(self.image.ready):
            m.d.sync += self.image.valid.eq(0)
        with m.If(enter):
            m.d.sync += [self.image.valid.eq(1), byte.data.eq(self.payload.payload), byte.last.eq(left == 1),
                         left.eq(left - 1), self.offset.eq(self.offset + 1)]
        with m.If(start):
            m.d.sync += [active.eq(1), skip.eq(self.skip), slice_left.eq(self._slice_cycles), over.eq(0)]
        with m.If(self.begin):
            m.d.sync += [self.image.valid.eq(0), left.eq(self.length), self.offset.eq(0)]
        return m
