"""The classes that a result favours."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from firelane.hw.blocks.ports import BYTES
from firelane.hw.contract.camera import BEST_CLASSES
from firelane.hw.contract.config import bits_for


class FiveBest(wiring.Component):
    """The largest bytes of a result and where they stand; of equal ones the first, as in `compiler.frame_io.classes`.

    Latency     1 cycle from the last byte to `complete`.
    Throughput  a byte a cycle.
    Stalling    `i` stalls while `complete`.

    Parameters
    ----------
    classes : int
        Bytes of a result.
    shown : int
        How many are kept.

    Members
    -------
    clear : In(1)
        A new result begins.
    i : In(BYTES)
    complete : Out(1)
        The result has ended.
    best : Out(array of number and value)
        The best one first.
    """

    def __init__(self, classes: int, shown: int = BEST_CLASSES):
        if not 1 <= shown <= classes:
            raise ValueError(f"shown must be 1 to {classes}, not {shown!r}")
        self._shown = shown
        self._entry = data.StructLayout({"value": 8, "number": bits_for(classes)})
        super().__init__({"clear": In(1), "i": In(BYTES), "complete": Out(1),
                          "best": Out(data.ArrayLayout(self._entry, shown))})

    def elaborate(self, platform):
        m = Module()
        number, taken, value = Signal(self._entry["number"].shape), Signal(), self.i.payload.data
        filled = Signal(self._shown)
        better = Signal(self._shown)            #: than what stands there: the byte belongs there or before
        m.d.comb += [self.i.ready.eq(~self.complete), taken.eq(self.i.valid & self.i.ready)]
        for place in range(self._shown):
            kept = self.best[place]
            m.d.comb += better[place].eq(~filled[place] | (value > kept.value))
            with m.If(taken & better[place]):
                m.d.sync += [kept.value.eq(value), kept.number.eq(number), filled[place].eq(1)]
                if place:
                    with m.If(better[place - 1]):
                        m.d.sync += [kept.eq(self.best[place - 1]), filled[place].eq(filled[place - 1])]
        with m.If(taken):
            m.d.sync += [number.eq(number + 1), self.complete.eq(self.i.payload.last)]
        with m.If(self.clear):
            m.d.sync += [number.eq(0), filled.eq(0), self.complete.eq(0)]
        return m
