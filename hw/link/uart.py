"""Asynchronous serial line: 8 data bits, no parity, one stop bit, least significant bit first."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

DATA_BITS = 8


class UartReceiver(wiring.Component):
    """Line to bytes.

    Latency     the byte is there in the middle of its stop bit.
    Stalling    none possible: a byte that finds `o` still occupied is lost and `overrun` pulses.

    Members
    -------
    rx : In(1)
        The line, asynchronous; idle high.
    o : Out(stream of 8)
    overrun : Out(1)
    """

    def __init__(self, cycles: int):
        self._cycles = cycles
        super().__init__({"rx": In(1, init=1), "o": Out(stream.Signature(DATA_BITS)), "overrun": Out(1)})

    def elaborate(self, platform):
        m = Module()
        line = Signal(init=1)
        m.submodules.sync = FFSynchronizer(self.rx, line, init=1)
        timer = Signal(range(self._cycles + self._cycles // 2))
        bits_left = Signal(range(DATA_BITS + 1))
        shift = Signal(DATA_BITS, reset_less=True)

        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.FSM(name="receiver"):
            with m.State("IDLE"):
                with m.If(~line):
                    m.d.sync += timer.eq(self._cycles // 2 - 1)
                    m.next = "START"
            with m.State("START"):
                m.d.sync += timer.eq(timer - 1)
                with m.If(timer == 0):
                    m.d.sync += [timer.eq(self._cycles - 1), bits_left.eq(DATA_BITS)]
                    m.next = "DATA"
                    with m.If(line):                    # a glitch, no start bit
                        m.next = "IDLE"
            with m.State("DATA"):
                m.d.sync += timer.eq(timer - 1)
                with m.If(timer == 0):
                    m.d.sync += timer.eq(self._cycles - 1)
                    with m.If(bits_left == 0):
                        m.next = "IDLE"
                        with m.If(line):                # a stop bit; a framing error drops the byte
                            m.d.comb += self.overrun.eq(self.o.valid & ~self.o.ready)
                            with m.If(~self.overrun):
                                m.d.sync += [self.o.payload.eq(shift), self.o.valid.eq(1)]
                        with m.Else():
                            m.next = "BREAK"
                    with m.Else():
                        m.d.sync += [shift.eq(Cat(shift[1:], line)), bits_left.eq(bits_left - 1)]
            with m.State("BREAK"):
                with m.If(line):
                    m.next = "IDLE"
        return m


class UartTransmitter(wiring.Component):
    """Bytes to line.

    Throughput  a byte every ten bit times.

    Members
    -------
    i : In(stream of 8)
    tx : Out(1)
        The line; idle high.
    """

    def __init__(self, cycles: int):
        self._cycles = cycles
        super().__init__({"i": In(stream.Signature(DATA_BITS)), "tx": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()
        timer = Signal(range(self._cycles))
        bits_left = Signal(range(DATA_BITS + 2))
        shift = Signal(DATA_BITS + 1, reset_less=True)
        m.d.comb += self.i.ready.eq((bits_left == 0) & (timer == 0))
        with m.If(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Elif(self.i.valid & self.i.ready):
            m.d.sync += [self.tx.eq(0), shift.eq(Cat(self.i.payload, 1)),
                         bits_left.eq(DATA_BITS + 1), timer.eq(self._cycles - 1)]
        with m.Elif(bits_left != 0):
            m.d.sync += [self.tx.eq(shift[0]), shift.eq(Cat(shift[1:], 1)),
                         bits_left.eq(bits_left - 1), timer.eq(self._cycles - 1)]
        return m
