# amaranth: UnusedElaboratable=no
"""WeightMemory against a list, over boundaries of blocks and stations."""

import random

import pytest

from firelane.hw.contract.timing import weight_read_cycles
from firelane.hw.taps.weight_memory import WeightMemory
from tests.hw.support import lint, simulate


@pytest.mark.parametrize("words", [100, 1536, 3700, 14_000])
def test_random_reads_and_writes(words):
    rng = random.Random(words)
    model = [rng.getrandbits(36) for _ in range(words - 20)]
    dut = WeightMemory(words, model)
    model += [0] * 20
    edges = [0, words - 1, *(edge for edge in (511, 512, 1023, 1024, 2047, 2048, 6143, 6144, 12_288) if edge < words)]
    latency = weight_read_cycles(words)

    async def bench(ctx):
        asked = []
        for cycle in range(300):
            address = rng.choice(edges) if rng.random() < 0.3 else rng.randrange(words + 30)
            writes = rng.random() < 0.4
            ctx.set(dut.read.address, address)
            ctx.set(dut.write.valid, writes)
            asked.append(None if writes else model[address] if address < words else 0)
            if writes:
                place, word = rng.choice([address, rng.choice(edges)]), rng.getrandbits(36)
                ctx.set(dut.write.payload, {"address": place, "data": word})
                if place < words:
                    model[place] = word
            if cycle >= latency and asked[cycle - latency] is not None:
                assert ctx.get(dut.read.data) == asked[cycle - latency]
            await ctx.tick()
    simulate(dut, bench)


def test_constructor_errors():
    with pytest.raises(ValueError, match=r"^the image has 5 words, the weight memory 4$"):
        WeightMemory(4, [0] * 5)


def test_lint():
    lint(WeightMemory(1600))
