# amaranth: UnusedElaboratable=no
"""Results of any length, chunk by chunk, each as often as asked."""

import random

import pytest

from firelane.hw.contract.link_protocol import PAYLOAD_BYTES
from firelane.hw.link.result_buffer import ResultBuffer
from tests.hw.support import lint, pauses, pulse, receive, simulate, source


@pytest.mark.parametrize("size, chunk", [(1, PAYLOAD_BYTES), (7, PAYLOAD_BYTES), (PAYLOAD_BYTES, PAYLOAD_BYTES),
                                         (PAYLOAD_BYTES + 1, PAYLOAD_BYTES), (2 * PAYLOAD_BYTES + 5, PAYLOAD_BYTES),
                                         (7, 1), (64, 64), (100, 48)])
def test_a_result_comes_back_in_chunks(size, chunk):
    dut, rng = ResultBuffer(chunk), random.Random(size)
    octets = [rng.randrange(256) for _ in range(size)]
    beats = [{"data": byte, "last": n == size - 1} for n, byte in enumerate(octets)]

    async def host(ctx):
        offset = 0
        while True:
            await ctx.tick().until(dut.control.complete)
            await ctx.tick()
            count = ctx.get(dut.control.count)
            assert ctx.get(dut.control.offset) == offset
            for _ in range(2):
                await pulse(ctx, dut.chunk.rewind)
                asked = min(count, 40)
                assert [await receive(ctx, dut.chunk.bytes) for _ in range(asked)] == octets[offset:offset + asked]
            offset += count
            if ctx.get(dut.control.last):
                break
            assert count == chunk
            await pulse(ctx, dut.control.advance)
        assert offset == size

    simulate(dut, source(dut.i, beats, wait=pauses(1, 2)), host, cycles=40_000)


def test_latency():
    dut = ResultBuffer()

    async def bench(ctx):
        await source(dut.i, [{"data": 7, "last": 1}])(ctx)
        await ctx.tick().repeat(9)
        ctx.set(dut.chunk.rewind, 1)
        valid = []
        for _ in range(8):
            valid.append(ctx.get(dut.chunk.bytes.valid))
            await ctx.tick()
            ctx.set(dut.chunk.rewind, 0)
        assert valid[0] == 1 and valid[1:].index(1) + 1 == 3

    simulate(dut, bench)


def test_clear_forgets_half_a_result():
    dut = ResultBuffer()

    async def bench(ctx):
        await source(dut.i, [{"data": 1, "last": 0}, {"data": 2, "last": 0}])(ctx)
        await pulse(ctx, dut.control.clear)
        await source(dut.i, [{"data": 9, "last": 1}])(ctx)
        assert (ctx.get(dut.control.complete), ctx.get(dut.control.last), ctx.get(dut.control.count)) == (1, 1, 1)
        await pulse(ctx, dut.chunk.rewind)
        assert await receive(ctx, dut.chunk.bytes) == 9

    simulate(dut, bench)


@pytest.mark.parametrize("chunk", [0, PAYLOAD_BYTES + 1])
def test_chunks_that_no_answer_holds_are_refused(chunk):
    with pytest.raises(ValueError, match=f"^chunk_bytes must be 1 to {PAYLOAD_BYTES}, not {chunk}$"):
        ResultBuffer(chunk)


def test_lint():
    lint(ResultBuffer())
