"""WriteCycles against the rule in a few lines of Python."""

import random

import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.timing import ADDRESS_CYCLES, LOAD_SLOTS_OWED, write_slot_lag
from firelane.hw.taps.write_cycles import WriteCycles
from tests.hw.support import lint, simulate

CFG = EngineConfig(banks=4, taps_per_cycle=2)


@pytest.mark.parametrize("load, capture", [(0.1, 0.1), (0.9, 0.5), (1.0, 1.0), (0.5, 0)])
def test_channels_on_time_and_loads_between_them(load, capture):
    rng = random.Random(load * 10 + capture)
    dut = WriteCycles(CFG)

    async def bench(ctx):
        owed, channels, loads = 0, set(), set()
        for cycle in range(300):
            captured = rng.random() < capture and cycle < 200
            asks = rng.random() < load and owed < LOAD_SLOTS_OWED
            ctx.set(dut.captured, captured)
            ctx.set(dut.load_request, asks)
            channels |= {cycle + write_slot_lag(CFG)} if captured else set()
            loads |= {cycle} if owed and cycle not in channels else set()
            assert ctx.get(dut.writes) == (cycle in channels | loads)
            assert ctx.get(dut.load_slot) == (cycle - ADDRESS_CYCLES in loads)
            owed += asks - (cycle in loads)
            await ctx.tick()
    simulate(dut, bench)


def test_lint():
    lint(WriteCycles(CFG))
