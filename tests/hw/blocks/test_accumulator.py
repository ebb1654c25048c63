"""Accumulator: against Python, and its carry chain proved equal to what is portable."""

import random

import pytest

from firelane.hw.blocks.accumulator import Accumulator
from tests.hw.blocks.carry_proof import prove_equal
from tests.hw.support import lint, simulate


@pytest.mark.parametrize("bits", [16, 18, 24])
def test_sums(bits):
    rng = random.Random(bits)
    dut = Accumulator(16, bits)
    half = 1 << bits - 1

    async def bench(ctx):
        total = None
        for cycle in range(200):
            term = rng.choice([rng.randint(-1 << 15, (1 << 15) - 1), -1 << 15, (1 << 15) - 1])
            load, enable = cycle == 0 or rng.random() < 0.1, cycle == 0 or rng.random() < 0.7
            for port, value in ((dut.term, term), (dut.load, load), (dut.enable, enable)):
                ctx.set(port, value)
            await ctx.tick()
            if enable:
                total = term if load else (total + term + half) % (2 * half) - half
            assert ctx.get(dut.total) == total

    simulate(dut, bench)


@pytest.mark.parametrize("bits, cells", [(18, 10), (23, 12), (24, 13), (32, 17)])
def test_ecp5_carry_chain(bits, cells, tmp_path):
    assert prove_equal(lambda: Accumulator(16, bits), tmp_path).count("cell \\CCU2C ") == cells


def test_lint():
    lint(Accumulator(16, 24))
