"""Lanes against NumPy: sums, maxima, captures as near as may be, pauses."""

import numpy as np
import pytest
from amaranth.back import rtlil

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.timing import LANE_TAP_LEAD, accumulate_latency
from firelane.hw.pixels.lanes import Lanes
from tests.hw import maps
from tests.hw.blocks.carry_proof import Ecp5
from tests.hw.blocks.ecp5_cells import simulated
from tests.hw.support import lint, simulate


def config(banks, logic_lanes=0, taps_per_cycle=1):
    return EngineConfig(banks=banks, activation_words=16, logic_lanes=logic_lanes, taps_per_cycle=taps_per_cycle)


def random_taps(rng, count, banks):
    """(take, first, capture, weight) with pauses; the first is a first one; captures at least `banks` cycles apart."""
    taps = []
    for n in range(count):
        capture = n > 0 and rng.random() < 0.4 and not any(tap[2] for tap in taps[1 - banks:] if banks > 1)
        taps.append((int(rng.random() < 0.8), int(capture or n == 0), int(capture), int(rng.integers(-128, 128))))
    taps[0] = (1, 1, 0, -128)
    taps[1] = (1, 0, 0, -128)
    for n, tap in enumerate(taps):
        if tap[1]:
            taps[n] = (1, *tap[1:])
    return taps


def expected(taps, pixels, maximum, at_once=1):
    """What is shifted out after each tap, so many banks; fewer, or none, if no more are left."""
    total = np.zeros_like(pixels[0])
    hold, held = [], []
    for (take, first, capture, weight), pixel in zip(taps, pixels):
        if capture:
            hold = total.tolist()
        if take and maximum:
            total = pixel if first else np.maximum(total, pixel)
        elif take:
            total = pixel * weight + (0 if first else total)
        held.append(hold[:at_once])
        hold = hold[at_once:]
    return held


@pytest.mark.parametrize("banks, logic_lanes", [(1, 0), (1, 14), (2, 0), (2, 17), (4, 0)])
@pytest.mark.parametrize("maximum", [0, 1])
def test_accumulate(banks, logic_lanes, maximum):
    rng = np.random.default_rng(banks)
    count = 60
    taps = random_taps(rng, count, banks)
    pixels = rng.integers(0, 256, (count, banks, 14))
    pixels[rng.random(pixels.shape) < 0.1] = 255
    want = expected(taps, pixels, maximum)
    dut = Lanes(config(banks, logic_lanes))
    lag = LANE_TAP_LEAD + accumulate_latency(config(banks, logic_lanes))

    async def bench(ctx):
        ctx.set(dut.maximum, maximum)
        await ctx.tick()
        for cycle in range(count + lag):
            take, first, capture, weight = taps[cycle] if cycle < count else (0, 0, 0, 0)
            ctx.set(dut.tap, {"take": take, "first": first, "capture": capture, "weight": weight})
            if 0 <= cycle - LANE_TAP_LEAD < count:
                ctx.set(dut.pixels.as_value(), maps.pack(pixels[cycle - LANE_TAP_LEAD]))
            if cycle >= lag and want[cycle - lag]:
                assert [[ctx.get(dut.shifted[n]) for n in range(14)]] == want[cycle - lag]
            await ctx.tick()

    simulate(dut, bench)


def random_second_taps(rng, taps):
    """(take, weight) of the second tap of each cycle; only beside one."""
    return [(int(take and rng.random() < 0.7), int(rng.integers(-128, 128))) for take, *_ in taps]


def expected_of_pairs(taps, second_taps, pixels, second_pixels, maximum, at_once):
    """As `expected`, of two taps a cycle."""
    if not maximum:
        weights = np.array([(tap[3], second[0] * second[1]) for tap, second in zip(taps, second_taps)])
        sums = pixels * weights[:, 0, None, None] + second_pixels * weights[:, 1, None, None]
        taps, pixels = [(*tap[:3], 1) for tap in taps], sums
    return expected(taps, pixels, maximum, at_once)


def chains(dut, banks, blocks, since_capture):
    """The banks' sums that leave the lanes, so many cycles after those of the first."""
    if banks == 1:
        return [dut.shifted]
    return [dut.shifted, dut.odd_shifted] if blocks else [(dut.shifted, dut.odd_shifted)[since_capture % 2]]


@pytest.mark.parametrize("banks, logic_lanes, made_for", [
    (1, 5, simulated), (1, 14, lambda dut: dut), (2, 0, lambda dut: dut), (4, 0, lambda dut: dut)],
    ids=["1-ecp5", "1-logic", "2", "4"])
@pytest.mark.parametrize("maximum, blocks", [(0, 0), (1, 0), (1, 1)])
def test_accumulate_pairs(banks, logic_lanes, made_for, maximum, blocks):
    """With `blocks` banks leave two by two."""
    rng, blocks = np.random.default_rng(banks), blocks and banks > 1
    count = 60
    taps = random_taps(rng, count, banks // 2 if blocks else banks)
    second_taps = random_second_taps(rng, taps)
    pixels, second_pixels = rng.integers(0, 256, (2, count, banks, 14))
    for edge in (0, 255):
        pixels[rng.random(pixels.shape) < 0.1] = second_pixels[rng.random(pixels.shape) < 0.1] = edge
    want = expected_of_pairs(taps, second_taps, pixels, second_pixels, maximum, 1 + blocks)
    cfg = config(banks, logic_lanes, 2)
    dut = Lanes(cfg)
    lag = LANE_TAP_LEAD + accumulate_latency(cfg)

    async def bench(ctx):
        ctx.set(dut.maximum, maximum)
        if banks > 1:
            ctx.set(dut.blocks, blocks)
        await ctx.tick()
        since_capture = 0
        for cycle in range(count + lag):
            take, first, capture, weight = taps[cycle] if cycle < count else (0, 0, 0, 0)
            ctx.set(dut.tap, {"take": take, "first": first, "capture": capture, "weight": weight})
            ctx.set(dut.second_tap, dict(zip(("take", "weight"), second_taps[cycle] if cycle < count else (0, 5))))
            if 0 <= cycle - LANE_TAP_LEAD < count:
                ctx.set(dut.pixels.as_value(), maps.pack(pixels[cycle - LANE_TAP_LEAD]))
                ctx.set(dut.second_pixels.as_value(), maps.pack(second_pixels[cycle - LANE_TAP_LEAD]))
            since_capture = 0 if cycle >= lag and taps[cycle - lag][2] else since_capture + 1
            if cycle >= lag and want[cycle - lag]:
                assert [[ctx.get(chain[n]) for n in range(14)]
                        for chain in chains(dut, banks, blocks, since_capture)] == want[cycle - lag]
            await ctx.tick()

    simulate(made_for(dut), bench)


@pytest.mark.parametrize("logic_lanes, pairs", [(0, 7), (3, 5), (14, 0)])
def test_blocks_of_pairs(logic_lanes, pairs):
    text = rtlil.convert(Lanes(config(1, logic_lanes, 2)), platform=Ecp5(), emit_src=False)
    assert text.count("cell \\MULT18X18D ") == 2 * pairs


@pytest.mark.parametrize("logic_lanes", [0, 3, 28])
def test_blocks(logic_lanes):
    text = rtlil.convert(Lanes(config(2, logic_lanes)), platform=Ecp5(), emit_src=False)
    assert text.count("cell \\MULT18X18D ") == 28 - logic_lanes
    assert text.count("cell \\CCU2C ") == 39 * logic_lanes + 13 * 28


def test_lint():
    for banks in (1, 2, 4, 8):
        lint(Lanes(config(banks)))
        lint(Lanes(config(banks, logic_lanes=9)))
    for banks in (1, 4):
        lint(Lanes(config(banks, logic_lanes=9, taps_per_cycle=2)))
