"""Requantize against Python integers: corners of every width, every shift, ties."""

import random

import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.timing import REQUANTIZE_LATENCY
from firelane.hw.pixels.requantize import Requantize
from tests.hw.maps import requantize
from tests.hw.support import lint, simulate


def corner_vectors(bits: int, rng: random.Random) -> list:
    """(14 sums, bias, multiplier, shift), every shift with several multipliers."""
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    vectors = []
    for shift in range(1, 41):
        for multiplier in (0, 1 << 15, (1 << 16) - 1, rng.randrange(1 << 15, 1 << 16)):
            bias = rng.choice((low, high, 0, 1, -1, rng.randint(low, high), rng.randint(-200, 200)))
            sums = [low, high, 0, -1, 1, -bias & high]
            for wanted in (-300, -1, 0, 127, 255, 300):         # near the ends of the result, and ties
                exact = (wanted << shift) + (1 << shift - 1)
                near = exact // multiplier - bias if multiplier else 0
                sums.append(min(max(near + rng.randint(-1, 1), low), high))
            sums += [rng.randint(low, high), rng.randint(-1000, 1000)]
            vectors.append((sums, bias, multiplier, shift))
    for shift in range(1, 25):                                  # exact ties: multiplier 2**15, sums odd
        sums = [min(max(((2 * n - 7) << max(0, shift - 16)), low), high) for n in range(14)]
        vectors.append((sums, 0, 1 << 15, shift))
    return vectors


@pytest.mark.parametrize("bits", [24, 18, 32])
@pytest.mark.parametrize("zero_point, low, high", [(0, 0, 255), (128, 0, 255), (255, 3, 250), (7, 40, 41)])
def test_exact(bits, zero_point, low, high):
    cfg = EngineConfig(banks=1, accumulator_bits=bits, average_bits=16)
    rng = random.Random(bits + zero_point)
    dut = Requantize(cfg)
    vectors = rng.sample(corner_vectors(bits, rng), 60)

    async def bench(ctx):
        for name, value in (("zero_point", zero_point), ("clamp_low", low), ("clamp_high", high)):
            ctx.set(getattr(dut, name), value)
        for cycle in range(len(vectors) + REQUANTIZE_LATENCY):
            if cycle >= REQUANTIZE_LATENCY:
                sums, *parameters = vectors[cycle - REQUANTIZE_LATENCY]
                want = requantize(sums, *parameters, zero_point, low, high).tolist()
                assert [ctx.get(dut.pixels[n]) for n in range(14)] == want, (sums, parameters)
            if cycle < len(vectors):
                sums, bias, multiplier, shift = vectors[cycle]
                for n in range(14):
                    ctx.set(dut.sums[n], sums[n])
                ctx.set(dut.parameters, {"bias": bias & (1 << bits) - 1, "multiplier": multiplier, "shift": shift})
            await ctx.tick()

    simulate(dut, bench)


def test_lint():
    lint(Requantize(EngineConfig(banks=1)))
