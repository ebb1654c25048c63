"""WeightFetch with a memory model behind it."""

import random
from collections import deque

import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import CODE_WORDS, SECOND_STREAMS, ParameterForm, Source
from firelane.hw.contract.timing import SCAN_ADDRESS_CYCLES, first_word_cycles, weight_read_cycles
from firelane.hw.taps.weight_fetch import WeightFetch, stream_names
from tests.hw.support import lint, pulse, simulate
from tests.hw.tap_path_model import packed

CFG = EngineConfig(weight_words=120)
TWO = EngineConfig(weight_words=120, taps_per_cycle=2)
STARTS = {"value": 3, "run": 40, "parameter": 80, "second_value": 20, "second_run": 60}
LAYER = {"source": Source.STREAM, "parameters": ParameterForm.FULL, "value_address": 3,
         "run_address": 40, "parameter_address": 80}


async def start_all(ctx, dut, layer):
    """Start all streams of a layer."""
    if hasattr(dut, "code_write"):
        second = {"value_address": STARTS["second_value"], "run_address": STARTS["second_run"]}
        ctx.set(dut.code_write.payload, {"index": CODE_WORDS, "data": packed(SECOND_STREAMS, second)})
        await pulse(ctx, dut.code_write.valid)
        ctx.set(dut.code_write.payload, {"index": CODE_WORDS - 1, "data": 0})       # a code: none of its business
        await pulse(ctx, dut.code_write.valid)
    ctx.set(dut.coming, layer)
    ctx.set(dut.layer, layer)
    ctx.set(dut.parameter_start, 1)
    await pulse(ctx, dut.start)
    ctx.set(dut.parameter_start, 0)


def word_at(address: int) -> int:
    return address * 0x1234567 % (1 << 36) if address < CFG.weight_words else 0


def memory_model(dut, cfg=CFG, word_at=word_at):
    async def memory(ctx):
        under_way = deque([0] * (weight_read_cycles(cfg.weight_words) - 1))
        while True:
            *_, address = await ctx.tick().sample(dut.memory.address)
            under_way.append(word_at(address))
            ctx.set(dut.memory.data, under_way.popleft())
    return memory


def consumer(dut, name, count, seed, ready):
    port = getattr(dut, name)

    async def consume(ctx):
        rng = random.Random(seed)
        taken = 0
        while taken < count:
            ctx.set(port.ready, rng.random() < ready)
            *_, valid, now, word = await ctx.tick().sample(port.valid, port.ready, port.payload)
            if valid and now:
                assert word == word_at(STARTS[name] + taken)
                taken += 1
        ctx.set(port.ready, 0)
    return consume


@pytest.mark.parametrize("cfg", [CFG, TWO], ids=["one", "two"])
@pytest.mark.parametrize("ready", [1.0, 0.3])
def test_every_stream_in_order(cfg, ready):
    dut = WeightFetch(cfg)

    async def start(ctx):
        await start_all(ctx, dut, LAYER)
    simulate(dut, start, *(consumer(dut, name, 35, seed, ready) for seed, name in enumerate(stream_names(cfg))),
             background=[memory_model(dut)])


@pytest.mark.parametrize("layer, order", [
    (LAYER, ("value", "run", "second_value", "second_run", "parameter")),
    (LAYER | {"dense": 1}, ("value", "second_value", "parameter")),
])
def test_first_words_of_five_streams(layer, order):
    """One a cycle, in order, and again after a restart."""
    dut = WeightFetch(TWO)

    async def bench(ctx):
        for _ in range(2):
            await start_all(ctx, dut, layer)
            await ctx.tick().repeat(first_word_cycles(TWO) - 2)
            for count in range(len(order) + 1):
                seen = [name for name in stream_names(TWO) if ctx.get(getattr(dut, name).valid)]
                assert set(seen) == set(order[:count])
                assert all(ctx.get(getattr(dut, name).payload) == word_at(STARTS[name]) for name in seen)
                await ctx.tick()
    simulate(dut, bench, background=[memory_model(dut, TWO)])


def test_latency_restart_and_stop():
    dut = WeightFetch(CFG)

    async def bench(ctx):
        for restart in range(3):        # the second time with words of the first on their way
            await start_all(ctx, dut, LAYER | {"value_address": 3 + restart})
            for _ in range(1, first_word_cycles(CFG)):
                assert not ctx.get(dut.value.valid)
                await ctx.tick()
            assert ctx.get(dut.value.valid) and ctx.get(dut.value.payload) == word_at(3 + restart)
            assert not ctx.get(dut.run.valid)
            await ctx.tick()
            assert ctx.get(dut.run.valid) and ctx.get(dut.run.payload) == word_at(40)
        await pulse(ctx, dut.stop)
        for _ in range(20):
            assert not ctx.get(dut.value.valid) and not ctx.get(dut.run.valid)
            await ctx.tick()
        assert ctx.get(dut.parameter.valid) and ctx.get(dut.parameter.payload) == word_at(80)
    simulate(dut, bench, background=[memory_model(dut)])


@pytest.mark.parametrize("fields, streams", [
    ({"source": Source.WINDOW, "parameters": ParameterForm.FULL}, {"parameter"}),
    ({"source": Source.WINDOW}, set()),
    ({"source": Source.STREAM, "dense": 1, "parameters": ParameterForm.BIAS_1}, {"value", "parameter"}),
    ({"source": Source.STREAM}, {"value", "run"}),
])
def test_streams_that_a_layer_has(fields, streams):
    dut = WeightFetch(CFG)

    async def bench(ctx):
        await start_all(ctx, dut, fields)
        await ctx.tick().repeat(20)
        assert {name for name in ("value", "run", "parameter") if ctx.get(getattr(dut, name).valid)} == streams
    simulate(dut, bench, background=[memory_model(dut)])


def test_end_of_the_memory():
    dut = WeightFetch(CFG)

    async def bench(ctx):
        await start_all(ctx, dut, LAYER | {"run_address": CFG.weight_words - 2})
        words = []
        ctx.set(dut.run.ready, 1)
        for _ in range(40):
            if ctx.get(dut.run.valid):
                assert not ctx.get(dut.exhausted)
                words.append(ctx.get(dut.run.payload))
            await ctx.tick()
        assert words[:3] == [word_at(CFG.weight_words - 2), word_at(CFG.weight_words - 1), 0] and len(words) <= 4
        assert ctx.get(dut.exhausted) == 1 << stream_names(CFG).index("run")
    simulate(dut, bench, background=[memory_model(dut)])


def test_scan_address():
    dut = WeightFetch(CFG)

    async def bench(ctx):
        for address in (5, 77, 119):
            ctx.set(dut.scan_address, address)
            await ctx.tick().repeat(SCAN_ADDRESS_CYCLES)
            assert ctx.get(dut.memory.address) == address
    simulate(dut, bench)


@pytest.mark.parametrize("cfg", [CFG, TWO], ids=["one", "two"])
def test_lint(cfg):
    lint(WeightFetch(cfg))


@pytest.mark.parametrize("words", [120, 67_584, 1 << 18])
def test_streams_never_run_dry(words):
    """Words are asked for as fast as the decoder and the parameter reader can: 9, 9 and 6 bits a cycle."""
    cfg = EngineConfig(weight_words=words)
    dut = WeightFetch(cfg)

    async def start(ctx):
        await start_all(ctx, dut, LAYER)

    def regular(name, distance):
        port = getattr(dut, name)

        async def consume(ctx):
            await ctx.tick().until(port.valid)
            for taken in range(35):
                assert ctx.get(port.valid), (name, taken)
                assert ctx.get(port.payload) == word_at(STARTS[name] + taken)
                await pulse(ctx, port.ready)
                await ctx.tick().repeat(distance - 1)
        return consume

    simulate(dut, start, regular("value", 4), regular("run", 4), regular("parameter", 6),
             background=[memory_model(dut, cfg)])
