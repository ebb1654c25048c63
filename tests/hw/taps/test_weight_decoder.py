"""WeightDecoder against the weights and steps that were encoded."""

import random

import numpy as np
import pytest

from firelane.compiler.coding.prefix_code import words_of
from firelane.compiler.coding.weight_code import encode_layer
from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import CODE_WORD, SECOND_STREAMS, Operation, Source
from firelane.hw.contract.timing import DECODE_CYCLES
from firelane.hw.taps.weight_decoder import WeightDecoder
from tests.hw.support import lint, pauses, pulse, simulate
from tests.hw.tap_path_model import Images, add_streams, packed

CFG = EngineConfig(value_symbols=64, run_symbols=64)
TWO = EngineConfig(value_symbols=64, run_symbols=64, taps_per_cycle=2)
PLACES = 9


def weight_and_distance(decoded):
    step = decoded.step
    weight = step.weight if step.weight < 128 else step.weight - 256
    return weight, step.step.channel_step * PLACES + step.step.kernel_step


async def write_codes(ctx, dut, encoded):
    for index, word in enumerate(encoded.code_words):
        ctx.set(dut.code_write.payload, {"index": index, "data": packed(CODE_WORD, word)})
        await pulse(ctx, dut.code_write.valid)


def words(port, image, wait):
    """Offers an image's words for ever; without `send`, which cannot be broken off when the test is over."""
    async def offer(ctx):
        number = 0
        while True:
            for _ in range(next(wait)):
                await ctx.tick()
            ctx.set(port.valid, 1)
            ctx.set(port.payload, image[number] if number < len(image) else 0)
            *_, ready = await ctx.tick().sample(port.ready)
            ctx.set(port.valid, 0)
            number += ready
    return offer


@pytest.mark.parametrize("options", [{"dense": False}, {"dense": True}, {"dense": False, "value_room": 0}])
@pytest.mark.parametrize("busy, room", [(0, 1.0), (12, 0.5)])
def test_weights_and_steps(options, busy, room):
    rng = np.random.default_rng(1)
    weights = np.where(rng.random((5, 4, PLACES)) < 0.4, rng.integers(-9, 10, (5, 4, PLACES)), 0).astype(np.int8)
    encoded = encode_layer(weights, **options)
    places = np.arange(weights.size) if encoded.dense else np.flatnonzero(weights)
    expected = list(zip(weights.reshape(-1)[places].tolist(), np.diff(places, prepend=-1).tolist()))
    dut = WeightDecoder(CFG, values=[value & 0xff for value in encoded.value_table], runs=encoded.run_table)

    async def bench(ctx):
        gate = random.Random(busy)
        layer = {"source": Source.STREAM, "dense": encoded.dense, "raw_values": encoded.raw_values,
                 "kernel_taps": PLACES}
        ctx.set(dut.layer, layer)
        ctx.set(dut.coming, layer)
        await write_codes(ctx, dut, encoded)
        await pulse(ctx, dut.take_codes)
        ctx.set(dut.coming, {})                     # the next layer's codes may come now
        ctx.set(dut.code_write.payload, {"index": 0, "data": 0})
        await pulse(ctx, dut.code_write.valid)
        ctx.set(dut.active, 1)
        started, seen, cycle = [], 0, 0
        while seen < len(expected):
            ctx.set(dut.room, gate.random() < room)
            if ctx.get(dut.step):
                started.append(cycle)
            if ctx.get(dut.o.valid):
                assert weight_and_distance(ctx.get(dut.o.payload)) == expected[seen] and not ctx.get(dut.o.payload.bad)
                assert cycle == started[seen] + DECODE_CYCLES
                seen += 1
            await ctx.tick()
            cycle += 1
        if room == 1.0 and not busy:
            assert started == list(range(started[0], started[0] + len(started)))
        ctx.set(dut.active, 0)
        await ctx.tick()
        for _ in range(10):
            assert not ctx.get(dut.o.valid) and not ctx.get(dut.step)
            await ctx.tick()

    simulate(dut, bench, background=[words(dut.value, words_of(encoded.value_bits).tolist(), pauses(3, busy)),
                                     words(dut.run, words_of(encoded.run_bits).tolist(), pauses(4, busy))])


@pytest.mark.parametrize("maximum", [False, True])
@pytest.mark.parametrize("options", [{"dense": False}, {"dense": True}, {"dense": False, "value_room": 0}])
def test_two_decoders(options, maximum):
    """Taps in turn from two pairs of streams; those of a maximum from the first alone, beside other words."""
    rng = np.random.default_rng(2)
    weights = np.where(rng.random((5, 4, PLACES)) < 0.4, rng.integers(-9, 10, (5, 4, PLACES)), 0).astype(np.int8)
    encoded, images, addresses = encode_layer(weights, **options), Images(), {}
    second, = add_streams(TWO, images, addresses, encoded, alone=maximum)
    second = SECOND_STREAMS.from_bits(second)
    places = np.arange(weights.size) if encoded.dense else np.flatnonzero(weights)
    expected = list(zip(weights.reshape(-1)[places].tolist(), np.diff(places, prepend=-1).tolist()))
    dut = WeightDecoder(TWO, values=[value & 0xff for value in encoded.value_table], runs=encoded.run_table)

    async def bench(ctx):
        gate = random.Random(5)
        layer = {"source": Source.STREAM, "dense": encoded.dense, "raw_values": encoded.raw_values,
                 "kernel_taps": PLACES, "operation": Operation.MAXIMUM if maximum else Operation.MULTIPLY}
        ctx.set(dut.layer, layer)
        ctx.set(dut.coming, layer)
        await write_codes(ctx, dut, encoded)
        await pulse(ctx, dut.take_codes)
        await ctx.tick()
        ctx.set(dut.active, 1)
        seen = []
        while len(seen) < len(expected):
            ctx.set(dut.room, gate.random() < 0.7)
            if ctx.get(dut.o.valid):
                taken = list(ctx.get(dut.o.payload))[:1 if maximum else 2]
                assert not any(decoded.bad for decoded in taken)
                seen += map(weight_and_distance, taken)
            await ctx.tick()
        assert seen[:len(expected)] == expected
    starts = {"value": addresses["value_address"], "run": addresses.get("run_address", 0),
              "second_value": second.value_address, "second_run": second.run_address}
    simulate(dut, bench, background=[words(getattr(dut, name), images.weights[start:], pauses(start, 6))
                                     for name, start in starts.items()])


@pytest.mark.parametrize("places, step", [(1, (1, 0)), (4, (0, 1))])
def test_window_needs_no_stream(places, step):
    dut = WeightDecoder(CFG)

    async def bench(ctx):
        ctx.set(dut.layer, {"source": Source.WINDOW, "kernel_taps": places})
        await ctx.tick()
        ctx.set(dut.active, 1)
        ctx.set(dut.room, 1)
        for cycle in range(20):
            assert ctx.get(dut.step) == (cycle >= 1) and not ctx.get(dut.dry)
            assert ctx.get(dut.o.valid) == (cycle > DECODE_CYCLES)
            out = ctx.get(dut.o.payload)
            assert (out.step.step.channel_step, out.step.step.kernel_step) == step and not out.bad
            await ctx.tick()
    simulate(dut, bench)


@pytest.mark.parametrize("cfg", [CFG, TWO], ids=["one", "two"])
def test_lint(cfg):
    lint(WeightDecoder(cfg))
