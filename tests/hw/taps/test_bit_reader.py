# amaranth: UnusedElaboratable=no
"""ChunkReader and BitReader against a string of bits."""

import random

import pytest

from firelane.hw.taps.bit_reader import BitReader, ChunkReader
from tests.hw.support import lint, pauses, simulate, sink, source


def words_and_bits(rng, count):
    words = [rng.getrandbits(36) for _ in range(count)]
    return words, [word >> bit & 1 for word in words for bit in range(36)]


@pytest.mark.parametrize("chunk_bits", [9, 12, 36])
@pytest.mark.parametrize("busy", [0, 3])
def test_chunks(chunk_bits, busy):
    rng = random.Random(chunk_bits)
    words, bits = words_and_bits(rng, 10)
    dut, chunks = ChunkReader(chunk_bits), []
    simulate(dut, source(dut.i, words, wait=pauses(1, busy)),
             sink(dut.o, len(bits) // chunk_bits, chunks, wait=pauses(2, busy)))
    assert [chunk >> bit & 1 for chunk in chunks for bit in range(chunk_bits)] == bits


def measured(rng, count, lengths):
    """Bits with a length less one for each, and the chunks that carry them."""
    bits = [rng.getrandbits(1) for _ in range(9 * count)]
    codes = [rng.choice(lengths) - 1 for _ in bits]
    chunks = [{"bits": sum(bit << n for n, bit in enumerate(bits[first:first + 9])), "lengths": codes[first:first + 9]}
              for first in range(0, len(bits), 9)]
    return bits, codes, chunks


@pytest.mark.parametrize("lengths", [(8,), (1,), (1, 2, 3, 4, 5, 6, 7, 8)])
@pytest.mark.parametrize("busy, eager", [(0, 1.0), (4, 1.0), (0, 0.4), (4, 0.6)])
def test_window(lengths, busy, eager):
    rng = random.Random(len(lengths) + busy)
    bits, codes, chunks = measured(rng, 40, lengths)
    dut = BitReader()

    async def reader(ctx):
        place = waited = taking = 0
        while place + 27 <= len(bits):
            if taking:
                assert [ctx.get(dut.window) >> bit & 1 for bit in range(8)] == bits[place:place + 8]
                assert ctx.get(dut.length_less_one) == codes[place]
                place += codes[place] + 1
            elif place:
                waited += not ctx.get(dut.ready_next)
            taking = ctx.get(dut.ready_next) and rng.random() < eager
            ctx.set(dut.take_next, taking)
            await ctx.tick()
        ctx.set(dut.clear, 1)       # lets the source end
        assert busy or waited == 0, "8 bits a cycle must be sustained"
    # The source first: what it offers changes `ready_next` in the same cycle.
    simulate(dut, source(dut.i, chunks, wait=pauses(3, busy)), reader)


def test_latency_and_clear():
    dut = BitReader()

    async def bench(ctx):
        for bits in (0x155, 0x0aa):
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            ctx.set(dut.i.payload, {"bits": bits})
            ctx.set(dut.i.valid, 1)
            assert not ctx.get(dut.ready_next)
            await ctx.tick()
            assert ctx.get(dut.ready_next)      # with the second chunk, a code can be taken from the next cycle on
            await ctx.tick()
            ctx.set(dut.i.valid, 0)
            assert ctx.get(dut.window) == bits & 0xff
    simulate(dut, bench)


def test_constructor_error():
    with pytest.raises(ValueError, match=r"^chunk_bits must divide 36, not 7$"):
        ChunkReader(7)


@pytest.mark.parametrize("make", [BitReader, lambda: ChunkReader(12)])
def test_lint(make):
    lint(make())
