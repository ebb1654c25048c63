"""Gives the engine its image, from chunks that may come twice."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.payload import BYTE_LAST
from firelane.hw.blocks.ports import BYTES, Port
from firelane.hw.contract.registers import CSR_BITS


class ImageControl(Port):
    """An image, chunk by chunk, from the side that has the chunks.

    Members
    -------
    begin : Out(1)
        Pulse: a new image of `length` bytes begins.
    length : Out(32)
        Kept until the next `begin`.
    start : Out(1)
        Pulse: a chunk is at `payload`. Its first `skip` bytes came before.
    skip : Out(32)
        Taken a cycle after `start`.
    payload : Out(stream of 8), empty : Out(1)
        The chunk's bytes; none is left.
    offset : In(32)
        Bytes of the image that were taken from chunks.
    complete : In(1)
        All of them were.
    done : In(1)
        Pulse: the chunk is used up or given up.
    too_long : In(1)
        Together with `done`: the chunk had bytes behind the image's end.
    """

    def __init__(self):
        super().__init__({
            "begin": Out(1), "length": Out(CSR_BITS), "start": Out(1), "skip": Out(CSR_BITS),
            "payload": Out(stream.Signature(8)), "empty": Out(1),
            "offset": In(CSR_BITS), "complete": In(1), "done": In(1), "too_long": In(1),
        })


class ImageFeeder(wiring.Component):
    """Takes the bytes of a chunk, skips those that came before, and hands the others to the engine.

    Latency     1 cycle from a byte to `image`; the first byte is taken 3 cycles after `start`.
    Throughput  a byte per 2 cycles.
    Stalling    while the engine takes nothing, for `slice_cycles` a chunk at most: then the chunk is given up, and
                `control.offset` says how far it went.

    Parameters
    ----------
    slice_cycles : int

    Members
    -------
    control : In(ImageControl())
    image : Out(BYTES)
        To the engine. Only `begin` withdraws a byte that the engine has not taken: it comes with the engine's reset.
    """

    def __init__(self, *, slice_cycles: int):
        if slice_cycles < 1:
            raise ValueError(f"slice_cycles must be at least 1, not {slice_cycles!r}")
        self._slice_cycles = slice_cycles
        super().__init__({"control": In(ImageControl()), "image": Out(BYTES)})

    def elaborate(self, platform):
        m, control = Module(), self.control
        byte = Signal(BYTE_LAST, reset_less=True)
        left = Signal(CSR_BITS, reset_less=True)                # of the image
        skip = Signal(CSR_BITS, reset_less=True)                # of the chunk
        slice_left = Signal(range(self._slice_cycles + 1))
        active, ready, enter, pass_over, start = Signal(), Signal(), Signal(), Signal(), Signal()
        skipping, over = Signal(), Signal()
        m.d.sync += [       # a cycle late: so long nothing is taken
            skipping.eq(skip != 0), control.complete.eq(left == 0), start.eq(control.start),
            ready.eq(active & ~control.done & ~(control.payload.valid & control.payload.ready)),
        ]
        m.d.comb += [
            self.image.payload.eq(byte),
            pass_over.eq(ready & control.payload.valid & skipping),
            enter.eq(ready & control.payload.valid & ~skipping & ~control.complete & ~over
                     & (~self.image.valid | self.image.ready)),
            control.payload.ready.eq(enter | pass_over),
            control.too_long.eq(control.payload.valid & ~skipping & control.complete),
            control.done.eq(ready & (control.empty | over | control.too_long)),
        ]
        with m.If(active):
            m.d.sync += slice_left.eq(slice_left - 1)
        with m.If(slice_left == 0):
            m.d.sync += over.eq(1)
        with m.If(control.done):
            m.d.sync += active.eq(0)
        with m.If(pass_over):
            m.d.sync += skip.eq(skip - 1)
        with m.If(self.image.ready):
            m.d.sync += self.image.valid.eq(0)
        with m.If(enter):
            m.d.sync += [self.image.valid.eq(1), byte.data.eq(control.payload.payload), byte.last.eq(left == 1),
                         left.eq(left - 1), control.offset.eq(control.offset + 1)]
        with m.If(start):
            m.d.sync += [active.eq(1), skip.eq(control.skip), slice_left.eq(self._slice_cycles), over.eq(0)]
        with m.If(control.begin):
            m.d.sync += [self.image.valid.eq(0), left.eq(control.length), control.offset.eq(0)]
        return m
