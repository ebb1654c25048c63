"""Two products for two lanes: proved in numbers for all of them, simulated as plain Amaranth and as cells of ECP5."""

import numpy as np
import pytest
from amaranth.back import rtlil

from firelane.hw.blocks.pair_sums import LogicPairSums, LowProduct, PairSums
from firelane.hw.contract.timing import MULTIPLIER_LATENCY, PAIR_SUM_CYCLES
from tests.hw.blocks.carry_proof import Ecp5, prove_equal
from tests.hw.blocks.ecp5_cells import simulated
from tests.hw.support import lint, simulate

LATENCY = MULTIPLIER_LATENCY + PAIR_SUM_CYCLES
WEIGHTS = np.arange(-128, 128)


def taken_apart(packed, low):
    """The two sums, as the block makes them of the packed one and the low bits of the upper one."""
    apart = (packed >> 10) - low + 64
    assert apart.min() >= -1 << 16 and apart.max() < 1 << 16
    lower = (apart & 127 ^ 64) << 10 | packed & 1023
    return lower - ((lower >> 16) << 17), apart >> 7 << 7 | low


def test_every_product_of_a_tap():
    """All 2**24 pairs of pixels and weights, each with a second tap of weight 0."""
    pixels = np.arange(256)
    for weight in WEIGHTS:
        lower, upper = np.meshgrid(pixels * weight, pixels * weight)
        packed = (pixels[:, None] << 10 | pixels) * weight
        assert np.array_equal(packed, (upper << 10) + lower)
        made = taken_apart(packed, upper & 127)
        assert np.array_equal(made[0], lower) and np.array_equal(made[1], upper)


def test_every_pair_of_sums():
    """All sums that two products have for the upper lane, with all that the lower one may carry into it."""
    products = np.unique(np.multiply.outer(np.arange(256), WEIGHTS))
    sums = np.arange(2 * products.min(), 2 * products.max() + 1)
    assert (sums[0] >> 10, sums[-1] >> 10) == (-64, 63)
    for carried in range(-64, 64):
        lower = (carried << 10) + (carried * 7 & 1023)
        made = taken_apart((sums << 10) + lower, sums & 127)
        assert (made[0] == lower).all() and np.array_equal(made[1], sums)


def test_every_low_product():
    """It depends on the low 7 bits of both alone; the others are random."""
    dut, rng = LowProduct(), np.random.default_rng(7)
    pairs = [(n % 128 + (a << 7), n // 128 - (w << 7)) for n, (a, w) in enumerate(rng.integers(0, 2, (1 << 14, 2)))]
    pairs = [(int(pixel), int(weight)) for pixel, weight in pairs]

    async def bench(ctx):
        for pixel, weight in pairs:
            ctx.set(dut.pixel, pixel)
            ctx.set(dut.weight, weight)
            await ctx.tick()
            assert ctx.get(dut.rest) + (ctx.get(dut.top) << 4) & 127 == pixel * weight & 127

    simulate(dut, bench, cycles=len(pairs) + 10)


def random_inputs(rng):
    """Pixels and weights of taps: every weight twice, extreme ones more often, and all extremes together."""
    extremes = [-128, -127, -1, 0, 1, 127]
    weights = [(int(w), int(v)) for w in WEIGHTS for v in (rng.integers(-128, 128), rng.choice(extremes))]
    taps = [(*rng.choice([0, 1, 128, 255, *rng.integers(0, 256, 4)], 4).tolist(), *pair) for pair in weights]
    return taps + [(*(255 * (n >> k & 1) for k in range(4)), w, v)
                   for n in range(16) for w in (-128, 127) for v in (-128, 127)]


@pytest.mark.parametrize("make, made_for", [(PairSums, lambda dut: dut), (PairSums, simulated),
                                            (LogicPairSums, lambda dut: dut), (LogicPairSums, simulated)],
                         ids=["blocks-plain", "blocks-ecp5", "logic-plain", "logic-ecp5"])
def test_sums(make, made_for):
    dut = make()
    taps = random_inputs(np.random.default_rng(1))
    if made_for is simulated:
        taps = taps[::4] + taps[-64:]
    ports = (dut.first_lower, dut.first_upper, dut.second_lower, dut.second_upper, dut.first_weight, dut.second_weight)

    async def bench(ctx):
        for cycle in range(len(taps) + LATENCY):
            if cycle >= LATENCY:
                a0, a1, b0, b1, w, v = taps[cycle - LATENCY]
                assert (ctx.get(dut.lower), ctx.get(dut.upper)) == (a0 * w + b0 * v, a1 * w + b1 * v)
            for port, value in zip(ports, taps[min(cycle, len(taps) - 1)]):
                ctx.set(port, value)
            await ctx.tick()

    simulate(made_for(dut), bench)


def test_ecp5_cells():
    text = rtlil.convert(PairSums(), platform=Ecp5(), emit_src=False)
    assert text.count("cell \\MULT18X18D ") == 2 and "cell $mul" not in text
    assert text.count("cell \\CCU2C ") == 2 * 10


def test_ecp5_carry_chains(tmp_path):
    """The chains are proved equal to the portable block, register by register."""
    assert prove_equal(LowProduct, tmp_path).count("cell \\CCU2C ") == 10


def test_lint():
    for block in (LowProduct, PairSums, LogicPairSums):
        lint(block())
