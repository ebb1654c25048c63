"""Frame counters: borders of a frame, events."""

import random

import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.control.counters import EVENTS, FrameCounters
from tests.hw.support import lint, simulate


def test_lint():
    lint(FrameCounters(EngineConfig()))


@pytest.mark.parametrize("taps", [1, 2])
def test_counts_belong_to_the_last_complete_frame(taps):
    dut = FrameCounters(EngineConfig(taps_per_cycle=taps))
    rng = random.Random(3)

    async def bench(ctx):
        for frame in range(4):
            expected = dict.fromkeys(EVENTS, 0)
            length = rng.randrange(1, 12)
            for cycle in range(length + 1):
                events = {name: rng.randrange(2) for name in EVENTS} | {"taps": rng.randrange(taps + 1)}
                ctx.set(dut.events, events)
                ctx.set(dut.frame_start, cycle == 0)
                ctx.set(dut.frame_end, cycle == length)
                await ctx.tick()
                if cycle:
                    expected = {name: expected[name] + events[name] for name in EVENTS}
            ctx.set(dut.frame_end, 0)
            await ctx.tick().repeat(rng.randrange(1, 4))
            assert ctx.get(dut.frames) == frame + 1
            assert ctx.get(dut.last.cycles) == length
            assert {name: ctx.get(dut.last[name]) for name in EVENTS} == expected

    simulate(dut, bench)
