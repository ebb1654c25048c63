"""ParameterReader against a list of records."""

import numpy as np
import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import ParameterForm, record_chunks
from firelane.hw.taps.parameter_reader import ParameterReader
from tests.hw.support import lint, pauses, pulse, receive, simulate, sink, source
from tests.hw.tap_path_model import random_parameters

RECORD_FORMS = [form for form in ParameterForm if form is not ParameterForm.CONSTANT]


async def start_layer(ctx, dut, fields: dict, channels: int):
    ctx.set(dut.layer, fields | {"channels_out": channels})
    await pulse(ctx, dut.start)


@pytest.mark.parametrize("accumulator_bits", [20, 24, 32])
@pytest.mark.parametrize("busy", [0, 4])
@pytest.mark.parametrize("form", RECORD_FORMS)
def test_records(accumulator_bits, busy, form):
    cfg = EngineConfig(accumulator_bits=accumulator_bits)
    fields, words, records = random_parameters(np.random.default_rng(busy), cfg, 9, form)
    dut, received = ParameterReader(cfg), []

    async def bench(ctx):
        await start_layer(ctx, dut, fields, len(records))
        await source(dut.i, words, wait=pauses(5, busy))(ctx)
        await ctx.tick().repeat(4)
        assert not ctx.get(dut.waiting) or len(received) < len(records)
    simulate(dut, bench, sink(dut.o, len(records), received, wait=pauses(6, busy)))
    assert [{name: record[name] for name in records[0]} for record in received] == records


def test_a_start_forgets():
    """A tile that is cut off at any moment leaves nothing behind for the next, of another form."""
    cfg, rng = EngineConfig(), np.random.default_rng(7)
    dut = ParameterReader(cfg)

    async def bench(ctx):
        for cycles in range(1, 24):
            old, now = (random_parameters(rng, cfg, 3, RECORD_FORMS[int(rng.integers(7))]) for _ in range(2))
            await start_layer(ctx, dut, old[0], 3)
            ctx.set(dut.i.valid, 1)
            ctx.set(dut.i.payload, (1 << 36) - 1)
            await ctx.tick().repeat(cycles)
            ctx.set(dut.i.valid, 0)
            await start_layer(ctx, dut, now[0], 3)
            await source(dut.i, now[1])(ctx)
            for record in now[2]:
                got = await receive(ctx, dut.o)
                assert {name: got[name] for name in record} == record
    simulate(dut, bench)


def test_no_records():
    dut = ParameterReader(EngineConfig())

    async def bench(ctx):
        ctx.set(dut.i.valid, 1)
        await start_layer(ctx, dut, {"parameters": ParameterForm.CONSTANT}, 5)
        for _ in range(10):
            assert not ctx.get(dut.o.valid) and not ctx.get(dut.waiting)
            await ctx.tick()
    simulate(dut, bench)


@pytest.mark.parametrize("form", RECORD_FORMS)
def test_latency_and_throughput(form):
    cfg = EngineConfig()
    dut, chunks = ParameterReader(cfg), record_chunks(form, cfg)

    async def bench(ctx):
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.i.valid, 1)
        await start_layer(ctx, dut, {"parameters": form}, 100)
        valid = []
        for _ in range(30):
            valid.append(ctx.get(dut.o.valid))
            await ctx.tick()
        assert [cycle for cycle, now in enumerate(valid) if now] == list(range(4 + chunks, 30, max(chunks, 2)))
    simulate(dut, bench)


def test_lint():
    lint(ParameterReader(EngineConfig()))
