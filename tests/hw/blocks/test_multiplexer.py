"""Multiplexer: against Python, proved equal to what is portable, and two LUTs of its own behind every PFUMX."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest
from amaranth import Module, Signal, Value
from amaranth.back import rtlil

from firelane.boards.flow import tools
from firelane.hw.blocks.multiplexer import Multiplexer, choose
from firelane.hw.contract.config import EngineConfig
from firelane.hw.pixels.column_move import ColumnMove
from firelane.hw.pixels.row_move import RowMover
from tests.hw.blocks.carry_proof import Ecp5, prove_equal
from tests.hw.support import lint, simulate

WIDTH = 5


def test_it_chooses():
    rng = random.Random(1)
    dut = Multiplexer(WIDTH)

    async def bench(ctx):
        for _ in range(50):
            values = [rng.randrange(1 << WIDTH) for _ in range(4)]
            for n, value in enumerate(values):
                ctx.set(getattr(dut, f"choice_{n}"), value)
            for select in range(4):
                ctx.set(dut.select, select)
                assert ctx.get(dut.chosen) == values[select]
            await ctx.tick()

    top = Module()
    top.submodules.dut = dut
    top.d.sync += Signal().eq(dut.chosen[0])        # the simulator's clock needs something to drive
    simulate(top, bench)


def test_ecp5_is_equal(tmp_path):
    assert prove_equal(lambda: Multiplexer(WIDTH), tmp_path).count("cell \\PFUMX ") == WIDTH


def test_lint():
    lint(Multiplexer(8))


@pytest.mark.parametrize("different, made", [(4, 1), (3, 0), (2, 0)])
def test_only_four_different_choices_make_one(different, made):
    signals = [Signal(WIDTH, name=f"signal_{n}") for n in range(different)]
    choices = signals + signals[-1:] * (4 - different)
    m, select, chosen = Module(), Signal(2), Signal(WIDTH)
    m.d.comb += chosen.eq(choose(m, select, choices, name="chosen"))
    text = rtlil.convert(m, ports=[select, chosen, *signals], platform=Ecp5(), emit_src=False)
    assert text.count("cell \\PFUMX ") == made * WIDTH


@pytest.mark.parametrize("mover, banks", [(ColumnMove, 1), (ColumnMove, 2), (ColumnMove, 4), (ColumnMove, 8),
                                          (RowMover, 8)])
def test_what_yosys_makes_of_the_movers(mover, banks, tmp_path):
    """nextpnr refuses a PFUMX that does not join two LUTs of its own."""
    dut = mover(EngineConfig(banks=banks, columns_left=1, columns_right=2))
    ports = {"_".join(map(str, path)): (Value.cast(port), None) for path, _, port in dut.signature.flatten(dut)}
    (tmp_path / "top.il").write_text(rtlil.convert(dut, name="top", ports=ports, platform=Ecp5(), emit_src=False))
    (tmp_path / "top.ys").write_text("read_rtlil top.il\nproc\nsynth_ecp5 -top top\nwrite_json top.json\n")
    tools.yosys_script().run("top.ys", cwd=tmp_path, log=tmp_path / "yosys.log")
    cells = json.loads((tmp_path / "top.json").read_text())["modules"]["top"]["cells"].values()
    joined = [cell["connections"] for cell in cells if cell["type"] == "PFUMX"]
    luts = {cell["connections"]["Z"][0] for cell in cells if cell["type"] == "LUT4"}
    readers = Counter(bit for cell in cells for port, bits in cell["connections"].items()
                      if cell["port_directions"][port] == "input" for bit in bits)
    assert len(joined) >= 8 * 14 * banks // 2
    assert all(ports[name][0] in luts and readers[ports[name][0]] == 1 for ports in joined for name in ("ALUT", "BLUT"))
