# amaranth: UnusedElaboratable=no
"""The best classes of a result, and numbers as a line with its checksum."""

import functools
import operator
import random

import numpy as np
import pytest

from firelane.hw.camera.five_best import FiveBest
from firelane.hw.camera.line_writer import LineWriter
from tests.hw.support import lint, pauses, pulse, simulate, sink, source


@pytest.mark.parametrize("classes, shown, most", [(10, 5, 255), (1000, 5, 8), (3, 3, 255), (40, 5, 0)])
def test_the_best_are_those_of_a_stable_sort(classes, shown, most):
    rng = np.random.default_rng(classes)
    results = [rng.integers(0, most + 1, classes) for _ in range(2)]
    dut = FiveBest(classes, shown)

    async def bench(ctx):
        for result in results:
            await pulse(ctx, dut.clear)
            payloads = [{"data": int(value), "last": int(n == classes - 1)} for n, value in enumerate(result)]
            await source(dut.i, payloads, wait=pauses(1, 2))(ctx)
            assert ctx.get(dut.complete) and not ctx.get(dut.i.ready)
            order = np.argsort(-result, kind="stable")[:shown]
            found = [(ctx.get(entry.number), ctx.get(entry.value)) for entry in (dut.best[n] for n in range(shown))]
            assert found == [(n, result[n]) for n in order]

    simulate(dut, bench)


def line(prefix: bytes, numbers) -> bytes:
    text = b",".join([prefix, *(str(number).encode() for number in numbers)])
    return b"$%s*%02X\r\n" % (text, functools.reduce(operator.xor, text))


@pytest.mark.parametrize("wait", [0, 3])
def test_a_line(wait):
    rng, kinds = random.Random(4), ((b"FLA,1", 5), (b"FLS,1", 2))
    dut = LineWriter([prefix for prefix, _ in kinds], [count for _, count in kinds])
    cases = [(0, (0, 7, 4294967295, 1000000000, 999999999)), (1, (10, 4000000001)),
             (0, tuple(rng.getrandbits(rng.randint(1, 32)) for _ in range(5)))]
    expected = b"".join(line(kinds[kind][0], numbers) for kind, numbers in cases)
    received = []

    async def bench(ctx):
        for kind, numbers in cases:
            ctx.set(dut.kind, kind)
            for n, number in enumerate(numbers):
                ctx.set(getattr(dut, f"number{n}"), number)
            await pulse(ctx, dut.start)
            await ctx.tick().until(~dut.busy)

    simulate(dut, bench, sink(dut.o, len(expected), received, wait=pauses(2, wait) if wait else None), cycles=20_000)
    assert bytes(received) == expected


def test_lint():
    lint(FiveBest(10))
    lint(LineWriter([b"A", b"B"], [3, 1]))
    lint(LineWriter([b"A"], [1]))
