# amaranth: UnusedElaboratable=no
"""WeightMemory against a list, over boundaries of blocks and stations."""

import json
import random

import pytest
from amaranth import Value
from amaranth.back import rtlil

from firelane.boards.flow import tools
from firelane.hw.contract.timing import weight_read_cycles
from firelane.hw.taps.weight_memory import WeightMemory
from tests.hw.blocks.carry_proof import Ecp5
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


def test_block_rams_are_clocked_only_where_they_are_addressed(tmp_path):
    """What Yosys makes of two blocks, of four block RAMs and of two: the clock enable of each is a wire of its own."""
    dut = WeightMemory(3072)
    ports = {"_".join(map(str, path)): (Value.cast(port), None) for path, _, port in dut.signature.flatten(dut)
             if path[-1] != "ready"}
    (tmp_path / "top.il").write_text(rtlil.convert(dut, name="top", ports=ports, platform=Ecp5(), emit_src=False))
    (tmp_path / "top.ys").write_text("read_rtlil top.il\nproc\nsynth_ecp5 -top top\nwrite_json top.json\n")
    tools.yosys_script().run("top.ys", cwd=tmp_path, log=tmp_path / "yosys.log")
    cells = json.loads((tmp_path / "top.json").read_text())["modules"]["top"]["cells"].values()
    enables = [cell["connections"]["CEA"][0] for cell in cells if cell["type"] == "DP16KD"]
    assert len(enables) == 6 and len(set(enables)) == 2 and all(isinstance(bit, int) for bit in enables)
