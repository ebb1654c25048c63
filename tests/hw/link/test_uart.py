"""Serial line: what the transmitter sends the receiver gets; noise on the line makes no bytes."""

import random

from amaranth.hdl import Elaboratable, Module, Signal

from firelane.hw.link.uart import UartReceiver, UartTransmitter
from tests.hw.support import lint, pauses, simulate, sink, source

CYCLES = 6


class Loop(Elaboratable):
    """Transmitter and receiver on one line that a test may disturb."""

    def __init__(self, cycles=CYCLES):
        self.transmitter, self.receiver = UartTransmitter(cycles), UartReceiver(cycles)
        self.pull_down = Signal()

    def elaborate(self, platform):
        m = Module()
        m.submodules += [self.transmitter, self.receiver]
        m.d.comb += self.receiver.rx.eq(self.transmitter.tx & ~self.pull_down)
        return m


def test_every_byte_arrives():
    loop, sent, received = Loop(), list(range(256)), []
    random.Random(1).shuffle(sent)
    simulate(loop, source(loop.transmitter.i, sent, wait=pauses(2, 20)),
             sink(loop.receiver.o, len(sent), received, wait=pauses(3, 9)), cycles=40_000)
    assert received == sent


def test_bytes_follow_one_another_without_pause():
    loop, sent, received = Loop(), [0x00, 0xFF, 0x55, 0xAA], []

    async def times(ctx):
        cycles = 0
        while len(received) < len(sent):
            await ctx.tick()
            cycles += 1
        assert cycles <= len(sent) * 10 * CYCLES + 2 * CYCLES

    simulate(loop, source(loop.transmitter.i, sent), sink(loop.receiver.o, len(sent), received), times)
    assert received == sent


def test_a_glitch_is_no_start_bit():
    loop, received = Loop(), []

    async def disturb_then_send(ctx):
        ctx.set(loop.pull_down, 1)
        await ctx.tick().repeat(CYCLES // 2 - 1)
        ctx.set(loop.pull_down, 0)
        await ctx.tick().repeat(12 * CYCLES)
        await source(loop.transmitter.i, [0x3C])(ctx)

    simulate(loop, disturb_then_send, sink(loop.receiver.o, 1, received))
    assert received == [0x3C]


def test_a_break_makes_no_byte():
    loop, received = Loop(), []

    async def hold_then_send(ctx):
        ctx.set(loop.pull_down, 1)
        await ctx.tick().repeat(30 * CYCLES)
        ctx.set(loop.pull_down, 0)
        await ctx.tick().repeat(2 * CYCLES)
        await source(loop.transmitter.i, [0xC3])(ctx)

    simulate(loop, hold_then_send, sink(loop.receiver.o, 1, received))
    assert received == [0xC3]


def test_a_byte_that_nobody_takes_is_lost_and_reported():
    loop, overruns = Loop(), []

    async def count(ctx):
        async for _, _, overrun in ctx.tick().sample(loop.receiver.overrun):
            overruns.append(overrun)

    async def nobody_takes(ctx):
        await source(loop.transmitter.i, [1, 2, 3])(ctx)
        await ctx.tick().repeat(12 * CYCLES)
        assert ctx.get(loop.receiver.o.payload) == 1

    simulate(loop, nobody_takes, background=[count])
    assert sum(overruns) == 2


def test_lint():
    lint(UartReceiver(CYCLES))
    lint(UartTransmitter(CYCLES))
