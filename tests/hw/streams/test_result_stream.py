# amaranth: UnusedElaboratable=no
"""OUTPUT against a direct model, with back-pressure; arbitration with AVERAGE; halt; errors; cycles."""

import random

import pytest
from amaranth.hdl import Array, Module, Signal

from firelane.hw.blocks.pipeline import delay
from firelane.hw.contract.config import BANK_PIXELS, EngineConfig
from firelane.hw.contract.timing import output_cycles
from firelane.hw.streams.result_stream import ResultStream
from tests.hw.support import lint, pauses, pulse, simulate, sink, source

LATENCY = 5


def content(bank, address):
    """What stands in a bank word: 14 bytes."""
    rng = random.Random(bank << 16 | address)
    return [rng.randrange(256) for _ in range(BANK_PIXELS)]


def expected_bytes(cfg, *, address, row, rows, channels, columns, parts_log2, last):
    word_rows = cfg.banks >> parts_log2
    data = [content(row + y + x // BANK_PIXELS * word_rows, address + c)[x % BANK_PIXELS]
            for c in range(channels) for y in range(rows) for x in range(columns)]
    return [(byte, int(last and n == len(data) - 1)) for n, byte in enumerate(data)]


def with_memory(cfg, latency):
    """The block beside a memory that answers `latency` cycles later."""
    m = Module()
    m.submodules.dut = dut = ResultStream(cfg, peek_latency=latency)
    byte = Signal(8)
    for bank in range(cfg.banks):
        for address in range(cfg.activation_words):
            with m.If((dut.peek.bank == bank) & (dut.peek.address == address) & dut.peek.enable):
                m.d.comb += byte.eq(Array(content(bank, address))[dut.peek.pixel])
    m.d.comb += dut.peek.data.eq(delay(m, byte, latency, name="byte"))
    return m, dut


async def start(ctx, dut, *, address, row, rows, channels, columns, parts_log2, last):
    ctx.set(dut.tile, {"last": last, "row": row, "slots": [{"address": address, "rows": rows}]})
    ctx.set(dut.layer, {"channels_out": channels, "columns": columns, "parts_log2": parts_log2})
    await pulse(ctx, dut.start)


def run_outputs(cfg, outputs, *, latency=LATENCY, seed=None):
    """(bytes, cycles from start to done) of consecutive OUTPUTs."""
    m, dut = with_memory(cfg, latency)
    received, taken = [], []
    count = sum(len(expected_bytes(cfg, **output)) for output in outputs)

    async def bench(ctx):
        for output in outputs:
            await start(ctx, dut, **output)
            cycles, done = 0, 0
            while not done:
                *_, done, idle, error = await ctx.tick().sample(dut.done, dut.idle, dut.address_range)
                assert not idle and not error
                cycles += 1
            taken.append(cycles)

    stalls = None if seed is None else pauses(seed, 9)
    simulate(m, bench, sink(dut.o, count, received, wait=stalls), cycles=20_000)
    return [(byte.data, byte.last) for byte in received], taken


def random_output(rng, cfg, *, last=0, channels=None):
    parts_log2 = rng.randrange(cfg.classes)
    word_rows = cfg.banks >> parts_log2
    rows = rng.randint(1, word_rows)
    return {"address": rng.randrange(8), "row": rng.randint(0, word_rows - rows), "rows": rows,
            "channels": channels or rng.randint(1, 5), "columns": rng.randint(1, BANK_PIXELS << parts_log2),
            "parts_log2": parts_log2, "last": last}


def test_constructor():
    with pytest.raises(ValueError, match="^peek_latency must be 1 to 8, not 0$"):
        ResultStream(EngineConfig(), peek_latency=0)


def test_lint():
    lint(ResultStream(EngineConfig(banks=2), peek_latency=LATENCY))


@pytest.mark.parametrize("latency", [1, 8])
@pytest.mark.parametrize("banks", [1, 2, 4])
def test_bytes_and_cycles(banks, latency):
    cfg = EngineConfig(banks=banks, activation_words=16)
    rng = random.Random(banks)
    outputs = [random_output(rng, cfg, last=n % 2) for n in range(8)]
    outputs += [{**outputs[0], "columns": 1, "rows": 1, "channels": count, "last": 1} for count in (1, 2, 5)]
    received, taken = run_outputs(cfg, outputs, latency=latency)
    assert received == [byte for output in outputs for byte in expected_bytes(cfg, **output)]
    assert taken == [output_cycles(channels=o["channels"], rows=o["rows"], columns=o["columns"], peek_latency=latency)
                     for o in outputs]


@pytest.mark.parametrize("seed", range(3))
def test_back_pressure(seed):
    cfg = EngineConfig(banks=2, activation_words=16)
    rng = random.Random(seed)
    outputs = [random_output(rng, cfg, last=1) for n in range(4)]
    received, _ = run_outputs(cfg, outputs, seed=seed)
    assert received == [byte for output in outputs for byte in expected_bytes(cfg, **output)]


def test_averages_pass_through():
    m, dut = with_memory(EngineConfig(banks=1, activation_words=16), LATENCY)
    data = [{"data": n * 37 % 256, "last": int(n == 19)} for n in range(20)]
    received = []
    simulate(m, source(dut.average, data, wait=pauses(1, 4)), sink(dut.o, 20, received, wait=pauses(2, 4)))
    assert [{"data": byte.data, "last": byte.last} for byte in received] == data


def test_idle_only_when_everything_has_been_accepted():
    m, dut = with_memory(EngineConfig(banks=1, activation_words=16), LATENCY)

    async def bench(ctx):
        assert ctx.get(dut.idle)
        ctx.set(dut.average.valid, 1)
        assert not ctx.get(dut.idle)
        await ctx.tick()
        ctx.set(dut.average.valid, 0)
        for _ in range(5):
            assert not ctx.get(dut.idle)
            await ctx.tick()
        await pulse(ctx, dut.o.ready)
        assert ctx.get(dut.idle)

    simulate(m, bench)


def test_halt_lets_nothing_more_in_but_keeps_what_is_offered():
    cfg = EngineConfig(banks=1, activation_words=16)
    m, dut = with_memory(cfg, LATENCY)
    output = {"address": 1, "row": 0, "rows": 1, "channels": 3, "columns": 9, "parts_log2": 0, "last": 1}

    async def bench(ctx):
        await start(ctx, dut, **output)
        await ctx.tick().until(dut.o.valid)
        ctx.set(dut.halt, 1)
        await ctx.tick().repeat(20)
        assert ctx.get(dut.o.valid)
        assert ctx.get(dut.o.payload.data) == content(0, 1)[0]
        await pulse(ctx, dut.o.ready)
        ctx.set(dut.o.ready, 1)
        for _ in range(20):
            assert not ctx.get(dut.o.valid)
            await ctx.tick()

    simulate(m, bench)


def test_addresses_past_the_end_are_errors():
    cfg = EngineConfig(banks=1, activation_words=16)
    m, dut = with_memory(cfg, LATENCY)

    async def bench(ctx):
        ctx.set(dut.o.ready, 1)
        await start(ctx, dut, address=15, row=0, rows=1, channels=2, columns=2, parts_log2=0, last=1)
        seen = 0
        while not ctx.get(dut.done):
            seen += ctx.get(dut.address_range)
            await ctx.tick()
        assert seen == 2

    simulate(m, bench)
