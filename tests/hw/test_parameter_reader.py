"""ParameterReader against a list of records."""

import numpy as np
import pytest

from hw.config import EngineConfig
from hw.parameter_reader import ParameterReader
from tests.hw.support import lint, pauses, pulse, simulate, sink, source
from tests.hw.tap_path_model import random_records, record_words


@pytest.mark.parametrize("accumulator_bits", [20, 24, 32])
@pytest.mark.parametrize("busy", [0, 4])
def test_records(accumulator_bits, busy):
    cfg = EngineConfig(accumulator_bits=accumulator_bits)
    rng = np.random.default_rng(busy)
    records = random_records(rng, cfg, 9)
    words = [*record_words(cfg, records), 1, 2, 3]      # what follows in memory
    dut, received = ParameterReader(cfg), []

    async def start(ctx):
        ctx.set(dut.records, len(records))
        await pulse(ctx, dut.start)

    async def surplus(ctx):
        await start(ctx)
        await source(dut.i, words[:-3], wait=pauses(5, busy))(ctx)
        await ctx.tick().repeat(4)
        assert not ctx.get(dut.waiting) or len(received) < len(records)
    simulate(dut, surplus, sink(dut.o, len(records), received, wait=pauses(6, busy)))
    assert [{name: record[name] for name in records[0]} for record in received] == records


def test_no_records():
    dut = ParameterReader(EngineConfig())

    async def bench(ctx):
        ctx.set(dut.i.valid, 1)
        await pulse(ctx, dut.start)
        for _ in range(10):
            assert not ctx.get(dut.o.valid) and not ctx.get(dut.waiting)
            await ctx.tick()
    simulate(dut, bench)


def test_throughput():
    cfg = EngineConfig()
    dut = ParameterReader(cfg)

    async def bench(ctx):
        ctx.set(dut.records, 100)
        ctx.set(dut.o.ready, 1)
        await pulse(ctx, dut.start)
        ctx.set(dut.i.valid, 1)
        valid = []
        for _ in range(30):
            valid.append(ctx.get(dut.o.valid))
            await ctx.tick()
        first = 1 + cfg.parameter_chunks
        assert [cycle for cycle, now in enumerate(valid) if now] == list(range(first, 30, cfg.parameter_chunks + 1))
    simulate(dut, bench)


def test_lint():
    lint(ParameterReader(EngineConfig()))
