"""WriteCycles against the rule in a few lines of Python."""

import random

import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.timing import ADDRESS_CYCLES, LOAD_SLOTS_OWED, write_slot_lag
from firelane.hw.taps.write_cycles import WriteCycles
from tests.hw.support import lint, simulate


@pytest.mark.parametrize("load, capture", [(0.1, 0.1), (0.9, 0.5), (1.0, 1.0), (0.5, 0)])
@pytest.mark.parametrize("banks, blocks", [(1, False), (2, True), (4, False), (8, True)])
def test_channels_on_time_and_loads_between_them(load, capture, banks, blocks):
    rng = random.Random(load * 10 + capture)
    cfg = EngineConfig(banks=banks, taps_per_cycle=2)
    dut = WriteCycles(cfg)
    captures = dut.captured_blocks if blocks else dut.captured

    async def bench(ctx):
        owed, channels, loads = 0, set(), set()
        for cycle in range(300):
            captured = rng.random() < capture and cycle < 200
            asks = rng.random() < load and owed < LOAD_SLOTS_OWED
            ctx.set(captures, captured)
            ctx.set(dut.load_request, asks)
            channels |= {cycle + write_slot_lag(cfg, blocks=blocks)} if captured else set()
            loads |= {cycle} if owed and cycle not in channels else set()
            assert ctx.get(dut.writes) == (cycle in channels | loads)
            assert ctx.get(dut.load_slot) == (cycle - ADDRESS_CYCLES in loads)
            owed += asks - (cycle in loads)
            await ctx.tick()
    simulate(dut, bench)


def test_lint():
    for banks in (1, 4):
        lint(WriteCycles(EngineConfig(banks=banks, taps_per_cycle=2)))
