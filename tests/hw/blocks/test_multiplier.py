# amaranth: UnusedElaboratable=no
"""Multipliers: the portable ones against Python, those of ECP5 against data sheet (block) and Yosys' model (chains)."""

import random

import pytest
from amaranth import signed, unsigned
from amaranth.back import rtlil

from firelane.hw.blocks.multiplier import LogicMultiplier, Multiplier
from firelane.hw.contract.timing import MULTIPLIER_LATENCY
from tests.hw.blocks.carry_proof import Ecp5, prove_equal
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
        for cycle in range(len(pairs) + MULTIPLIER_LATENCY):
            if cycle >= MULTIPLIER_LATENCY:
                a, b = pairs[cycle - MULTIPLIER_LATENCY]
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
    text = rtlil.convert(Multiplier(unsigned(8), signed(8)), platform=Ecp5(), emit_src=False)
    assert text.count("cell \\MULT18X18D") == 1
    for parameter in ("REG_INPUTA_CLK", "REG_INPUTB_CLK", "REG_OUTPUT_CLK"):
        assert f'parameter \\{parameter} "CLK0"' in text
    assert "cell $mul" not in text


@pytest.mark.parametrize("make", [LogicMultiplier, lambda: Multiplier(unsigned(8), signed(8))])
def test_every_product_of_bytes(make):
    dut = make()
    pairs = [(a, b) for b in range(-128, 128) for a in range(256)]

    async def bench(ctx):
        for cycle in range(len(pairs) + MULTIPLIER_LATENCY):
            if cycle >= MULTIPLIER_LATENCY:
                a, b = pairs[cycle - MULTIPLIER_LATENCY]
                assert ctx.get(dut.product) == a * b
            if cycle < len(pairs):
                ctx.set(dut.a, pairs[cycle][0])
                ctx.set(dut.b, pairs[cycle][1])
            await ctx.tick()

    simulate(dut, bench, cycles=len(pairs) + 10)


def test_logic_lint():
    text = lint(LogicMultiplier())
    assert "cell $mul" not in text


def test_ecp5_carry_chains(tmp_path):
    """The chains are proved equal to the portable multiplier, register by register."""
    assert prove_equal(LogicMultiplier, tmp_path).count("cell \\CCU2C ") == 39
