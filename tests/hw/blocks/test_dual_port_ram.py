# amaranth: UnusedElaboratable=no
"""The memory with two ports, as plain Amaranth and as block RAMs of ECP5, against an array."""

import numpy as np
import pytest
from amaranth.back import rtlil

from firelane.hw.blocks.dual_port_ram import DualPortRam
from firelane.hw.contract.config import bits_for
from firelane.hw.contract.timing import ACTIVATION_READ_LATENCY
from tests.hw.blocks.carry_proof import Ecp5
from tests.hw.blocks.ecp5_cells import simulated
from tests.hw.support import lint, simulate

BYTES = 4


@pytest.mark.parametrize("made_for", [lambda dut: dut, simulated], ids=["plain", "ecp5"])
@pytest.mark.parametrize("words", [20, 1280, 2100, 2500])
def test_random_traffic(words, made_for):
    rng = np.random.default_rng(words)
    dut = DualPortRam(words, BYTES, bits_for(words))
    model = np.zeros((words, BYTES), np.uint8)
    popular = [0, words - 1, 1023 % words, 1024 % words, *rng.integers(0, words, 3).tolist()]

    async def bench(ctx):
        asked = []
        for cycle in range(400):
            if cycle >= ACTIVATION_READ_LATENCY:
                for port, want in zip((dut.data_a, dut.data_b), asked.pop(0)):
                    if want is not None:
                        assert ctx.get(port) == int.from_bytes(want, "little"), cycle
            write, enable, data = int(rng.integers(3) == 0), int(rng.integers(1 << BYTES)), rng.integers(0, 256, BYTES)
            a, b = (popular[int(rng.integers(len(popular)))] for _ in range(2))
            for port, value in ((dut.address_a, a), (dut.address_b, b), (dut.write, write), (dut.enable, enable),
                                (dut.write_data, int.from_bytes(data.astype(np.uint8), "little"))):
                ctx.set(port, value)
            asked.append((None if write and a == b else model[a].tobytes(), None if write else model[b].tobytes()))
            if write:
                model[b] = [data[n] if enable >> n & 1 else model[b, n] for n in range(BYTES)]
            await ctx.tick()

    simulate(made_for(dut), bench)
    assert model.any()


@pytest.mark.parametrize("words, blocks", [(16, 1), (1024, 1), (1280, 1), (1500, 2), (4096, 4)])
def test_ecp5_blocks(words, blocks):
    text = rtlil.convert(DualPortRam(words, BYTES, bits_for(words)), platform=Ecp5(), emit_src=False)
    assert text.count("cell \\DP16KD ") == blocks * BYTES // 2
    assert text.count('parameter \\REGMODE_A "OUTREG"') == text.count('parameter \\REGMODE_B "OUTREG"') == blocks * 2
    assert text.count("memory width 32 size 256") == (words == 1280)


def test_odd_words():
    with pytest.raises(ValueError, match="^word_bytes must be even, not 3$"):
        DualPortRam(16, 3, 4)


@pytest.mark.parametrize("words", [16, 1024, 1280, 1500])
def test_lint(words):
    lint(DualPortRam(words, BYTES, bits_for(words)))
