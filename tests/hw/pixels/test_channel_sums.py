# amaranth: UnusedElaboratable=no
"""Channel sums against NumPy, and the walk of the AVERAGE instruction."""

import numpy as np
import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.timing import CHANNEL_SUM_LATENCY
from firelane.hw.pixels.channel_sums import AverageWalk, ChannelSums
from tests.hw import maps
from tests.hw.support import lint, simulate

CONFIG = EngineConfig(banks=2, activation_words=16, average_channels=10, average_bits=18)


def test_sums_over_tiles():
    rng = np.random.default_rng(5)
    dut = ChannelSums(CONFIG)
    sums = np.zeros(10, np.int64)

    async def add(ctx, channel):
        for step in range(2):
            pixels, enable = rng.integers(0, 256, 14), int(rng.integers(1 << 14))
            if rng.random() < 0.3:
                pixels, enable = np.full(14, 255), (1 << 14) - 1
            sums[channel] += sum(int(pixels[n]) for n in range(14) if enable >> n & 1)
            for name, value in (("valid", 1), ("first", step == 0), ("last", step == 1), ("channel", channel),
                                ("enable", enable), ("data", maps.pack(pixels))):
                ctx.set(getattr(dut, name), value)
            await ctx.tick()
            ctx.set(dut.valid, 0)
            await ctx.tick().repeat(int(rng.integers(1, 3)))
        await ctx.tick().repeat(CHANNEL_SUM_LATENCY - 2)

    async def bench(ctx):
        for tile in range(4):
            if tile in {0, 3}:
                sums[:] = 0
            ctx.set(dut.from_zero, tile in {0, 3})
            for channel in range(10):
                await add(ctx, channel)
            await ctx.tick().repeat(CHANNEL_SUM_LATENCY)
            ctx.set(dut.read, 1)
            for channel in range(10):
                ctx.set(dut.read_channel, channel)
                await ctx.tick()
                assert ctx.get(dut.read_sum) == sums[channel]
            ctx.set(dut.read, 0)

    simulate(dut, bench)


@pytest.mark.parametrize("to_stream", [0, 1])
@pytest.mark.parametrize("channels", [1, 2, 7])
def test_walk(to_stream, channels):
    rng = np.random.default_rng(channels)
    dut = AverageWalk(CONFIG, 6)
    issued, done = [], []

    async def bench(ctx):
        ctx.set(dut.channels, channels)
        ctx.set(dut.to_stream, to_stream)
        for _ in range(2):
            issued.clear(), done.clear()
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            while len(issued) < channels:
                room = int(rng.integers(2))
                ctx.set(dut.room, room)
                assert ctx.get(dut.active)
                if ctx.get(dut.step):
                    assert room or not to_stream
                    issued.append((ctx.get(dut.channel), ctx.get(dut.last)))
                await ctx.tick()
            assert issued == [(n, int(n == channels - 1)) for n in range(channels)]
            for cycle in range(1, 20):
                if to_stream and cycle == 12:
                    ctx.set(dut.taken, 1)
                if ctx.get(dut.done):
                    done.append(cycle)
                await ctx.tick()
                ctx.set(dut.taken, 0)
            assert done == [13 if to_stream else 6]
            assert not ctx.get(dut.active)

    simulate(dut, bench)


def test_no_such_latency():
    with pytest.raises(ValueError, match="^latency must be at least 2, not 1$"):
        AverageWalk(CONFIG, 1)


def test_lint():
    lint(ChannelSums(CONFIG))
    lint(AverageWalk(CONFIG, 6))
