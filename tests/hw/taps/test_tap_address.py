"""TapAddress against the plain Python of the model."""

import numpy as np
import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.instruction import KERNEL_ENTRY, KERNEL_ENTRY_BITS, SLOTS, RowMove, Source
from firelane.hw.contract.timing import ADDRESS_CYCLES
from firelane.hw.taps.tap_address import TapAddress
from tests.hw.support import lint, pulse, simulate
from tests.hw.tap_path_model import expected_taps, matches, packed, random_kernel, random_slots, taps_of


async def set_up(ctx, dut, kernel, slots, parts, source):
    ctx.set(dut.layer, {"source": source, "parts_log2": parts, "kernel_taps": len(kernel)})
    ctx.set(dut.tile, {"slots": slots})
    entries = [*(packed(KERNEL_ENTRY, entry) for entry in kernel), 0]
    for place in range(0, len(kernel), 2):
        pair = entries[place] | entries[place + 1] << KERNEL_ENTRY_BITS
        ctx.set(dut.kernel_write.payload, {"index": place // 2, "data": pair})
        ctx.set(dut.kernel_write.valid, 1)
        await ctx.tick()
    ctx.set(dut.kernel_write.valid, 0)


@pytest.mark.parametrize("banks", [1, 4, 16])
@pytest.mark.parametrize("source", Source)
def test_every_class(banks, source):
    cfg = EngineConfig(banks=banks, activation_words=100)
    dut = TapAddress(cfg)
    rng = np.random.default_rng(banks)

    async def bench(ctx):
        for parts in range(cfg.classes):
            kernel, slots = random_kernel(rng, 9, banks, parts), random_slots(rng, cfg, 20)
            await set_up(ctx, dut, kernel, slots, parts, source)
            taps = [(0, int(rng.integers(20)), int(rng.integers(9)), int(rng.integers(-128, 128))) for _ in range(30)]
            weightless = [(*tap[:3], None if source is Source.WINDOW else tap[3]) for tap in taps]
            expected = expected_taps(cfg, weightless, kernel, slots, parts)
            seen = 0
            for cycle in range(len(taps) + ADDRESS_CYCLES + 1):
                ctx.set(dut.i.valid, cycle < len(taps))
                if cycle < len(taps):
                    _, channel, place, weight = taps[cycle]
                    ctx.set(dut.i.payload, {"weight": weight & 0xff, "place": place, "channel": channel,
                                  "crossing": cycle == 0})
                assert ctx.get(dut.taps.valid) == (ADDRESS_CYCLES <= cycle < ADDRESS_CYCLES + len(taps))
                if ctx.get(dut.taps.valid):
                    assert matches(ctx.get(dut.taps.payload), expected[seen])
                    seen += 1
                assert not ctx.get(dut.address_range) and not ctx.get(dut.last)
                await ctx.tick()
    simulate(dut, bench)


@pytest.mark.parametrize("fields, channel, wrong", [
    ({}, 9, False), ({}, 10, True), ({}, 8000, True),
    ({"terminator": 1}, 10, False),
    ({"bad_place": 1}, 0, True), ({"bad_place": 1, "terminator": 1}, 0, False),
])
def test_range(fields, channel, wrong):
    cfg = EngineConfig(activation_words=100)
    dut = TapAddress(cfg)

    async def bench(ctx):
        kernel = [{"row_move": RowMove.NONE, "slot": 1, "wrap_slot": 2}]
        slots = [{"address": 90, "rows": rows} for rows in (0, 1, 0, 0)]
        await set_up(ctx, dut, kernel, slots, 0, Source.STREAM)
        ctx.set(dut.i.payload, {"channel": channel} | fields)
        ctx.set(dut.i.valid, 1)
        await ctx.tick()
        ctx.set(dut.i.valid, 0)
        seen = 0
        for _ in range(ADDRESS_CYCLES + 2):
            seen |= ctx.get(dut.address_range)
            await ctx.tick()
        assert seen == wrong
    simulate(dut, bench)


@pytest.mark.parametrize("banks", [1, 4, 16])
def test_two_taps(banks):
    """The second tap of a cycle as the first, if there is one; else its weight is 0."""
    cfg = EngineConfig(banks=banks, activation_words=100, taps_per_cycle=2)
    dut = TapAddress(cfg)
    rng = np.random.default_rng(banks)

    async def bench(ctx):
        for parts in range(cfg.classes):
            kernel, slots = random_kernel(rng, 9, banks, parts), random_slots(rng, cfg, 20)
            await set_up(ctx, dut, kernel, slots, parts, Source.STREAM)
            taps = [(0, int(rng.integers(20)), int(rng.integers(9)), int(rng.integers(-128, 128))) for _ in range(60)]
            expected = expected_taps(cfg, taps, kernel, slots, parts)
            pairs = [int(rng.integers(2)) for _ in range(30)]
            for cycle in range(30 + ADDRESS_CYCLES):
                ctx.set(dut.i.valid, cycle < 30)
                if cycle < 30:
                    first, second = ({"weight": weight & 0xff, "place": place, "channel": channel}
                                     for _, channel, place, weight in taps[2 * cycle:2 * cycle + 2])
                    ctx.set(dut.i.payload, {"first": first | {"crossing": cycle == 0},
                                            "second": second | {"take": pairs[cycle]}})
                if cycle >= ADDRESS_CYCLES:
                    done = cycle - ADDRESS_CYCLES
                    seen = taps_of(cfg, ctx.get(dut.taps.payload))
                    assert len(seen) == 1 + pairs[done]
                    assert all(matches(tap, want) for tap, want in zip(seen, expected[2 * done:]))
                assert not ctx.get(dut.address_range) and not ctx.get(dut.last)
                await ctx.tick()
    simulate(dut, bench)


@pytest.mark.parametrize("fields, channel, wrong", [
    ({"take": 1}, 9, False), ({"take": 1}, 10, True), ({"take": 1}, 8000, True), ({}, 10, False),
    ({"take": 1, "bad_place": 1}, 0, True), ({"bad_place": 1}, 0, False),
])
def test_range_of_a_second_tap(fields, channel, wrong):
    dut = TapAddress(EngineConfig(activation_words=100, taps_per_cycle=2))

    async def bench(ctx):
        kernel = [{"row_move": RowMove.NONE, "slot": 1, "wrap_slot": 2}]
        await set_up(ctx, dut, kernel, [{"address": 90, "rows": rows} for rows in (0, 1, 0, 0)], 0, Source.STREAM)
        ctx.set(dut.i.payload, {"second": {"channel": channel} | fields})
        await pulse(ctx, dut.i.valid)
        seen = 0
        for _ in range(ADDRESS_CYCLES + 2):
            seen |= ctx.get(dut.address_range)
            await ctx.tick()
        assert seen == wrong
    simulate(dut, bench)


def test_slot_of_no_bank_is_not_checked():
    """Where there is one row a word, a row move leaves nothing to read in `slot`."""
    cfg = EngineConfig(banks=1, activation_words=100)
    dut = TapAddress(cfg)

    async def bench(ctx):
        kernel = [{"row_move": RowMove.UP, "slot": 0, "wrap_slot": 1}]
        slots = [{"address": 99, "rows": 1}] + [{"address": 0, "rows": 1}] * (SLOTS - 1)
        await set_up(ctx, dut, kernel, slots, 0, Source.STREAM)
        ctx.set(dut.i.payload, {"channel": 5})
        ctx.set(dut.i.valid, 1)
        for _ in range(ADDRESS_CYCLES + 2):
            assert not ctx.get(dut.address_range)
            await ctx.tick()
        assert ctx.get(dut.taps.payload.addresses[0]) == 5
    simulate(dut, bench)


@pytest.mark.parametrize("taps", [1, 2])
def test_lint(taps):
    lint(TapAddress(EngineConfig(taps_per_cycle=taps)))
