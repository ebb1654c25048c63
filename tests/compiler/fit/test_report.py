"""compiler.fit.report and compiler.fit.resources."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from firelane.boards import get_board
from firelane.compiler.coding.weight_code import LIMITS, Codes
from firelane.compiler.compile import compile_graph
from firelane.compiler.fit.report import make_report, render
from firelane.compiler.fit.resources import block_rams, engine_resources
from firelane.hw.contract.config import EngineConfig
from tests.compiler.build import GraphBuilder


def test_block_rams():
    assert block_rams(1024, 112, 18) == 7
    assert block_rams(1280, 112, 18) == 13
    assert block_rams(2048, 8) == 1 and block_rams(1024, 17) == 1 and block_rams(74_240, 36) == 145


def test_the_budget_of_the_design():
    needs = engine_resources(EngineConfig(banks=8, activation_words=1024, weight_words=145 * 512))
    assert needs.ebr["activation memory"] == 56 and needs.ebr["weights"] == 145
    assert needs.dsp == 112 + 28
    deeper = engine_resources(EngineConfig(banks=8, activation_words=1280))
    assert deeper.ebr["activation memory"] == 56 and deeper.lut > needs.lut


def test_logic_lanes_spare_multipliers_and_cost_logic():
    plain, logic = (engine_resources(EngineConfig(banks=2, logic_lanes=lanes)) for lanes in (0, 28))
    assert (plain.dsp, logic.dsp) == (56, 28)
    assert logic.lut == plain.lut + 28 * 80 and logic.ebr == plain.ebr


def test_a_second_tap_costs_logic_and_neither_multipliers_nor_memory():
    """A multiplier block gives the products of a tap for two lanes, so two taps need a block a lane, as one does."""
    sizes = {"banks": 4, "logic_lanes": 13}
    one, two = engine_resources(EngineConfig(**sizes)), engine_resources(EngineConfig(**sizes, taps_per_cycle=2))
    assert (one.dsp, two.dsp) == (43 + 28, 42 + 28)         # a pair with one lane of logic is all of logic
    assert two.ebr == one.ebr and two.lut == one.lut + 2_500 + 90 * 56 + 39 * 13
    wide = {"value_symbols": 512, "run_symbols": 4096}      # a table of 36 bits has one port
    one, two = (engine_resources(EngineConfig(**wide, taps_per_cycle=taps)) for taps in (1, 2))
    assert one.ebr["symbol tables"] == two.ebr["symbol tables"] == 1 + 4


@pytest.mark.parametrize("cfg, dsp, lut", [(get_board("ulx3s_25f").engine, 28, 19_974),
                                           (EngineConfig(banks=4), 84, 21_929),
                                           (get_board("ulx3s_85f").engine, 140, 35_847),
                                           (replace(get_board("ulx3s_45f").engine, taps_per_cycle=2), 72, 31_187)])
def test_estimates_are_near_what_was_built(cfg, dsp, lut):
    needs = engine_resources(cfg)
    assert needs.dsp == dsp and abs(needs.lut / lut - 1) < 0.15


def report(board_name: str):
    board = get_board(board_name)
    build = GraphBuilder(3, 9, 9)
    return make_report(compile_graph(build.graph(build.fire(build.conv("image", 4), 3, 5)), board.engine), board)


def test_numbers_agree():
    found = report("ulx3s_85f")
    assert found.dense_macs == 81 * (3 * 4 + 4 * 3 + 3 * 5 + 27 * 5)
    assert found.macs_per_lane_and_cycle == found.dense_macs / (get_board("ulx3s_85f").engine.lanes * found.cost.total)
    assert found.frames_per_second == found.clock_hz / found.cost.total
    assert sum(line.cycles for line in found.layers) + found.cost.end == found.cost.total
    assert found.fits
    for line in (line for line in found.layers if line.density):
        assert line.instructions * line.taps >= line.ideal > 0 and line.rom.values + line.rom.runs == line.coded_bits
    assert sum(line.rom.bits for line in found.layers) == found.rom.bits


def test_coding_is_reported():
    found = report("ulx3s_85f")
    lines = [line for line in found.layers if line.code_bits]
    assert len(lines) == 4 and all(line.overhead > 0 for line in lines)
    console = Console(record=True, width=140, file=io.StringIO())
    console.print(render(found))
    text = console.export_text()
    assert re.search(rf"all +{found.rom.bytes:,}\b", text) and f"{lines[0].overhead:.1%}" in text


def printed(found) -> str:
    console = Console(record=True, width=400, file=io.StringIO())
    console.print(render(found))
    return console.export_text()


def test_fillers_are_counted():
    found = report("ulx3s_85f")
    lines = [line for line in found.layers if line.codes]
    assert len(lines) == 4 and {line.codes for line in lines} == {Codes.BEST}
    for line in lines:
        assert line.fillers == line.taps - round(line.density * line.weights) and line.extra_taps == 0
    text = f"{sum(line.fillers for line in lines):,} of {sum(line.taps for line in lines):,} taps are fillers"
    assert text in printed(found) and "other codes" not in printed(found)


@pytest.mark.parametrize(("longest", "codes", "said"), [
    (4, Codes.SHORTENED, "other codes than the best, so that two decoders get them in time: conv1"),
    (0, Codes.LATE, "codes that come late, which costs each tile a cycle or two: conv1")])
def test_codes_that_had_to_be_shorter_are_said(monkeypatch, longest, codes, said):
    """As if decoders were in time with codes of so many bits only."""
    monkeypatch.setattr("firelane.compiler.coding.weight_code.in_time",
                        lambda lengths, counts, supply: max(codes.max() for codes in lengths) <= longest)
    monkeypatch.setattr("firelane.compiler.coding.weight_code.LIMITS",
                        (LIMITS[0], LIMITS[0]._replace(values=4, runs=4)))
    rng = np.random.default_rng(1)
    build = GraphBuilder(3, 9, 9)
    value = np.where(rng.random((6, 3, 3, 3)) < 0.4, rng.choice([-9, -5, -3, -2, 1, 4, 6, 7, 8, 11], (6, 3, 3, 3)), 0)
    graph = build.graph(build.conv("image", 6, kernel=3, weight=value.astype(np.int8), name="conv1"))
    found = make_report(compile_graph(graph, EngineConfig(taps_per_cycle=2)))
    assert said in printed(found) and [line.codes for line in found.layers if line.codes] == [codes]


def test_the_12f_lacks_logic_and_only_that():
    found = report("ulx3s_12f")
    assert [line.name for line in found.usage if not line.fits] == ["LUT (estimate)"]


def test_what_does_not_fit_is_marked():
    board = get_board("ulx3s_12f")
    build = GraphBuilder(3, 9, 9)
    compiled = compile_graph(build.graph(build.conv("image", 4)), EngineConfig(banks=8))
    found = make_report(compiled, board)
    assert not found.fits
    console = Console(record=True, width=140, file=io.StringIO())
    console.print(render(found))
    assert "112 too many" in console.export_text()
