# amaranth: UnusedElaboratable=no
"""Multiplier: the portable one against Python, and the instantiated block's wiring against its data sheet."""

import random

import pytest
from amaranth import signed, unsigned
from amaranth.back import rtlil

from hw.multiplier import Multiplier
from tests.hw.support import lint, simulate

SHAPES = [(unsigned(8), signed(8)), (unsigned(17), unsigned(16)), (signed(8), unsigned(16)), (signed(16), unsigned(16))]


def corner(rng, shape):
    low, high = (-(1 << shape.width - 1), (1 << shape.width - 1) - 1) if shape.signed else (0, (1 << shape.width) - 1)
    return rng.choice((low, high, 0, 1, rng.randint(low, high)))


@pytest.mark.parametrize("a_shape, b_shape", SHAPES)
def test_product(a_shape, b_shape):
    rng = random.Random(1)
    dut = Multiplier(a_shape, b_shape)
    pairs = [(corner(rng, a_shape), corner(rng, b_shape)) for _ in range(60)]

    async def bench(ctx):
        for cycle in range(len(pairs) + dut.LATENCY):
            if cycle >= dut.LATENCY:
                a, b = pairs[cycle - dut.LATENCY]
                assert ctx.get(dut.product) == a * b
            if cycle < len(pairs):
                ctx.set(dut.a, pairs[cycle][0])
                ctx.set(dut.b, pairs[cycle][1])
            await ctx.tick()

    simulate(dut, bench)


def test_operands_fit_the_block():
    with pytest.raises(ValueError, match=r"^operands must be at most 18 bits, not unsigned\(19\) and signed\(8\)$"):
        Multiplier(unsigned(19), signed(8))


@pytest.mark.parametrize("a_shape, b_shape", SHAPES)
def test_lint(a_shape, b_shape):
    lint(Multiplier(a_shape, b_shape))


def test_ecp5_block():
    class Platform:
        family = "ecp5"

    text = rtlil.convert(Multiplier(unsigned(8), signed(8)), platform=Platform(), emit_src=False)
    assert text.count("cell \\MULT18X18D") == 1
    for parameter in ("REG_INPUTA_CLK", "REG_INPUTB_CLK", "REG_OUTPUT_CLK"):
        assert f'parameter \\{parameter} "CLK0"' in text
    assert "cell $mul" not in text
