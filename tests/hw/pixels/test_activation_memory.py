"""Activation memory against an array: two writers, two kinds of memory in one bank."""

import numpy as np
import pytest

from firelane.hw.contract.config import EngineConfig
from firelane.hw.contract.timing import ACTIVATION_READ_LATENCY, ACTIVATION_WRITE_LATENCY
from firelane.hw.pixels.activation_memory import ActivationMemory
from tests.hw import maps
from tests.hw.support import lint, simulate


@pytest.mark.parametrize("banks, words", [(1, 20), (2, 1280), (4, 64)])
def test_random_traffic(banks, words):
    rng = np.random.default_rng(words)
    dut = ActivationMemory(EngineConfig(banks=banks, activation_words=words))
    popular = [*rng.integers(0, words, 6).tolist(), 0, words - 1]
    model = np.zeros((banks, words, 14), np.int64)
    pending = []                                # what has been written at the ports and is on its way
    blocked = accepted = 0

    def draw():
        return popular[int(rng.integers(len(popular)))]

    async def bench(ctx):
        nonlocal blocked, accepted
        asked, load = [], None                  # reads on their way
        for cycle in range(400):
            if cycle >= ACTIVATION_READ_LATENCY:
                for bank, (address, want) in enumerate(asked.pop(0)):
                    if want is not None:
                        assert ctx.get(dut.read_words[bank].as_value()) == maps.pack(want), (cycle, bank, address)
            drain = rng.random() < 0.5
            bank, address = int(rng.integers(banks)), draw()
            enable, pixels = int(rng.integers(1 << 14)), rng.integers(0, 256, 14)
            ctx.set(dut.drain_write.valid, drain)
            ctx.set(dut.drain_write.payload,
                    {"bank": bank, "address": address, "enable": enable, "data": maps.pack(pixels)})
            if load is None and rng.random() < 0.7:
                load = {"bank": int(rng.integers(banks)), "address": draw(), "pixel": int(rng.integers(14)),
                        "data": int(rng.integers(256))}
                ctx.set(dut.load_write.payload, load)
            ctx.set(dut.load_write.valid, load is not None)
            addresses = [draw() for _ in range(banks)]
            ctx.set(dut.read_addresses, addresses)
            # A write of cycle n is in memory in n + ACTIVATION_WRITE_LATENCY; one cycle earlier it is in flight.
            while pending and pending[0][0] <= cycle - ACTIVATION_WRITE_LATENCY:
                _, bank_w, address_w, write = pending.pop(0)
                for n, value in write:
                    model[bank_w, address_w, n] = value
            moving = {(b, a) for _, b, a, _ in pending}
            asked.append([(a, None if (b, a) in moving else model[b, a].copy()) for b, a in enumerate(addresses)])
            if drain:
                pending.append((cycle, bank, address, [(n, pixels[n]) for n in range(14) if enable >> n & 1]))
            if load is not None:
                ready = ctx.get(dut.load_write.ready)
                assert ready == (not drain or bank != load["bank"])
                blocked += not ready
                accepted += ready
                if ready:
                    pending.append((cycle, load["bank"], load["address"], [(load["pixel"], load["data"])]))
                    load = None
            await ctx.tick()

    simulate(dut, bench)
    assert blocked and accepted


def test_load_out_of_range():
    dut = ActivationMemory(EngineConfig(banks=1, activation_words=20))

    async def bench(ctx):
        for address, wrong in ((19, 0), (20, 1), (0, 0)):
            ctx.set(dut.load_write.payload, {"bank": 0, "address": address, "pixel": 3, "data": 1})
            ctx.set(dut.load_write.valid, 1)
            await ctx.tick()
            assert ctx.get(dut.address_range) == wrong

    simulate(dut, bench)


@pytest.mark.parametrize("words", [16, 1024, 1280])
def test_lint(words):
    lint(ActivationMemory(EngineConfig(banks=2, activation_words=words)))
