"""A register in a stream that cuts all its paths, `ready` included."""

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect


class StreamRegister(wiring.Component):
    """Hands on what comes in; holds up to two payloads.

    Latency     1 cycle.
    Throughput  1 payload a cycle.
    Stalling    `o` may stall; `i.ready` falls a cycle later, when the second place is taken.

    Parameters
    ----------
    shape : shape-like
        Shape of a payload.

    Members
    -------
    i : In(stream of shape)
        `ready` is a register.
    o : Out(stream of shape)
        `valid` and payload are registers.
    """

    def __init__(self, shape):
        self._shape = shape
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        payload, spare = Signal(self._shape, reset_less=True), Signal(self._shape, reset_less=True)
        spare_taken = Signal()
        m.d.comb += [self.i.ready.eq(~spare_taken), self.o.payload.eq(payload)]
        with m.If(~spare_taken):
            m.d.sync += spare.eq(self.i.payload)
        with m.If(self.o.ready | ~self.o.valid):
            m.d.sync += [self.o.valid.eq(self.i.valid | spare_taken), spare_taken.eq(0)]
            with m.If(spare_taken):
                m.d.sync += payload.eq(spare)
            with m.Else():
                m.d.sync += payload.eq(self.i.payload)
        with m.Elif(self.i.valid):
            m.d.sync += spare_taken.eq(1)
        return m


def connect_registered(m, name: str, shape, source, sink, *, clear):
    """`connect` through two `StreamRegister`, for an engine that is far away, and where much depends on its bytes.

    One of them can be near either end. They are cleared a cycle after the other end: `clear` stays for long enough,
    until the engine has been reset, and nothing comes from either side in the cycle behind it.
    """
    for n in range(2):
        register, cleared = StreamRegister(shape), Signal(name=f"{name}_cleared{n}")
        m.d.sync += cleared.eq(clear)
        m.submodules[f"{name}_register{n}"] = ResetInserter(cleared)(register)
        connect(m, source, register.i)
        source = register.o
    connect(m, source, sink)
